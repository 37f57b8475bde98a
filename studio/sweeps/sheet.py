"""A sweep as one labelled picture: its values above and beside the cells. Pure Pillow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CELL = 320
"""Longest side of a cell in px; smaller pictures stay as they are."""
_INK, _PAPER, _FAINT = (32, 32, 36), (252, 252, 250), (224, 224, 226)
_GAP, _LINE = 8, 18
_SIDE = 160


def draw(columns: Sequence[str], rows: Sequence[str], files: Mapping[tuple[int, int], Path]) -> Image.Image:
    """RGB. `files`: pictures by (column, row); places without one stay grey. A row may have no label."""
    pictures = {place: _fitted(path) for place, path in files.items()}
    wide = max((picture.width for picture in pictures.values()), default=CELL)
    high = max((picture.height for picture in pictures.values()), default=CELL)
    left = _SIDE if any(rows) else _GAP
    top = 2 * _LINE + _GAP
    size = (left + len(columns) * (wide + _GAP), top + len(rows) * (high + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, words in enumerate(columns):
        _write(pen, words, (left + column * (wide + _GAP), _GAP), wide)
    for row, words in enumerate(rows):
        _write(pen, words, (_GAP, top + row * (high + _GAP) + high // 2 - _LINE // 2), left - 2 * _GAP)
        for column in range(len(columns)):
            place = (left + column * (wide + _GAP), top + row * (high + _GAP))
            picture = pictures.get((column, row)) or Image.new("RGB", (wide, high), _FAINT)
            sheet.paste(picture, place)
    return sheet


def _fitted(path: Path) -> Image.Image:
    with Image.open(path) as file:
        picture = file.convert("RGB")
    scale = min(CELL / max(picture.size), 1.0)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS) if size != picture.size else picture


def _write(pen: ImageDraw.ImageDraw, words: str, place: tuple[int, int], room: int) -> None:
    font = ImageFont.load_default(_LINE)
    shown = words
    while shown and math.ceil(pen.textlength(shown, font)) > room:
        shown = shown[:-2].rstrip() + "…" if len(shown) > 2 else ""
    pen.text(place, shown, _INK, font)
