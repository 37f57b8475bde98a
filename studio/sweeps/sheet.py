"""A sweep as one labelled picture: its values above and beside the cells. Pure Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from studio.labelled import fitted, write

CELL = 320
"""Longest side of a cell in px; smaller pictures stay as they are."""
_INK, _PAPER, _FAINT = (32, 32, 36), (252, 252, 250), (224, 224, 226)
_GAP, _LINE = 8, 18
_SIDE = 160


def draw(columns: Sequence[str], rows: Sequence[str], files: Mapping[tuple[int, int], Path]) -> Image.Image:
    """RGB. `files`: pictures by (column, row); places without one stay grey. A row may have no label."""
    pictures = {place: fitted(path, CELL, 1.0) for place, path in files.items()}
    wide = max((picture.width for picture in pictures.values()), default=CELL)
    high = max((picture.height for picture in pictures.values()), default=CELL)
    left = _SIDE if any(rows) else _GAP
    top = 2 * _LINE + _GAP
    size = (left + len(columns) * (wide + _GAP), top + len(rows) * (high + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, words in enumerate(columns):
        write(pen, words, (left + column * (wide + _GAP), _GAP), _LINE, wide, _INK)
    for row, words in enumerate(rows):
        middle = top + row * (high + _GAP) + high // 2
        write(pen, words, (_GAP, middle - _LINE // 2), _LINE, left - 2 * _GAP, _INK)
        for column in range(len(columns)):
            place = (left + column * (wide + _GAP), top + row * (high + _GAP))
            picture = pictures.get((column, row)) or Image.new("RGB", (wide, high), _FAINT)
            sheet.paste(picture, place)
    return sheet
