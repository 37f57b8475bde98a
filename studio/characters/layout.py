"""A character sheet as one picture: cells in a grid, a label under each, the name on top. Pure Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from studio.labelled import fitted, write

_CELL = 512
"""Longest side in px that a picture has on a sheet."""
_LARGER = 2.0
"""Times that smaller ones are enlarged at most."""
_INK, _PAPER, _FAINT = (32, 32, 36), (252, 252, 250), (110, 110, 116)


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One picture of a sheet."""

    path: Path
    label: str
    note: str
    """Smaller, behind the label: the seed."""


def lay_out(cells: Sequence[LabelledPicture], title: str, columns: int) -> Image.Image:
    """RGB. `columns`: pictures in a row; 0: as square as it gets. At least one cell."""
    columns = columns or math.ceil(math.sqrt(len(cells)))
    pictures = [fitted(cell.path, _CELL, _LARGER) for cell in cells]
    wide, high = (max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    gap, line = max(8, wide // 24), max(12, wide // 14)
    head, foot = round(line * 2.4), round(line * 1.7)
    rows = math.ceil(len(cells) / columns)
    size = (gap + columns * (wide + gap), head + rows * (high + foot + gap))
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    write(draw, title, (gap, round(head * 0.28)), round(line * 1.3), size[0] - 2 * gap, _INK)
    for place, (cell, picture) in enumerate(zip(cells, pictures, strict=True)):
        left = gap + place % columns * (wide + gap)
        top = head + place // columns * (high + foot + gap)
        sheet.paste(picture, (left + (wide - picture.width) // 2, top + (high - picture.height) // 2))
        end = write(draw, cell.label, (left, top + high + line // 4), line, wide, _INK)
        room = left + wide - end - line
        write(draw, cell.note, (end + line // 2, top + high + line // 2), round(line * 0.7), room, _FAINT)
    return sheet
