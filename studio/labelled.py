"""Parts of pictures made of labelled pictures, as character sheets and sweeps are. Pure Pillow."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from studio import images


def fitted(path: Path, side: int, most: float) -> Image.Image:
    """RGB, its longest side `side` px; made larger by at most `most` times."""
    with images.plain(path) as (picture,):
        scale = min(side / max(picture.size), most)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        return picture.resize(size, Image.Resampling.LANCZOS)


def write(
    draw: ImageDraw.ImageDraw,
    words: str,
    place: tuple[int, int],
    size: int,
    room: int,
    ink: tuple[int, int, int],
) -> int:
    """Writes as much as there is room for; returns where it ends (px from the left)."""
    font = ImageFont.load_default(max(8, size))
    shown = words
    while shown and draw.textlength(shown, font) > room:
        shown = shown[:-2].rstrip() + "…" if len(shown) > 2 else ""
    draw.text(place, shown, ink, font)
    return place[0] + math.ceil(draw.textlength(shown, font))
