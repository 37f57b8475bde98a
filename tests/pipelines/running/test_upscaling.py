"""Enlarging, finishing and redrawing in the runner: sizes, tiles, cancels, transparency and colours."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from safetensors.torch import save_file

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import Cancelled, LikenessError
from pipelines.events import (
    Event,
    ImageReady,
    Phase,
    PhaseChanged,
    Started,
    StepProgress,
    TileProgress,
    WorkOrder,
)
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest
from pipelines.running import enlarging
from pipelines.running.runner import PipelineRunner
from tests.pipelines.enlargers import write_catalogue

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
Run = Callable[..., list[Event]]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Catalog:
    return load_catalog(write_catalogue(tmp_path_factory.mktemp("enlarging"), tiny_models_yaml))


@pytest.fixture(scope="module")
def run(catalogue: Catalog) -> Run:
    runner = PipelineRunner(catalogue, "cpu")

    def made(
        source: Path | None = None,
        original: Path | None = None,
        cancelled: Callable[[list[Event]], bool] = lambda events: False,
        heads: tuple[Any, ...] = (),
        **fields: Any,
    ) -> list[Event]:
        given = {"references": [{"image_id": "it"}]} if source else {}
        sizes = {"it": Image.open(source).size} if source else {}
        request = GenerationRequest.model_validate({"prompt": "a face", **given, **fields})
        closed = complete(request, catalogue, sizes, lambda: 7).request
        files = {"it": str(source)} if source else {}
        order = WorkOrder(
            "job",
            closed,
            files,
            originals={"it": str(original)} if original else {},
            heads=heads,
        )
        events: list[Event] = []
        runner.run(order, events.append, lambda: cancelled(events))
        return events

    return made


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 × 48 px of smooth colours with hard borders."""
    path = tmp_path_factory.mktemp("face") / "face.png"
    coarse = np.random.default_rng(1).integers(0, 255, (6, 10, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((80, 48), Image.Resampling.NEAREST).save(path)
    return path


def ready(events: list[Event]) -> ImageReady:
    return next(event for event in events if isinstance(event, ImageReady))


def pixels(events: list[Event]) -> np.ndarray:
    it = ready(events)
    return np.frombuffer(it.rgb, np.uint8).reshape(it.height, it.width, 3)


def of(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize(("scale", "size"), [(2, (160, 96)), (4, (320, 192))])
def test_a_picture_becomes_larger_and_stays_the_same(
    run: Run, face: Path, scale: int, size: tuple[int, int]
) -> None:
    events = run(face, mode="upscale", scale=scale, prompt="")
    assert (ready(events).width, ready(events).height) == size
    small = np.asarray(Image.fromarray(pixels(events)).resize((80, 48), Image.Resampling.BOX), np.int16)
    assert np.abs(small - np.asarray(Image.open(face), np.int16)).mean() < 12
    assert Phase.ENLARGING in [event.phase for event in of(events, PhaseChanged)]
    assert not of(events, StepProgress)


def test_a_size_beyond_what_one_pass_makes_takes_two(run: Run, face: Path) -> None:
    events = run(face, mode="upscale", width=600)
    assert (ready(events).width, ready(events).height) == (600, 360)


def test_tiles_are_counted_and_a_cancel_is_heard_within_one(
    run: Run, face: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enlarging.Compact, "tile", 32)
    told = of(run(face, mode="upscale"), TileProgress)
    assert [(each.tile, each.tiles) for each in told] == [(number, 6) for number in range(1, 7)]
    seen: list[Event] = []

    def after_the_second(events: list[Event]) -> bool:
        seen[:] = events
        return len(of(events, TileProgress)) >= 2

    with pytest.raises(Cancelled):
        run(face, mode="upscale", cancelled=after_the_second)
    assert len(of(seen, TileProgress)) == 2


def test_transparency_and_profile_are_those_of_the_source(run: Run, face: Path, tmp_path: Path) -> None:
    clear = Image.open(face).convert("RGBA")
    clear.putalpha(Image.new("L", clear.size, 0))
    clear.paste((10, 200, 30, 255), (20, 10, 60, 40))
    own = tmp_path / "own.png"
    clear.save(own, icc_profile=PROFILE)
    it = ready(run(face, own, mode="upscale", scale=4))
    alpha = np.frombuffer(it.alpha, np.uint8).reshape(it.height, it.width)
    assert it.profile == PROFILE
    assert (alpha[:20].max(), alpha[80:140, 100:220].min()) == (0, 255)


def test_an_opaque_picture_stays_opaque(run: Run, face: Path) -> None:
    it = ready(run(face, mode="upscale"))
    assert (it.alpha, it.profile) == (b"", b"")


def test_what_a_job_makes_is_finished_in_the_same_job(run: Run) -> None:
    plain = run(model="tiny-redraws", num_inference_steps=2, seed=3)
    events = run(model="tiny-redraws", num_inference_steps=2, seed=3, finish=4)
    assert (ready(plain).width, ready(events).width) == (64, 256)
    small = np.asarray(Image.fromarray(pixels(events)).resize((64, 64), Image.Resampling.BOX), np.int16)
    assert np.abs(small - pixels(plain).astype(np.int16)).mean() < 12
    assert of(events, Started)[0].provenance["enlarger"]["id"] == "tiny-enlarger"
    phases = [event.phase for event in of(events, PhaseChanged)]
    assert phases[-2:] == [Phase.DECODING, Phase.ENLARGING]


def test_every_picture_of_a_batch_is_finished(run: Run) -> None:
    made = of(run(model="tiny-redraws", num_inference_steps=1, num_images=2, finish=2), ImageReady)
    assert [(each.width, each.height) for each in made] == [(128, 128)] * 2


def test_a_redrawn_picture_has_the_size_and_the_tones_of_its_source(run: Run, face: Path) -> None:
    events = run(face, mode="upscale", model="tiny-redraws", scale=2, strength=1.0, num_inference_steps=2)
    assert (ready(events).width, ready(events).height) == (160, 96)
    plain = run(face, mode="upscale", scale=2)
    redrawn, enlarged = (pixels(each).astype(np.float32) for each in (events, plain))
    assert np.abs(redrawn - enlarged).mean() > 3
    coarse = [
        np.asarray(Image.fromarray(each.astype(np.uint8)).resize((10, 6), Image.Resampling.BOX), np.int16)
        for each in (redrawn, enlarged)
    ]
    assert np.abs(coarse[0] - coarse[1]).mean() < 20
    tiles = of(events, TileProgress)
    assert len({each.tiles for each in tiles}) == 2  # those of the enlarger, then those redrawn
    assert of(events, StepProgress)[-1].step == of(events, StepProgress)[-1].total_steps


def test_a_redrawn_picture_keeps_its_transparency(run: Run, face: Path, tmp_path: Path) -> None:
    clear = Image.open(face).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    own = tmp_path / "own.png"
    clear.save(own)
    it = ready(run(face, own, mode="upscale", model="tiny-redraws", num_inference_steps=4))
    alpha = np.frombuffer(it.alpha, np.uint8).reshape(it.height, it.width)
    assert alpha[0].max() < 10 < 240 < alpha[-1].min()


def test_a_cancel_is_heard_while_a_picture_is_redrawn(run: Run, face: Path) -> None:
    with pytest.raises(Cancelled):
        run(
            face,
            mode="upscale",
            model="tiny-redraws",
            num_inference_steps=4,
            cancelled=lambda events: len(of(events, StepProgress)) >= 3,
        )


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: str) -> None:
        self._trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (self._trace,)


def _hostile(name: str, path: Path, trace: Path) -> None:
    match name:
        case "code.pth":
            torch.save({"params_ema": Evil(str(trace))}, path)
        case "keys.pth":
            torch.save({"params": {"foo": torch.zeros(3)}}, path)
        case "keys.safetensors":
            save_file({"foo": torch.zeros(3)}, path)
        case "shapes.safetensors":
            save_file({"body.0.weight": torch.zeros(8, 3, 3, 3), "body.2.weight": torch.zeros(5)}, path)
        case "header.safetensors":
            path.write_bytes(struct.pack("<Q", 3 * 10**9) + b"{}")
        case _:
            path.write_bytes(b"")


HOSTILE = {
    "code.pth": "could run code",
    "keys.pth": "needs the package spandrel|no enlarger that the studio knows",
    "keys.safetensors": "needs the package spandrel|no enlarger that the studio knows",
    "shapes.safetensors": "shapes",
    "header.safetensors": "no model",
    "nothing.safetensors": "no model",
    "nothing.pth": "no model",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_enlarger_makes_no_picture_and_says_why(
    name: str, face: Path, tmp_path: Path, tiny_models_yaml: Path
) -> None:
    (tmp_path / "upscalers").mkdir()
    _hostile(name, tmp_path / "upscalers" / name, tmp_path / "it-ran")
    catalogue = load_catalog(tiny_models_yaml, tmp_path)
    listed = [spec.id for spec in catalogue.specs if spec.id.startswith("file-upscalers-")]
    wish = {
        "mode": "upscale",
        "model": listed[0] if listed else f"file-upscalers-{Path(name).stem}",
        "references": [{"image_id": "it"}],
    }

    def asked() -> None:
        closed = complete(GenerationRequest.model_validate(wish), catalogue, {"it": (80, 48)}, lambda: 7)
        order = WorkOrder("job", closed.request, {"it": str(face)})
        PipelineRunner(catalogue, "cpu").run(order, lambda event: None, lambda: False)

    with pytest.raises(LikenessError, match=HOSTILE[name]):
        asked()
    assert not (tmp_path / "it-ran").exists()
