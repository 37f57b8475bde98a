"""Small heads in larger pictures: one, two, at the edge, none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.characters import heads

DRAWINGS = Path(__file__).parent / "drawings"
SIDE = 512


def canvas(*placed: tuple[str, int, tuple[int, int]]) -> Image.Image:
    """Drawings, so many px wide, on the background of the first."""
    with Image.open(DRAWINGS / f"{placed[0][0]}.webp") as file:
        shade = file.convert("RGB").getpixel((2, 2))
    whole = np.zeros((SIDE, SIDE, 3)) + np.asarray(shade) + np.linspace(-12, 12, SIDE)[:, None, None]
    made = Image.fromarray(whole.clip(0, 255).astype(np.uint8))
    for name, width, at in placed:
        with Image.open(DRAWINGS / f"{name}.webp") as file:
            made.paste(file.convert("RGB").resize((width, width * file.height // file.width)), at)
    return made


def near(box: heads.Box, middle: tuple[float, float], within: float) -> bool:
    return abs((box[0] + box[2]) / 2 - middle[0]) < within and abs((box[1] + box[3]) / 2 - middle[1]) < within


@pytest.mark.parametrize("name", ["blue-1", "blue-2", "blue-3", "curls-1", "curls-2", "spiky-1", "spiky-2"])
@pytest.mark.parametrize("width", [90, 150])
def test_a_small_figures_head_is_found(name: str, width: int) -> None:
    found = heads.of(canvas((name, width, (180, 200))))
    assert len(found) == 1
    assert near(found[0], (180 + width * 0.5, 200 + width * 0.45), width * 0.25)
    assert 0.4 * width < max(found[0][2] - found[0][0], found[0][3] - found[0][1]) < 1.2 * width


def test_two_heads_are_found_the_larger_one_first() -> None:
    found = heads.of(canvas(("spiky-2", 160, (40, 60)), ("blue-2", 110, (320, 300))))
    assert len(found) == 2
    assert near(found[0], (120, 132), 40)
    assert near(found[1], (375, 350), 30)


def test_nothing_is_found_where_nothing_stands_out() -> None:
    assert heads.of(Image.new("RGB", (SIDE, SIDE), (90, 120, 160))) == ()


def test_boxes_lie_in_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "edge.png"
    canvas(("spiky-2", 150, (0, 0))).save(path)
    for left, top, right, bottom in heads.boxes(path):
        assert 0 <= left < right <= SIDE
        assert 0 <= top < bottom <= SIDE
