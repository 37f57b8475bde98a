"""Where all the heads of a picture are, also small ones: what is drawn anew when faces are fixed.

As `faces`, which looks for the one head of a portrait: a cascade for painted and photographed faces, and for
drawn ones what stands out from the picture's margins, figure by figure. Knows no characters and no rows.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from studio import images
from studio.characters import faces
from studio.characters.faces import Head

if TYPE_CHECKING:
    pass

Box = tuple[int, int, int, int]
_SIDE = 640
"""Longest side in px of the copy in which faces are looked for: one of 24 px in it is found."""
_LEAST_FACE = 24
_FIGURE_SIDE = 128
_LEAST_FIGURE = 0.004
"""A figure smaller than this part of the picture is a speck."""
_BESIDE = 0.3
"""A further figure has at least this part of the largest one's pixels."""
_AROUND_FACE = 1.5
"""Height of a head in heights of its face, and how much of it is above the face."""
_ABOVE_FACE = 0.35
_SAME = 0.3
"""Two boxes that share this part of the smaller one are of one head."""


@functools.lru_cache(maxsize=64)
def boxes(path: Path) -> tuple[Box, ...]:
    """Where heads are in px: left, top, right, bottom; the largest first. Raises OSError."""
    with images.plain(path) as (picture,):
        return of(picture)


def of(picture: Image.Image) -> tuple[Box, ...]:
    """The heads of an RGB picture."""
    found: list[Box] = []
    width, height = picture.size
    for head in (*_faces(picture), *_figures(picture)):
        box = _pixels(head, width, height)
        if not any(_shared(box, other) > _SAME for other in found):
            found.append(box)
    return tuple(sorted(found, key=_area, reverse=True))


def _faces(picture: Image.Image) -> list[Head]:
    """Around whole heads, hair included."""
    return [
        Head(
            "face",
            face.x - face.width * (_AROUND_FACE - 1) / 2,
            face.y - face.height * _ABOVE_FACE,
            face.width * _AROUND_FACE,
            face.height * _AROUND_FACE,
        )
        for face in faces.all_faces(picture, _SIDE, _LEAST_FACE)
    ]


def _figures(picture: Image.Image) -> list[Head]:
    import numpy as np

    small = picture.copy()
    small.thumbnail((_FIGURE_SIDE, _FIGURE_SIDE), Image.Resampling.BOX)
    return [faces.head_of(figure) for figure in faces.figures(np.asarray(small), _LEAST_FIGURE, _BESIDE)]


def _pixels(head: Head, width: int, height: int) -> Box:
    wide, high = head.width * width, head.height * height
    more = max(0.0, wide - high) / 2  # no head is wider than it is high: hair or chin was not told apart
    left, top = max(0, round(head.x * width)), max(0, round(head.y * height - more))
    return left, top, min(width, round(head.x * width + wide)), min(height, round(top + high + 2 * more))


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(one: Box, other: Box) -> float:
    """What two boxes share, in parts of the smaller one."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, wide) * max(0, high) / max(1, min(_area(one), _area(other)))
