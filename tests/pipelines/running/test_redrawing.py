"""How a picture is divided for redrawing: all of it covered, no join in a head, tones kept."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.running.redrawing import Tile, around, grid, weights, with_tones_of

SIZES = [(64, 64), (160, 96), (65, 200), (1024, 768), (4096, 4096)]


@pytest.mark.parametrize("size", SIZES)
def test_tiles_cover_all_and_share_a_quarter(size: tuple[int, int]) -> None:
    tiles = grid(size, 64, 8)
    covered = np.zeros((size[1] + 8, size[0] + 8), bool)
    for tile in tiles:
        left, top, right, bottom = tile.box
        assert tile.size[0] % 8 == tile.size[1] % 8 == 0
        assert max(tile.size) <= 64
        covered[top:bottom, left:right] = True
        assert all(rim == 0 or rim >= 16 for rim in tile.rims)
    assert covered[: size[1], : size[0]].all()


@pytest.mark.parametrize("size", SIZES[:4])
def test_weights_add_up_and_rise_smoothly(size: tuple[int, int]) -> None:
    tiles = grid(size, 64, 8)
    for tile in tiles:
        weight = weights(tile)[..., 0]
        assert weight.shape == tile.size[::-1]
        assert 0 < weight.min() <= weight.max() <= 1
        assert np.abs(np.diff(weight, axis=1)).max(initial=0) < 0.2


HEAD = (100, 60, 150, 120)


def test_a_head_lies_in_one_tile_and_blends_outside_of_itself() -> None:
    tile = around(HEAD, (400, 300), 64, 8)
    assert tile is not None
    left, top, right, bottom = tile.box
    assert left < HEAD[0] < HEAD[2] < right
    assert top < HEAD[1] < HEAD[3] < bottom
    inside = weights(tile)[HEAD[1] - top : HEAD[3] - top, HEAD[0] - left : HEAD[2] - left]
    assert inside.min() > 0.98
    assert weights(tile)[0].max() < 0.05


def test_a_head_at_the_edge_does_not_fade_there() -> None:
    tile = around((0, 0, 50, 60), (400, 300), 64, 8)
    assert tile is not None
    assert tile.rims[:2] == (0, 0)
    assert weights(tile)[0, 0] == 1


def test_a_head_larger_than_any_tile_is_left_to_the_others() -> None:
    assert around((0, 0, 300, 300), (400, 400), 64, 8) is None


def test_coarse_tones_are_those_of_the_source_and_fine_ones_those_drawn() -> None:
    rng = np.random.default_rng(0)
    source = np.full((64, 96, 3), 100, np.float32)
    drawn = np.full((64, 96, 3), 130, np.float32) + rng.normal(0, 8, (64, 96, 3)).astype(np.float32)
    toned = with_tones_of(source, drawn, 16)
    assert abs(float(toned.mean()) - 100) < 0.5
    assert 6 < float(toned.std()) < 9


def test_a_tile_is_its_box() -> None:
    assert Tile((8, 16, 72, 48), (0, 0, 0, 0)).size == (64, 32)
