"""What a picture has changed of the one it was made from: which part of the head, and which of the rest.

A refinement's change is known from when it was brought back to its source; of other pictures it is what
visibly differs. Beside that two measures of the head, held against known truth by
`python -m benchmarks.coach`: whether the lines of the face are still there, and how far its main colours have
moved. Neither recognises a face, so neither can say that somebody stayed the same. Knows files, no rows and
no rules; scikit-image is loaded with the first picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from studio import images, scikit
from studio.characters import agreement, faces
from studio.once import once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIDE = 256
"""Longest side in px of the copies that are compared."""
_VISIBLE = 5.0
"""Distance (ΔE 2000) from which a pixel counts as changed."""
_FACE = (0.2, 0.3, 0.8, 0.9)
"""The face inside the head's box: left, top, right, bottom in parts of it."""
_FAINT = 0.1
"""Mean steps of luminance (0–255) of a face without any line."""


@dataclass(frozen=True, slots=True)
class SourceChange:
    """`head` and `rest`: parts of each that changed, 0–1; without a head (None) `rest` is all of it.

    `inside`: how much of what changed lies in the head; None without a head, or where nothing changed.
    `lines`: steps of luminance in the face, of those in the source's (1: as many). `colours`: how far the
    head's main colours moved (ΔE 2000, 0: none). Both are None without a head.
    """

    rest: float
    head: float | None = None
    lines: float | None = None
    colours: float | None = None
    inside: float | None = None


@once(256)
def measure(picture: Path, source: Path, change: bytes | None = None) -> SourceChange:
    """Compare a picture with its source, fitted to the source's size. Raises OSError.

    `change`: where it is known what changed, a grey PNG of that, in which 0 is unchanged.
    """
    before = _small(source)
    after = _small(picture).resize(before.size, Image.Resampling.BOX)
    visible = changed(before, after) if change is None else _known(change, before.size)
    head = faces.find(source)
    if head is None:
        return SourceChange(rest=float(visible.mean()))
    place = _pixels((head.x, head.y, head.x + head.width, head.y + head.height), before.size)
    inside = visible[place]
    outside = visible.size - inside.size
    rest = (visible.sum() - inside.sum()) / outside if outside else 0.0
    all_of_it = float(visible.sum())
    return SourceChange(
        rest=float(rest),
        head=float(inside.mean()) if inside.size else 0.0,
        lines=_lines(after, head) / max(_lines(before, head), _FAINT),
        colours=agreement.distance(picture, source),
        inside=float(inside.sum()) / all_of_it if all_of_it else None,
    )


def _small(path: Path) -> Image.Image:
    with images.plain(path) as (picture,):
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
        return picture


def changed(before: Image.Image, after: Image.Image) -> NDArray[np.bool_]:
    """Where two pictures of one size visibly differ."""
    import numpy as np

    one, other = (np.asarray(each) for each in (before, after))
    differ = (one != other).any(axis=-1)
    if differ.any():
        colours = (scikit.lab(each[differ]) for each in (one, other))
        differ[differ] = scikit.colour_difference(*colours) > _VISIBLE
    return differ


def _known(change: bytes, size: tuple[int, int]) -> NDArray[np.float32]:
    """Share of each pixel that is changed, however little."""
    import numpy as np

    with Image.open(io.BytesIO(change)) as levels:
        touched = levels.convert("L").point([0, *[255] * 255])
        share = np.asarray(touched.resize(size, Image.Resampling.BOX), np.float32)
        return np.divide(share, 255, dtype=np.float32)


def _lines(picture: Image.Image, head: faces.Head) -> float:
    """Mean step of luminance (0–255) from pixel to pixel, down and across, in the face."""
    import numpy as np

    left, top, right, bottom = _FACE
    box = (
        head.x + left * head.width,
        head.y + top * head.height,
        head.x + right * head.width,
        head.y + bottom * head.height,
    )
    face = np.asarray(picture.convert("L"), np.float32)[_pixels(box, picture.size)]
    steps = [np.abs(np.diff(face, axis=axis)) for axis in (0, 1)]
    return float(sum(each.mean() for each in steps if each.size))


def _pixels(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a box in parts of a picture."""
    (left, top, right, bottom), (wide, high) = box, size
    return slice(int(top * high), int(bottom * high)), slice(int(left * wide), int(right * wide))
