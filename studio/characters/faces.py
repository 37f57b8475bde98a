"""Where the head is in a portrait: a first guess. Knows pictures, no characters and no rows.

Photographed and realistically painted faces are found by scikit-image's own cascade. Drawn ones, which it
does not know, are looked for as what stands out from the picture's left, right and upper margin: a figure
whose head ends where it first grows narrow again. That is no face detector. It needs a figure with room
around it; where nothing stands out it says so.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from studio import images, scikit
from studio.once import once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIDE = 320
"""Longest side in px of the copy in which faces are looked for; for figures a smaller one is enough."""
_FIGURE_SIDE = 96
_SUBJECT_SIDE = 256
"""Of the copy in which a whole subject is told from its background: its edge is to be seen."""
_LEAST_SIDE = 24
_MARGIN, _REACH = 0.05, 0.06
"""How wide the margins are, and how far up and down a row is compared with them, in parts of the picture."""
_STANDS_OUT = 14.0
"""Distance (ΔE) from every colour of the margins at which a pixel is of the figure."""
_SMALLEST, _LARGEST = 0.03, 0.85
"""A figure smaller or larger than these parts of the picture is none."""
_NECK = 0.72
"""The head ends where it is narrower than this part of its greatest width."""
_GROWN = 0.55
"""Half axes of the ellipse of a head's colours in parts of its box."""
_ONE_AT_A_TIME = threading.Lock()

Kind = Literal["face", "figure"]


@dataclass(frozen=True, slots=True)
class Head:
    """A box in parts of the picture: around a face, or around a figure's head with its hair."""

    kind: Kind
    x: float
    y: float
    width: float
    height: float


@once(256)
def find(path: Path) -> Head | None:
    """The largest face, else the head of what stands out most; None without either. Raises OSError."""
    with images.plain(path) as (picture,):
        return _face(picture) or _figure(picture)


def boxes(path: Path) -> tuple[tuple[int, int, int, int], ...]:
    """Where heads are in px: left, top, right, bottom. None where none is found. Raises OSError."""
    head = find(path)
    if head is None:
        return ()
    with Image.open(path) as file:
        width, height = file.size
    left, top = round(head.x * width), round(head.y * height)
    return ((left, top, left + round(head.width * width), top + round(head.height * height)),)


def subject(path: Path) -> Image.Image | None:
    """What stands out from the picture's margins: L, white, _SUBJECT_SIDE px at its longest; or None.

    Raises OSError.
    """
    import numpy as np

    with images.plain(path) as (picture,):
        small = picture.copy()
        small.thumbnail((_SUBJECT_SIDE, _SUBJECT_SIDE), Image.Resampling.BOX)
    if min(small.size) < _LEAST_SIDE:
        return None
    figure = _largest(_standing_out(np.asarray(small)))
    if figure is None or not _SMALLEST <= figure.mean() <= _LARGEST:
        return None
    return Image.fromarray(figure).convert("L")


@once(256)
def colours(path: Path) -> NDArray[np.uint8]:
    """The pixels of the head as (n, 3); of a figure without what lies behind it. Raises OSError.

    Where nothing is found they are those of the picture's middle.
    """
    import numpy as np

    with images.plain(path) as (picture,):
        small = _smaller(picture).copy()
    head, figure = find(path), None
    pixels = np.asarray(small)
    high, wide, _ = pixels.shape
    box = head or Head("face", 0.25, 0.15, 0.5, 0.5)
    down, across = np.mgrid[:high, :wide]
    if box.kind == "figure":
        figure = _largest(_standing_out(pixels))
    tall = min(box.height * high, box.width * wide)
    rows = (down - box.y * high) / tall
    columns = (across - box.x * wide) / (box.width * wide)
    inside = ((rows - 0.5) / _GROWN) ** 2 + ((columns - 0.5) / _GROWN) ** 2 < 1
    chosen = inside if figure is None else inside & figure
    return pixels[chosen if chosen.any() else inside]


def _smaller(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((_FIGURE_SIDE, _FIGURE_SIDE), Image.Resampling.BOX)
    return small


def _face(picture: Image.Image) -> Head | None:
    short = min(picture.size) * min(1, _SIDE / max(picture.size))
    found = all_faces(picture, _SIDE, max(_LEAST_SIDE, int(short) // 6))
    return max(found, key=lambda face: face.width * face.height, default=None)


def all_faces(picture: Image.Image, side: int, least: int) -> list[Head]:
    """What the cascade finds in a copy of `side` px at its longest, from `least` px of the copy on."""
    import numpy as np

    grey = picture.convert("L")
    grey.thumbnail((side, side))
    if min(grey.size) < least:
        return []
    with _ONE_AT_A_TIME:
        found = scikit.faces(np.asarray(grey), least)
    across, down = grey.size
    return [
        Head("face", box["c"] / across, box["r"] / down, box["width"] / across, box["height"] / down)
        for box in found
    ]


def _figure(picture: Image.Image) -> Head | None:
    import numpy as np

    small = _smaller(picture)
    if min(small.size) < _LEAST_SIDE:
        return None
    figure = _largest(_standing_out(np.asarray(small)))
    if figure is None or not _SMALLEST <= figure.mean() <= _LARGEST:
        return None
    return head_of(figure)


def _standing_out(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """For each pixel how far it is from the nearest colour of the margins beside it (ΔE)."""
    import numpy as np

    colours = scikit.lab(picture).astype(np.float32)
    high, wide, _ = colours.shape
    margin, reach = max(2, round(wide * _MARGIN)), max(2, round(high * _REACH))
    above = colours[:margin].reshape(-1, 3)
    nearest = np.empty((high, wide), np.float32)
    for row in range(high):
        beside = colours[max(0, row - reach) : row + reach + 1]
        nearest[row] = np.minimum(
            _nearest(colours[row], beside[:, :margin].reshape(-1, 3)),
            _nearest(colours[row], beside[:, -margin:].reshape(-1, 3)),
        )
        if row < high // 3:
            nearest[row] = np.minimum(nearest[row], _nearest(colours[row], above))
    return np.sqrt(nearest)


def _nearest(colours: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """The square of the distance from each colour (n, 3) to the nearest of those known (m, 3)."""
    import numpy as np

    # |a - b|² by one product of matrices, which takes a tenth of the time of all differences
    apart = (known**2).sum(axis=1) - 2 * (colours @ known.T)
    return np.maximum((colours**2).sum(axis=1) + apart.min(axis=1), 0)


def figures(picture: NDArray[np.uint8], least: float, beside: float) -> list[NDArray[np.bool_]]:
    """What stands out from the margins, the largest first: of `least` parts of the picture at least, and
    `beside` parts of the largest."""
    import numpy as np

    parts = _parts(_standing_out(picture))
    sizes = np.bincount(parts.ravel())[1:]
    enough = max(least * parts.size, beside * sizes.max(initial=0))
    order = [int(part) for part in np.argsort(sizes)[::-1] if enough <= sizes[part] <= _LARGEST * parts.size]
    return [np.asarray(parts == part + 1) for part in order]


def _parts(far: NDArray[np.float32]) -> NDArray[np.int64]:
    """Connected parts that stand out, numbered from 1; their holes are filled."""
    return scikit.connected(scikit.opened(scikit.closed(far > _STANDS_OUT, 2), 2))


def _largest(far: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """The connected part that stands out most, the middle counting more."""
    import numpy as np

    parts = _parts(far)
    if not parts.max():
        return None
    high, wide = far.shape
    down, across = np.mgrid[:high, :wide]
    middle = np.exp(-(((across / wide - 0.5) / 0.35) ** 2) - ((down / high - 0.45) / 0.42) ** 2)
    weights = np.bincount(parts.ravel(), weights=(far * middle).ravel())
    weights[0] = 0
    return np.asarray(parts == weights.argmax())


def head_of(figure: NDArray[np.bool_]) -> Head:
    """From a figure's top down to where it grows narrow: the neck, or one and a half times its width."""
    import numpy as np

    high, wide = figure.shape
    rows = np.flatnonzero(figure.any(axis=1))
    top, end, most = int(rows[0]), int(rows[-1]), 0
    for row in rows:
        columns = np.flatnonzero(figure[row])
        width, tall = int(columns[-1] - columns[0]) + 1, int(row) - top
        most = max(most, width)
        if tall > 1.5 * most or (tall > 0.5 * most and width < _NECK * most):
            end = int(row)
            break
    columns = np.flatnonzero(figure[top : end + 1].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return Head("figure", left / wide, top / high, (right - left) / wide, (end + 1 - top) / high)
