"""Masks as painting programs export them: read as they are meant, and told in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from pipelines.errors import RequestError
from pipelines.running import masks

SIZE = (64, 48)
HOLE = (10, 8, 40, 30)


def _grey(inside: int = 255, outside: int = 0) -> Image.Image:
    grey = Image.new("L", SIZE, outside)
    grey.paste(inside, HOLE)
    return grey


def _painting() -> Image.Image:
    coarse = np.random.default_rng(1).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)


def _with_alpha(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    picture = colours.convert("RGBA")
    picture.putalpha(alpha)
    return picture


def _on_nothing(colour: tuple[int, int, int]) -> Image.Image:
    return _with_alpha(Image.new("RGB", SIZE, colour), _grey())


def _indexed() -> Image.Image:
    picture = _grey().convert("1").convert("P")
    picture.info["transparency"] = 0
    return picture


KEPT = ImageChops.invert(_grey())
MEANT = {
    "black and white": (_grey(), ""),
    "black and white, opaque alpha": (_grey().convert("RGBA"), ""),
    "one bit": (_grey().convert("1"), ""),
    "16 bits": (Image.fromarray(np.asarray(_grey()).astype(np.uint16) * 257), ""),
    "white strokes on nothing": (_on_nothing((255, 255, 255)), "what is white"),
    "white strokes, grey with alpha": (_with_alpha(_grey(), _grey()).convert("LA"), "what is white"),
    "white strokes, one colour of a palette clear": (_indexed(), "what is white"),
    "red strokes on nothing": (_on_nothing((220, 20, 30)), "what is painted"),
    "black strokes on nothing": (_on_nothing((0, 0, 0)), "what is painted"),
    "the picture with a hole": (_with_alpha(_painting(), KEPT), "what is transparent"),
    "the picture in grey with a hole": (_with_alpha(_painting().convert("L"), KEPT), "what is transparent"),
    "a black layer with a hole": (_with_alpha(Image.new("RGB", SIZE), KEPT), "what is transparent"),
    "a layer of one colour with a hole": (
        _with_alpha(Image.new("RGB", SIZE, (90, 90, 9)), KEPT),
        "what is transparent",
    ),
}  # fmt: skip
"""What is exported, which all means that the hole may change; and what is said."""


@pytest.mark.parametrize("name", list(MEANT))
def test_a_mask_is_read_as_it_is_meant(name: str) -> None:
    picture, words = MEANT[name]
    mask, said = masks.understood(picture)
    assert (mask.mode, mask.size) == ("L", SIZE)
    assert np.array_equal(np.asarray(mask), np.asarray(_grey()))
    assert words in " ".join(said)
    assert bool(said) is bool(words)


def test_black_strokes_beside_white_ones_stay() -> None:
    colours, alpha = Image.new("L", SIZE, 255), _grey()
    colours.paste(0, (10, 8, 25, 30))
    mask, said = masks.understood(_with_alpha(colours, alpha))
    assert mask.getpixel((12, 10)) == 0
    assert mask.getpixel((35, 10)) == 255
    assert mask.getpixel((60, 40)) == 0
    assert "what is white" in said[0]


def test_soft_strokes_stay_soft() -> None:
    mask, _ = masks.understood(_with_alpha(Image.new("RGB", SIZE, "white"), _grey(100)))
    assert mask.getpixel((20, 20)) == 100


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (Image.new("L", SIZE, 0), "black all over"),
        (Image.new("L", SIZE, 255), "white all over"),
        (Image.new("RGBA", SIZE, (255, 255, 255, 0)), "black all over"),
        (Image.new("RGBA", SIZE, (0, 0, 0, 0)), "black all over"),
    ],
)
def test_a_mask_that_is_the_same_all_over_is_warned_of(picture: Image.Image, words: str) -> None:
    assert words in masks.understood(picture)[1][-1]


def test_what_is_no_mask_is_refused_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"no picture")
    with pytest.raises(RequestError, match="Reference 2"):
        masks.read(tmp_path / "mask.png", 2)
