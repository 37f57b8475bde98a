"""The backgrounds, the compositor and the edge measure of the bundled model's training."""

import numpy as np
import pytest
import torch

from training import scenes
from training.compose import LIGHTS, BackgroundBank, compose
from training.evaluate import edge_f1


@pytest.mark.parametrize("name", scenes.BACKGROUNDS)
def test_every_background_is_opaque_and_seeded(name):
    one, two = scenes.draw(name, 32, 3), scenes.draw(name, 32, 3)
    assert one.shape == (32, 32, 3)
    assert one.dtype == np.uint8
    assert (one == two).all()


def test_there_are_enough_backgrounds():
    assert len(scenes.PLAIN) >= 12
    assert len(scenes.SCENES) >= 8
    assert {"dark library", "candlelit stone chamber"} <= set(scenes.SCENES)


def _figure(px: int = 16) -> torch.Tensor:
    figure = torch.zeros(1, 4, px, px, dtype=torch.uint8)
    figure[:, :, 4:12, 4:12] = 200
    figure[:, 3, 4:12, 4:12] = 255
    return figure


def test_compose_shows_the_ground_around_and_the_figure_inside():
    ground = torch.full((1, 3, 16, 16), 50, dtype=torch.uint8)
    out = compose(_figure(), ground, torch.tensor([0]))
    assert out.shape == (1, 3, 16, 16)
    assert torch.allclose(out[0, :, 0, 0], torch.full((3,), 50 / 127.5 - 1))
    assert torch.allclose(out[0, :, 8, 8], torch.full((3,), 200 / 127.5 - 1))


def test_light_comes_from_its_side():
    ground = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    left = compose(_figure(), ground, torch.tensor([LIGHTS.index("left")]))
    right = compose(_figure(), ground, torch.tensor([LIGHTS.index("dramatic right")]))
    assert left[0, 0, 8, 4] > left[0, 0, 8, 11]
    assert right[0, 0, 8, 4] < right[0, 0, 8, 11]


def test_bank_knows_its_rows():
    bank = BackgroundBank(16, variants=2)
    assert len(bank.rows("forest")) == 2
    assert len(bank.rows("red")) == 1
    assert bank.images.shape[1:] == (3, 16, 16)


def test_edge_f1_allows_two_pixels():
    line = np.zeros((20, 20), bool)
    line[:, 8] = True
    assert edge_f1(np.roll(line, 2, 1), line) == pytest.approx(1.0)
    assert edge_f1(np.roll(line, 6, 1), line) == 0.0
