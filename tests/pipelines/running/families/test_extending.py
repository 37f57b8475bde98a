"""A picture with more canvas around it, whatever the family: its pixels stay, the new part meets them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines.errors import Cancelled
from pipelines.events import StepProgress, WorkOrder
from pipelines.request import Extend, Mode
from pipelines.running.extending import begun, in_tone
from tests.pipelines.conftest import Outcome
from tests.pipelines.returning.scene import scene
from tests.pipelines.running.families.conftest import MAKERS, Tiny
from tests.pipelines.running.families.test_returning import pixels

EXTENDING = [
    name
    for name, (entry, _) in MAKERS.items()
    if "inpaint" in yaml.safe_load(entry.format(folder="x"))[0]["modes"]
]
EXTEND: dict[str, Any] = {"left": 30, "top": 0, "right": 50, "bottom": 20}


@pytest.fixture(scope="module")
def source(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """A picture of 240×160 px, as "frame"."""
    made = scene(240, 160)
    path = tmp_path_factory.mktemp("extending") / "frame.png"
    Image.fromarray(made).save(path)
    tiny.pictures.files["frame"] = str(path)
    tiny.pictures.sizes["frame"] = (240, 160)
    return made


def extended(tiny: Tiny, model: str, mode: Mode = Mode.OUTPAINT, **changes: Any) -> Outcome:
    given = {
        "references": [{"image_id": "frame"}],
        "result_size": None,
        "keep": None,
        "extend": EXTEND,
        **changes,
    }
    request = tiny.ask(model, mode, **given)
    outcome = Outcome(request)
    order = WorkOrder("job", request, dict(tiny.pictures.files))
    tiny.runner.run(order, outcome.events.append, lambda: len(outcome.of(StepProgress)) > 99)
    return outcome


@pytest.mark.parametrize("model", EXTENDING)
def test_the_picture_stays_and_all_around_it_is_new(tiny: Tiny, source: np.ndarray, model: str) -> None:
    outcome = extended(tiny, model)
    made = pixels(outcome)
    assert made.shape == (180, 320, 3)
    assert np.array_equal(made[0:160, 30:270], source)
    start = begun(source, Extend(**EXTEND))
    assert not np.array_equal(made[:, :30], start[:, :30])
    assert np.array_equal(made, pixels(extended(tiny, model)))
    steps = outcome.of(StepProgress)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("model", ["tiny-sdxl", "tiny-kontext"])
def test_it_can_be_the_last_step(tiny: Tiny, source: np.ndarray, model: str) -> None:
    request = tiny.ask(model, Mode.OUTPAINT, references=[{"image_id": "frame"}], extend=EXTEND)
    outcome = Outcome(request)
    order = WorkOrder("job", request, dict(tiny.pictures.files))
    with pytest.raises(Cancelled):
        tiny.runner.run(order, outcome.events.append, lambda: len(outcome.of(StepProgress)) == 1)


def test_what_is_drawn_is_brought_to_the_tones_beside_it() -> None:
    source = np.clip(scene(96, 64), 40, 215)
    known = np.zeros((64, 96), bool)
    known[:, 32:] = True
    drawn = source - np.uint8(30)
    toned = in_tone(source, drawn, known, 4)
    assert np.abs(toned[:, :32].astype(int) - source[:, :32]).max() <= 1
    assert np.array_equal(in_tone(source, drawn, np.ones_like(known), 4), drawn)


def test_a_source_is_extended_before_it_is_edited(tiny: Tiny, source: np.ndarray) -> None:
    edited = extended(tiny, "tiny-kontext", Mode.SMART_EDIT, fit="extend", prompt="a red wall")
    assert pixels(edited).shape == (180, 320, 3)
    refined = edited.images[0].refined
    assert refined is not None
    assert edited.request.fit == "extend"
    alone = pixels(extended(tiny, "tiny-kontext", prompt=""))
    assert alone.shape == pixels(edited).shape


def test_what_is_added_before_painting_over_has_a_strength_of_its_own(tiny: Tiny, source: np.ndarray) -> None:
    """Little influence on the picture is none on the canvas that is added."""
    alone = pixels(extended(tiny, "tiny-sdxl", prompt="a red wall"))
    over = extended(tiny, "tiny-sdxl", Mode.IMG2IMG, fit="extend", prompt="a red wall", strength=0.5)
    refined = over.images[0].refined
    assert refined is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(refined.source))), alone)


def test_a_crop_keeps_the_head_and_its_pixels(tiny: Tiny, source: np.ndarray) -> None:
    request = tiny.ask(
        "tiny-kontext",
        Mode.SMART_EDIT,
        references=[{"image_id": "frame"}],
        result_size=None,
        keep=None,
        aspect_ratio="2:3",
    )
    assert request.fit == "crop"
    outcome = Outcome(request)
    files = dict(tiny.pictures.files)
    order = WorkOrder("job", request, files, heads=((0, 10, 40, 60),))
    tiny.runner.run(order, outcome.events.append, lambda: False)
    made = pixels(outcome)
    assert made.shape[0] == 160
    refined = outcome.images[0].refined
    assert refined is not None
    change = np.asarray(Image.open(io.BytesIO(refined.change)))
    kept = change == 0
    assert np.array_equal(made[kept], source[:, : made.shape[1]][kept])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(refined.source))), source[:, : made.shape[1]])
    across = 240 / made.shape[1]
    assert refined.measures["placed"] == pytest.approx([0, 0, across, 1])


@pytest.mark.parametrize("size", ["source", "model", {"width": 320, "height": 200}])
def test_where_a_source_lies_in_the_picture_is_told(tiny: Tiny, source: np.ndarray, size: Any) -> None:
    outcome = extended(tiny, "tiny-kontext", Mode.SMART_EDIT, result_size=size, fit="extend")
    refined, shape = outcome.images[0].refined, pixels(outcome).shape
    assert refined is not None
    left, top, right, bottom = refined.measures["placed"]
    was = np.asarray(Image.open(io.BytesIO(refined.source)))
    assert was.shape == shape
    height, width = shape[:2]
    box = [round(left * width), round(top * height), round(right * width), round(bottom * height)]
    shown = was[max(0, box[1]) : box[3], max(0, box[0]) : box[2]]
    inside = Image.fromarray(source).resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.LANCZOS)
    here = np.asarray(inside)[max(0, -box[1]) :, max(0, -box[0]) :][: shown.shape[0], : shown.shape[1]]
    assert np.abs(shown.astype(int) - here).mean() < 4
    moved = np.abs(np.roll(shown, 12, axis=1).astype(int) - here).mean()
    assert moved > 8


def test_a_source_that_is_refined_as_it_is_is_not_kept_twice(tiny: Tiny, source: np.ndarray) -> None:
    outcome = extended(tiny, "tiny-kontext", Mode.SMART_EDIT, extend=None)
    refined = outcome.images[0].refined
    assert refined is not None
    assert refined.source == b""
    assert "placed" not in refined.measures


def test_an_edit_is_limited_to_what_is_painted(tiny: Tiny, source: np.ndarray, tmp_path: Path) -> None:
    mask = np.zeros((160, 240), np.uint8)
    mask[40:100, 60:160] = 255
    Image.fromarray(mask).save(tmp_path / "here.png")
    tiny.pictures.files["here"], tiny.pictures.sizes["here"] = str(tmp_path / "here.png"), (240, 160)
    given = [{"image_id": "frame"}, {"image_id": "here", "role": "mask"}]
    for model, mode in (
        ("tiny-kontext", Mode.SMART_EDIT),
        ("tiny-sdxl", Mode.IMG2IMG),
        ("tiny-klein", Mode.SMART_EDIT),
    ):
        for keep in (None, {"enabled": False}):
            outcome = extended(tiny, model, mode, extend=None, references=given, keep=keep)
            made = pixels(outcome)
            assert np.array_equal(made[mask == 0], source[mask == 0]), (model, keep)
        assert not np.array_equal(made, source), model
