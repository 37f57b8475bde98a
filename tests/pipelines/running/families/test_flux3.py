"""FLUX.3 Image Klein: the adapter against diffusers' own blocks, its folder, and its sources."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.errors import Cancelled, ModelUnavailable
from pipelines.memory.plan import MemoryPlan, Placement
from pipelines.planning.plan import plan
from pipelines.request import Role
from pipelines.running.contract import LoadSettings, RoleImage
from pipelines.running.families import load, modular
from tests import tiny_models_flux3
from tests.pipelines.running.families.conftest import Tiny

MODEL = "tiny-flux3"
SEED = 5


def stock(folder: Path) -> Any:
    """diffusers' own pipeline of the folder's parts, without the prompt upsampler."""
    blocks = diffusers.Flux3DistilledAutoBlocks()
    blocks.sub_blocks.pop("prompt_upsampler")
    pipeline = diffusers.Flux3DistilledModularPipeline(blocks=blocks)
    parts = {name: cls.from_pretrained(folder / name) for name, cls in modular.PARTS.items()}
    tokenizer = modular.AutoTokenizer.from_pretrained(folder / "tokenizer")
    pipeline.register_components(**parts, tokenizer=modular.Chat(tokenizer))
    return pipeline


def picture(width: int, height: int, number: int = 0) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def ours(tiny: Tiny, mode: str, pictures: list[tuple[Image.Image, Role]], **asked: Any) -> Any:
    """The call for these references, and its plan."""
    names = [f"picture {number}" for number, _ in enumerate(pictures)]
    for name, (each, _) in zip(names, pictures, strict=True):
        tiny.pictures.sizes[name] = each.size
    given = [{"image_id": name, "role": role.value} for name, (_, role) in zip(names, pictures, strict=True)]
    request = tiny.ask(MODEL, mode, references=given, seed=SEED, num_inference_steps=3, **asked)
    planned = plan(request, tiny.catalog.route(MODEL, request.mode))
    images = [RoleImage(each, role, 1.0, n) for n, (each, role) in enumerate(pictures, start=1)]
    return tiny.load(MODEL).prepare(planned, images, lambda event: None), planned


@pytest.mark.parametrize(
    ("mode", "roles"),
    [
        ("text_to_image", []),
        ("smart_edit", [Role.SOURCE]),
        ("smart_edit", [Role.SOURCE, Role.STYLE]),
        ("character_reference", [Role.CHARACTER]),
        ("controlnet", [Role.STRUCTURE, Role.CHARACTER, Role.STYLE]),
    ],
)
def test_the_adapter_draws_what_diffusers_own_blocks_draw(tiny: Tiny, mode: str, roles: list[Role]) -> None:
    pictures = [(picture(64, 96, number), role) for number, role in enumerate(roles)]
    call, planned = ours(tiny, mode, pictures, width=64, height=96)
    latents = call.denoise(SEED, lambda *step: None)
    made = stock(tiny.folder_of(MODEL))(
        prompt=planned.composed_prompt,
        width=64,
        height=96,
        num_inference_steps=3,
        generator=torch.Generator("cpu").manual_seed(SEED),
        **({"image": [each for each, _ in pictures]} if pictures else {}),
    )
    assert torch.equal(latents, made.get("latents"))
    assert call.decode(latents).tobytes() == made.get("images")[0].tobytes()


def test_an_edit_has_the_size_that_diffusers_would_take_of_the_source_shown(tiny: Tiny) -> None:
    source = picture(300, 200)
    call, planned = ours(tiny, "smart_edit", [(source, Role.SOURCE)])
    shown = call.arguments["image"][0]
    assert shown.size == (planned.width, planned.height) != source.size
    made = stock(tiny.folder_of(MODEL))(
        prompt=planned.composed_prompt,
        image=shown,
        num_inference_steps=3,
        generator=torch.Generator("cpu").manual_seed(SEED),
    )
    assert torch.equal(call.denoise(SEED, lambda *step: None), made.get("latents"))


def test_other_references_are_handed_over_as_they_are(tiny: Tiny) -> None:
    roles = (Role.SOURCE, Role.SOURCE, Role.STYLE)
    given = [(picture(300, 200 + n, n), role) for n, role in enumerate(roles)]
    call, planned = ours(tiny, "smart_edit", given)
    source, *others = call.arguments["image"]
    assert source.size == (planned.width, planned.height)
    assert [*map(id, others)] == [id(each) for each, _ in given[1:]]


def test_a_cancelled_picture_writes_no_traceback(tiny: Tiny, caplog: pytest.LogCaptureFixture) -> None:
    call, _ = ours(tiny, "text_to_image", [])
    seen: list[int] = []

    def stop(step: int, of: int, latents: Any) -> None:
        seen.append(of)
        raise Cancelled

    logger = logging.getLogger("diffusers.modular_pipelines.modular_pipeline")
    logger.addHandler(caplog.handler)
    try:
        with pytest.raises(Cancelled):
            call.denoise(SEED, stop)
    finally:
        logger.removeHandler(caplog.handler)
    assert seen == [3]
    assert not caplog.records


# --- the folder ------------------------------------------------------------------------------------


def settings(folder: Path, tiny: Tiny) -> LoadSettings:
    return LoadSettings(folder, frozenset(tiny.catalog.get(MODEL).modes), "cpu", torch.float32)


@pytest.mark.parametrize("lacks", ["transformer", "text_encoder/model.safetensors", "vae", "tokenizer"])
def test_a_folder_without_a_part_is_said_to_be_incomplete(tiny: Tiny, tmp_path: Path, lacks: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny.folder_of(MODEL), folder)
    shutil.rmtree(folder / lacks) if (folder / lacks).is_dir() else (folder / lacks).unlink()
    with pytest.raises(ModelUnavailable, match="damaged or incomplete"):
        load(tiny.catalog.get(MODEL), settings(folder, tiny))


def test_a_model_that_is_not_distilled_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny.folder_of(MODEL), folder)
    config = folder / "transformer" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "flow_map": False}))
    with pytest.raises(ModelUnavailable):
        load(tiny.catalog.get(MODEL), settings(folder, tiny))


def test_a_scheduler_in_the_folder_counts(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny.folder_of(MODEL), folder)
    own = modular.load(tiny.catalog.get(MODEL), settings(folder, tiny)).scheduler
    assert own.config.shift == pytest.approx(6.93)
    diffusers.FlowMatchEulerDiscreteScheduler(shift=2.0).save_pretrained(folder / "scheduler")
    place = {"subfolder": "scheduler", "type_hint": ["diffusers", "FlowMatchEulerDiscreteScheduler"]}
    index = {**tiny_models_flux3.index(), "scheduler": [None, None, place]}
    (folder / "modular_model_index.json").write_text(json.dumps(index))
    other = modular.load(tiny.catalog.get(MODEL), settings(folder, tiny)).scheduler
    assert other.config.shift == 2.0


FROM_THE_CACHE = """
import sys
from pathlib import Path
import torch
from pipelines.catalog.catalog import load_catalog
from pipelines.running.contract import LoadSettings
from pipelines.running.families import load
spec = load_catalog(Path("models.yaml")).get("flux3-image-klein")
model = load(spec, LoadSettings(None, frozenset(spec.modes), "cpu", torch.float32))
print(type(model.components["tokenizer"]).__name__)
"""


def test_a_download_is_loaded_from_the_hubs_cache_without_a_network(tiny: Tiny, tmp_path: Path) -> None:
    repo = tmp_path / "hub" / "models--black-forest-labs--flux-3-image-klein"
    shutil.copytree(tiny.folder_of(MODEL), repo / "snapshots" / ("a" * 40))
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("a" * 40)
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", FROM_THE_CACHE],
        cwd=root,
        env={**environment, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stdout.startswith("Qwen2Tokenizer"), done.stderr[-2000:]


@pytest.mark.parametrize("placement", [Placement.MODEL_OFFLOAD, Placement.GROUP_OFFLOAD])
def test_parts_that_take_turns_draw_the_same(tiny: Tiny, placement: Placement) -> None:
    call, planned = ours(tiny, "smart_edit", [(picture(64, 64), Role.SOURCE)])
    memory = MemoryPlan(placement=placement, tiling=True)
    other = load(tiny.catalog.get(MODEL), replace(settings(tiny.folder_of(MODEL), tiny), memory=memory))
    again: Any = other.prepare(planned, [RoleImage(picture(64, 64), Role.SOURCE, 1.0, 1)], lambda event: None)
    for _ in range(2):
        assert torch.equal(call.denoise(SEED, lambda *s: None), again.denoise(SEED, lambda *s: None))
