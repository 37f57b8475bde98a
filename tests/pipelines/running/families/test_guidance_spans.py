"""Guidance in the first part of the steps alone, in pictures that begin as noise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pipelines.running.families.call import DiffusersCall
from pipelines.running.families.guidance_spans import BARELY, GuidanceSpan
from tests.pipelines.running.families.conftest import Tiny

FROM_NOISE = ("text_to_image", "character_reference", "style_reference")
FROM_A_SOURCE = ("img2img", "inpaint", "smart_edit")


def test_guidance_ends_before_the_first_step_below() -> None:
    config = SimpleNamespace(num_train_timesteps=1000)
    scheduler = SimpleNamespace(timesteps=torch.tensor([999, 749, 499, 249]), config=config)
    pipeline: Any = SimpleNamespace(scheduler=scheduler, _guidance_scale=5.0)
    scales = []
    for step in range(4):
        GuidanceSpan(0.5).after(pipeline, step)
        scales.append(pipeline._guidance_scale)
    assert scales == [5.0, BARELY, BARELY, BARELY]
    assert BARELY > 1


def denoised(call: DiffusersCall) -> torch.Tensor:
    return call.denoise(5, lambda step, of, latents: None)


def drawn(tiny: Tiny, mode: str, above: float, steps: int = 4) -> torch.Tensor:
    model = tiny.load("tiny-sdxl")
    before = model.options
    model.options = before.model_copy(update={"guidance_above": above})
    try:
        return denoised(tiny.prepare(model, "tiny-sdxl", mode, num_inference_steps=steps, guidance_scale=6.0))
    finally:
        model.options = before


@pytest.mark.parametrize("mode", FROM_NOISE)
def test_from_noise_it_acts_in_the_first_steps_and_the_same_each_time(tiny: Tiny, mode: str) -> None:
    throughout, half, hardly = (drawn(tiny, mode, above) for above in (0.0, 0.5, 0.999))
    assert torch.equal(half, drawn(tiny, mode, 0.5))
    assert not torch.equal(half, throughout)
    assert not torch.equal(half, hardly)
    assert torch.equal(throughout, drawn(tiny, mode, 0.0))


@pytest.mark.parametrize("mode", FROM_A_SOURCE)
def test_what_begins_with_a_source_is_guided_throughout(tiny: Tiny, mode: str) -> None:
    assert torch.equal(drawn(tiny, mode, 0.0), drawn(tiny, mode, 0.9))
