"""Each setting that a sweep can go over: two pictures, each with its value, and not the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import tiny_loras
from tests.e2e.harness import StudioProcess
from tests.studio.fixtures import picture
from tests.studio.sweeps.test_api_sweeps import REQUEST, ended, send

Ids = list[str]


@pytest.fixture(scope="module")
def ids(rest: StudioProcess, tiny_model_dir: Path) -> Iterator[Ids]:
    """Two pictures; beside them two LoRAs, `ink` and `wash`, which are gone afterwards."""
    folder = rest.data_dir / "models"
    tiny_loras.make(tiny_model_dir, folder / "ink.safetensors")
    shutil.copy(folder / "ink.safetensors", folder / "wash.safetensors")
    rest.api("POST", "/models/scan")
    files = [{"file": (f"{seed}.png", picture(seed, width=64, height=64))} for seed in (70, 71)]
    yield [str(rest.api("POST", "/images", files=each).json()["id"]) for each in files]
    for name in ("ink", "wash"):
        (folder / f"{name}.safetensors").unlink()
    rest.api("POST", "/models/scan")


def plain(ids: Ids) -> dict[str, Any]:
    return {}


def of(mode: str) -> Callable[[Ids], dict[str, Any]]:
    return lambda ids: {"mode": mode, "references": [{"image_id": ids[0]}], "num_inference_steps": 4}


def with_lora(ids: Ids) -> dict[str, Any]:
    return {"loras": [{"id": "ink", "weight": 1.0}]}


def first(many: str, name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda request: request[many][0][name]


def set_to(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda request: request[name]


AXES: list[tuple[str, Any, Callable[[Ids], dict[str, Any]], Callable[[dict[str, Any]], Any], list[Any]]] = [
    ("prompt_part", "red | blue", plain, set_to("prompt"), ["a red hat", "a blue hat"]),
    ("model", "tiny | tiny-plain", plain, set_to("model"), ["tiny", "tiny-plain"]),
    ("mode", "img2img | smart_edit", of("img2img"), set_to("mode"), ["img2img", "smart_edit"]),
    ("guidance_scale", "2..7 step 5", plain, set_to("guidance_scale"), [2, 7]),
    ("num_inference_steps", "1 | 3", plain, set_to("num_inference_steps"), [1, 3]),
    ("influence", "25 | 75", of("img2img"), set_to("strength"), [0.75, 0.25]),
    ("seed", "1 | 2", plain, set_to("seed"), [1, 2]),
    ("lora.0", "ink | wash", with_lora, first("loras", "id"), ["ink", "wash"]),
    ("lora_weight.0", "0.2 | 1", with_lora, first("loras", "weight"), [0.2, 1]),
    ("reference.0", None, of("img2img"), first("references", "image_id"), []),
    ("reference_weight.0", "0.2 | 1", of("style_reference"), first("references", "weight"), [0.2, 1]),
    ("control.weight", "0.3 | 1", of("controlnet"), lambda r: r["control"]["weight"], [0.3, 1]),
]  # fmt: skip
SAME = ("lora.0",)
"""The two LoRAs are copies."""


@pytest.mark.parametrize(
    ("axis", "values", "asked", "said", "expected"), AXES, ids=[axis for axis, *_ in AXES]
)
def test_two_values_of_an_axis(
    rest: StudioProcess,
    ids: Ids,
    axis: str,
    values: Any,
    asked: Callable[[Ids], dict[str, Any]],
    said: Callable[[dict[str, Any]], Any],
    expected: list[Any],
) -> None:
    request = {**REQUEST, "seed": 5, **asked(ids)}
    started = send(rest, "/sweeps", request=request, x={"field": axis, "values": values or ids})
    assert started.status_code == 202, started.text
    cells = ended(rest, started.json()["batch"])["cells"]
    assert [cell["status"] for cell in cells] == ["done", "done"], cells
    records = [rest.api("GET", f"/images/{cell['image']['id']}").json() for cell in cells]
    assert [said(each["request"]) for each in records] == (expected or ids)
    assert (len({each["pixel_sha256"] for each in records}) == 1) == (axis in SAME)
