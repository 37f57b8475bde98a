"""Several pictures by one call: each as it is alone, and one by one wherever it would not be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import Cancelled
from pipelines.events import ImageReady, StepProgress, WorkOrder
from pipelines.running import together
from pipelines.running.runner import PipelineRunner
from tests.pipelines.conftest import Ask, Outcome, Pictures

STEPS = 3


class Counted:
    """How many samples the UNets of all models were given at each call.

    `spoil`: what of a whole batch's answer is different from the same rows' alone.
    """

    def __init__(self, spoil: Callable[[torch.Tensor], torch.Tensor] = lambda answer: answer) -> None:
        self.rows: list[int] = []
        self._spoil = spoil

    def has(self, calls: int) -> bool:
        """Whether there were that many."""
        return len(self.rows) >= calls

    def install(self, patched: pytest.MonkeyPatch) -> None:
        """Each row is computed by itself, so that together and alone are equal whatever computes them.

        No step is replayed, so that all are counted.
        """
        patched.setattr("pipelines.running.replaying.MOST_WEIGHTS", 0)
        real: Any = UNet2DConditionModel.forward
        counted = self

        def forward(unet: Any, sample: Any, timestep: Any, encoder_hidden_states: Any, **more: Any) -> Any:
            counted.rows.append(len(sample))
            each = [
                real(unet, sample[at : at + 1], timestep, encoder_hidden_states[at : at + 1], **more)[0]
                for at in range(len(sample))
            ]
            return (counted._spoil(torch.cat(each)),)

        patched.setattr(UNet2DConditionModel, "forward", forward)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """What is computed, as it should be."""
    counted = Counted()
    counted.install(monkeypatch)
    return counted


Batch = Callable[..., Outcome]


@pytest.fixture
def batch(tiny_models_yaml: Path, ask: Ask, pictures: Pictures) -> Batch:
    """Pictures of a model that has just been loaded, or of the last one's."""
    runner = PipelineRunner(load_catalog(tiny_models_yaml), "cpu")

    def made(
        mode: str = "text_to_image", cancelled: Callable[[], bool] = lambda: False, **asked: Any
    ) -> Outcome:
        request = ask(mode, num_inference_steps=STEPS, width=64, height=64, **asked)
        outcome = Outcome(request)
        runner.run(WorkOrder("job", request, dict(pictures.files)), outcome.events.append, cancelled)
        return outcome

    return made


def shown(outcome: Outcome) -> list[bytes]:
    return [outcome.images[index].rgb for index in sorted(outcome.images)]


def alone(batch: Batch, count: int, mode: str = "text_to_image", **asked: Any) -> list[bytes]:
    return [shown(batch(mode, num_images=1, seed=11 + each, **asked))[0] for each in range(count)]


@pytest.mark.parametrize("mode", ["text_to_image", "img2img", "inpaint", "controlnet", "character_reference"])
def test_pictures_of_a_batch_are_what_each_is_alone(batch: Batch, mode: str) -> None:
    """However this processor sums up."""
    expected = alone(batch, 3, mode)
    assert len(set(expected)) == 3
    for _ in range(2):
        assert shown(batch(mode, num_images=3)) == expected


def test_four_are_drawn_by_one_call_once_that_was_seen_to_change_nothing(
    batch: Batch, counted: Counted
) -> None:
    expected = alone(batch, 5)
    counted.rows.clear()
    first = batch(num_images=5)
    assert shown(first) == expected
    assert counted.rows == [2] * 4 + [8] * STEPS + [2] * STEPS  # a step of each, all of four, and the fifth
    steps = [(event.step, event.total_steps, event.image_index) for event in first.of(StepProgress)]
    assert steps == [(4, 15, 0), (8, 15, 0), (12, 15, 0), (13, 15, 4), (14, 15, 4), (15, 15, 4)]
    counted.rows.clear()
    assert shown(batch(num_images=4, prompt="another face", guidance_scale=4.0)) == alone(
        batch, 4, prompt="another face", guidance_scale=4.0
    )
    assert counted.rows[:STEPS] == [8] * STEPS


def test_where_they_differ_at_all_each_is_drawn_alone_from_then_on(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last_of_many(answer: torch.Tensor) -> torch.Tensor:
        if len(answer) > 2:
            answer[-1, 0, 0, 0] += 1e-6
        return answer

    counted = Counted(last_of_many)
    counted.install(monkeypatch)
    expected = alone(batch, 4)
    counted.rows.clear()
    tried = batch(num_images=4)
    assert shown(tried) == expected
    assert [event.step for event in tried.of(StepProgress)] == list(range(1, 4 * STEPS + 1))
    assert counted.rows == [2] * 4 + [8] + [2] * 4 * STEPS
    counted.rows.clear()
    assert shown(batch(num_images=4)) == expected
    assert counted.rows == [2] * 4 * STEPS


def test_a_cancel_is_heard_while_they_are_compared_and_while_they_are_drawn(
    batch: Batch, counted: Counted
) -> None:
    for most in (2, 6):
        counted.rows.clear()
        with pytest.raises(Cancelled):
            batch(num_images=4, cancelled=partial(counted.has, most))
        assert len(counted.rows) <= most + 1
    ended = batch(num_images=2)
    assert len(ended.of(ImageReady)) == 2


def test_only_small_networks_and_pictures_are_asked_for_together(
    batch: Batch, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST_PIXELS", 64 * 64 - 1)
    batch(num_images=4)
    monkeypatch.setattr(together, "MOST_PIXELS", 64 * 64)
    monkeypatch.setattr(together, "MOST_WEIGHTS", 1)
    batch(num_images=4)
    assert set(counted.rows) == {2}


def test_only_pictures_with_the_same_words_are_drawn_together(batch: Batch, counted: Counted) -> None:
    words = [{"prompt": each, "negative_prompt": ""} for each in ("a red face", "a face", "a face")]
    made = batch(num_images=3, prompt="a {red|} face", drawn=words)
    assert len(made.images) == 3
    assert counted.rows[:STEPS] == [2] * STEPS
    assert 4 in counted.rows[STEPS:]
