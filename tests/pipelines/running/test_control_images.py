from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.request import ControlKind
from pipelines.running import control_images


@pytest.fixture
def square() -> Image.Image:
    picture = Image.new("RGB", (64, 48), "navy")
    picture.paste("orange", (20, 10, 44, 38))
    return picture


@pytest.mark.parametrize("kind", list(ControlKind))
def test_lines_are_where_the_picture_has_edges_and_nowhere_else(
    kind: ControlKind, square: Image.Image
) -> None:
    lines = control_images.make(kind, square)
    assert (lines.mode, lines.size) == ("RGB", (64, 48))
    values = np.asarray(lines)[..., 0]
    assert values[8:12, 25:40].max() == 255
    assert values[18:30, 26:38].max() == 0
    assert values[:5].max() == 0


@pytest.mark.parametrize("kind", list(ControlKind))
def test_a_flat_picture_has_no_lines(kind: ControlKind) -> None:
    lines = control_images.make(kind, Image.new("RGB", (32, 32), "grey"))
    assert lines.getextrema() == ((0, 0),) * 3


def test_canny_is_black_and_white_and_soft_edges_are_grey(square: Image.Image) -> None:
    canny = np.asarray(control_images.make(ControlKind.CANNY, square))
    soft = np.asarray(control_images.make(ControlKind.SOFT_EDGE, square.resize((61, 47))))
    assert set(np.unique(canny)) == {0, 255}
    assert len(np.unique(soft)) > 8


def test_a_control_image_is_shown_without_loss(square: Image.Image) -> None:
    lines = control_images.make(ControlKind.CANNY, square)
    shown = Image.open(io.BytesIO(control_images.as_png(lines)))
    assert shown.tobytes() == lines.tobytes()
