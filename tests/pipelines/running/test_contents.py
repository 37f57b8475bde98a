from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from PIL import Image
from transformers.modeling_outputs import BaseModelOutput

from pipelines.running.contents import Unknown, digest, freeze

ONES = torch.ones(2, 3)
DIFFERENT = [
    None, False, 0, 0.0, "0", b"0", "", [], (), {}, [0, 1], [[0], 1], (0, 1), {"a": 0}, {"b": 0},
    torch.float32, torch.device("cpu"), ONES, ONES.T, ONES.reshape(3, 2), ONES.double(), ONES.int(), ONES + 1,
    ONES.bfloat16(), ONES.half(), torch.ones(2, 3, 1), np.ones(2), np.ones(2, "float32"),
    Image.new("RGB", (2, 1)), Image.new("RGB", (1, 2)), Image.new("L", (2, 3)),
    Image.new("RGB", (2, 1), "red"),
]  # fmt: skip


def test_other_content_has_another_digest() -> None:
    assert len({digest(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize("value", DIFFERENT[13:])
def test_the_same_content_has_the_same_digest(value: Any) -> None:
    again = value.copy() if hasattr(value, "copy") else value.clone() if hasattr(value, "clone") else value
    assert digest([value]) == digest([again])


def test_what_cannot_be_looked_into_has_none() -> None:
    for value in (object(), torch.Generator(), [torch.Generator()], {"a": lambda: 0}, np.array([object()])):
        with pytest.raises(Unknown):
            digest(value)
    with pytest.raises(Unknown):
        freeze(object())


def test_a_frozen_value_comes_back_as_it_was_whatever_happens_to_others() -> None:
    last = torch.rand(1, 4)
    value = BaseModelOutput(last_hidden_state=last, hidden_states=(torch.rand(2), last))
    frozen = freeze((value, [None, "a"], {"b": 1.5}))
    before = last.clone()
    last.zero_()
    first, *others = frozen.thaw()
    first.last_hidden_state.add_(1)
    second, *_ = frozen.thaw()
    assert others == [[None, "a"], {"b": 1.5}]
    assert torch.equal(second.last_hidden_state, before)
    assert second.hidden_states[1] is second.last_hidden_state  # kept once
    assert frozen.bytes == (4 + 2) * 4


def test_a_distribution_is_kept_not_what_was_drawn_from_it() -> None:
    distribution = DiagonalGaussianDistribution(torch.randn(1, 8, 2, 2))
    thawed = freeze(AutoencoderKLOutput(latent_dist=distribution)).thaw().latent_dist

    def draw(of: Any, seed: int) -> torch.Tensor:
        return of.sample(torch.Generator().manual_seed(seed))

    assert torch.equal(draw(thawed, 1), draw(distribution, 1))
    assert not torch.equal(draw(thawed, 1), draw(thawed, 2))
    assert torch.equal(thawed.mode(), distribution.mode())


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_pictures_come_back(mode: str) -> None:
    picture = Image.radial_gradient("L").convert(mode)
    thawed = freeze(picture).thaw()
    assert (thawed.mode, thawed.size, thawed.tobytes()) == (mode, picture.size, picture.tobytes())


def test_layouts_and_numbers_come_back() -> None:
    for tensor in (torch.rand(1, 3, 4, 4).to(memory_format=torch.channels_last), torch.rand(3).bfloat16()):
        thawed = freeze(tensor).thaw()
        assert (thawed.dtype, thawed.stride()) == (tensor.dtype, tensor.stride())
        assert torch.equal(thawed, tensor)
