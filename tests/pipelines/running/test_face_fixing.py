"""Heads drawn anew and put back: what lies beyond them keeps its own bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines.catalog.catalog import Catalog
from pipelines.errors import Cancelled, RequestError
from pipelines.events import Event, ImageReady, PreviewReady, StepProgress, TileProgress, WorkOrder
from pipelines.planning import faces
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest
from pipelines.running.face_fixing import levels, patches
from pipelines.running.runner import PipelineRunner

SIZE = (300, 200)
ONE, OTHER = (40, 50, 70, 86), (200, 90, 236, 130)
Run = Callable[..., list[Event]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "two.png"
    coarse = np.random.default_rng(4).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def run(catalog: Catalog, runner: PipelineRunner, source: Path) -> Run:
    def made(
        *heads: faces.Box,
        cancelled: Callable[[list[Event]], bool] = lambda events: False,
        person: bool = False,
        **fields: Any,
    ) -> list[Event]:
        references = [{"image_id": "it", "role": "source"}]
        references += [{"image_id": "who", "role": "character"}] if person else []
        given = {"mode": "fix_face", "model": "tiny", "prompt": "a face", "seed": 3, "num_inference_steps": 4}
        request = GenerationRequest.model_validate(
            {**given, "references": references, "fix_face": {"under": 64}, "strength": 0.9, **fields}
        )
        done = complete(request, catalog, {"it": SIZE, "who": SIZE}, lambda: 1).request
        files = {"it": str(source), "who": str(source)}
        events: list[Event] = []
        order = WorkOrder("job", done, files, heads=heads)
        runner.run(order, events.append, lambda: cancelled(events))
        return events

    return made


def pixels(events: list[Event]) -> NDArray[np.uint8]:
    it = next(event for event in events if isinstance(event, ImageReady))
    assert (it.width, it.height) == SIZE
    return np.frombuffer(it.rgb, np.uint8).reshape(it.height, it.width, 3)


def inside(*heads: faces.Box) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE[::-1], bool)
    for head in heads:
        left, top, right, bottom = faces.around(head, SIZE)
        mask[top:bottom, left:right] = True
    return mask


def core(head: faces.Box) -> tuple[slice, slice]:
    return slice(head[1], head[3]), slice(head[0], head[2])


def test_beyond_the_heads_every_byte_is_the_sources_own(run: Run, source: Path) -> None:
    before = np.asarray(Image.open(source))
    events = run(ONE, OTHER)
    after = pixels(events)
    same = (before == after).all(axis=-1)
    assert same[~inside(ONE, OTHER)].all()
    for head in (ONE, OTHER):
        assert same[core(head)].mean() < 0.5
    refined = next(event for event in events if isinstance(event, ImageReady)).refined
    assert refined is not None
    assert refined.measures["verdict"] == "kept"


def test_steps_and_faces_are_counted_over_all_heads(run: Run) -> None:
    events = run(ONE, OTHER)
    steps = [event for event in events if isinstance(event, StepProgress)]
    assert [event.step for event in steps] == list(range(1, steps[-1].total_steps + 1))
    assert [(e.tile, e.tiles) for e in events if isinstance(e, TileProgress)] == [(1, 2), (2, 2)]
    assert any(isinstance(event, PreviewReady) for event in events)


def test_the_same_seed_gives_the_same_picture_and_another_one_another(run: Run) -> None:
    first = pixels(run(ONE))
    assert (first == pixels(run(ONE))).all()
    other = pixels(run(ONE, seed=4))
    assert (first != other).any()
    assert (first == other).all(axis=-1)[~inside(ONE)].all()


def test_who_it_is_can_be_shown(run: Run) -> None:
    alone, shown = pixels(run(ONE)), pixels(run(ONE, person=True))
    assert (alone != shown).any()
    assert (alone == shown).all(axis=-1)[~inside(ONE)].all()


def test_heads_that_are_large_already_stay(run: Run, source: Path) -> None:
    large = (100, 20, 190, 120)
    before, after = np.asarray(Image.open(source)), pixels(run(large, ONE))
    assert (before == after).all(axis=-1)[~inside(ONE)].all()
    with pytest.raises(RequestError, match="large already"):
        run(large)


def test_no_head_is_said_in_words(run: Run) -> None:
    with pytest.raises(RequestError, match="No head was found"):
        run()


def test_a_cancel_is_heard_between_steps_and_the_next_picture_is_made(run: Run) -> None:
    def at_second_face(events: list[Event]) -> bool:
        return any(isinstance(event, TileProgress) for event in events)

    with pytest.raises(Cancelled):
        run(ONE, OTHER, cancelled=at_second_face)
    assert pixels(run(ONE)).any()


@pytest.mark.parametrize("head", [ONE, (0, 0, 30, 30), (270, 160, 300, 200)])
def test_the_model_counts_wholly_on_the_head_and_not_at_the_rim(head: faces.Box) -> None:
    (patch,) = patches([head], SIZE)
    shares = levels(patch, SIZE)
    left, top, right, bottom = patch.box
    middle = (head[1] + head[3]) // 2 - top, (head[0] + head[2]) // 2 - left
    assert shares[middle] == 255
    rims = {
        "left": (left > 0, shares[:, 0]),
        "top": (top > 0, shares[0]),
        "right": (right < SIZE[0], shares[:, -1]),
        "bottom": (bottom < SIZE[1], shares[-1]),
    }
    for goes_on, rim in rims.values():
        assert not goes_on or not rim.any()


def test_two_heads_side_by_side_leave_no_join(run: Run, source: Path) -> None:
    near = (72, 50, 102, 86)
    before, after = np.asarray(Image.open(source)), pixels(run(ONE, near))
    assert (before == after).all(axis=-1)[~inside(ONE, near)].all()
    assert (before != after).any(axis=-1)[core(ONE)].mean() > 0.5
    assert (before != after).any(axis=-1)[core(near)].mean() > 0.5
