"""Enlargers of other layouts: built by spandrel where it is installed, told of in words where it is not."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.errors import ModelUnavailable
from pipelines.running import foreign_enlargers
from pipelines.running.enlarging import Compact, compact, enlarge, enlarge_to

HERE = importlib.util.find_spec("spandrel") is not None
needs_spandrel = pytest.mark.skipif(not HERE, reason="needs spandrel: pip install --no-deps spandrel einops")


def _noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.mark.skipif(HERE, reason="spandrel is installed")
def test_without_the_package_it_is_named() -> None:
    with pytest.raises(ModelUnavailable, match=r"Mine needs the package spandrel.*likeness\[upscalers\]"):
        foreign_enlargers.network({"conv.weight": torch.zeros(1)}, "Mine", "cpu")


@needs_spandrel
def test_our_own_layout_comes_out_the_same_by_spandrel() -> None:
    torch.manual_seed(1)
    weights = Compact(16, 4, 4).state_dict()
    theirs = foreign_enlargers.network(weights, "Mine", "cpu")
    assert theirs.factor == 4
    picture = _noise(40, 30)
    one, other = (np.asarray(enlarge(net, picture), int) for net in (compact(weights), theirs))
    assert np.abs(one - other).max() <= 1
    assert "torchvision" not in sys.modules or hasattr(sys.modules["torchvision"], "__file__")


def _esrgan() -> Any:
    from spandrel.architectures.ESRGAN.__arch.RRDB import (  # pyright: ignore[reportMissingImports]
        RRDBNet,
    )

    return RRDBNet(in_nc=3, out_nc=3, num_filters=16, num_blocks=2, scale=4)


def _span() -> Any:
    from spandrel.architectures.SPAN.__arch.span import SPAN  # pyright: ignore[reportMissingImports]

    return SPAN(num_in_ch=3, num_out_ch=3, feature_channels=16, upscale=2)


@needs_spandrel
@pytest.mark.parametrize(("make", "factor"), [(_esrgan, 4), (_span, 2)])
def test_other_layouts_enlarge_in_tiles(make: Any, factor: int) -> None:
    torch.manual_seed(2)
    net = foreign_enlargers.network(make().state_dict(), "Mine", "cpu")
    assert net.factor == factor
    assert enlarge_to(net, _noise(50, 20), (180, 72), tile=32).size == (180, 72)


@needs_spandrel
@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"foo": torch.zeros(3)}, "no enlarger that the studio knows"),
        ({f"body.{i}.weight": torch.zeros(4, 3, 3, 3) for i in range(3)}, "no enlarger|not make|not made"),
    ],
)
def test_wrong_weights_are_refused_in_words(weights: dict[str, torch.Tensor], words: str) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        foreign_enlargers.network(weights, "Bad", "cpu")


@needs_spandrel
def test_what_makes_nothing_larger_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="does not make pictures larger"):
        foreign_enlargers.network(Compact(8, 2, 1).state_dict(), "One", "cpu")
