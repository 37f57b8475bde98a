"""Enlarging tile by tile: no seams, any size, progress, foreign weights refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.running.enlarging import Compact, compact, enlarge


@pytest.fixture(scope="module")
def net() -> Compact:
    """A network with random weights, so that every pixel depends on all it can reach."""
    torch.manual_seed(0)
    return compact(Compact(8, 3, 4).state_dict())


def _noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))


def test_tiles_leave_no_seam(net: Compact) -> None:
    picture = _noise(50, 37)
    whole = np.asarray(enlarge(net, picture, tile=64), np.int16)
    for tile in (8, 13, 32):
        assert np.abs(np.asarray(enlarge(net, picture, tile=tile), np.int16) - whole).max() <= 1


def test_one_pixel_less_of_overlap_would_show(net: Compact) -> None:
    """`reach` is what a pixel depends on, exactly: a change just inside it changes the pixel, outside not."""
    pictures = torch.rand(1, 3, 15, 15)
    middle = 7 * net.factor
    for distance, changes in ((net.reach, True), (net.reach + 1, False)):
        other = pictures.clone()
        other[..., 7, 7 + distance] += 10
        far = net(other)[..., middle : middle + 4, middle : middle + 4]
        near = net(pictures)[..., middle : middle + 4, middle : middle + 4]
        assert (not torch.equal(far, near)) == changes


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (65, 2)])
def test_any_size_becomes_four_times_as_large(net: Compact, size: tuple[int, int]) -> None:
    assert enlarge(net, _noise(*size), tile=32).size == (4 * size[0], 4 * size[1])


def test_transparent_and_grey_pictures_come_out_as_rgb(net: Compact) -> None:
    assert {enlarge(net, Image.new(mode, (4, 4))).mode for mode in ("L", "RGBA", "P")} == {"RGB"}


def test_progress_grows_to_the_whole_and_can_end_the_work(net: Compact) -> None:
    shares: list[float] = []
    enlarge(net, _noise(20, 20), tile=8, done=shares.append)
    assert shares == sorted(shares)
    assert len(shares) == 9
    assert shares[-1] == 1

    def stop(share: float) -> None:
        raise InterruptedError(share)

    with pytest.raises(InterruptedError):
        enlarge(net, _noise(20, 20), tile=8, done=stop)


def test_weights_tell_their_own_shape() -> None:
    again = compact(Compact(6, 2, 2).state_dict())
    assert (again.width, again.layers, again.factor) == (6, 2, 2)


@pytest.mark.parametrize("spoil", ["other", "missing", "grey"])
def test_other_weights_are_refused(spoil: str) -> None:
    weights = dict(Compact(6, 2, 4).state_dict())
    if spoil == "other":
        weights = {"conv.weight": torch.zeros(1)}
    elif spoil == "missing":
        del weights["body.3.weight"]
    else:
        weights["body.0.weight"] = weights["body.0.weight"][:, :1]
    with pytest.raises(ValueError, match="Compact"):
        compact(weights)
