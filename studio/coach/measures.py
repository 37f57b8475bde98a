"""What can be measured of a picture and of what it was made from, to put a batch into an order.

The same measures as elsewhere: what changed is what the return step found, else what the coach sees;
structure is that of drift; sharpness is that of the coach's look at a reference. Knows files, no rows;
scikit-image is loaded with the first picture.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from studio import images, scikit
from studio.coach import source_change
from studio.coach.picture_facts import look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIDE = 512
"""Longest side in px of the copies that are compared."""
_SMALLEST = 7
"""SSIM's window."""
_CHANGED = 16
"""Level (0–255) of a change map from which a pixel is changed."""


@dataclass(frozen=True, slots=True)
class PictureMeasures:
    """Each 0–1, None where it is not known.

    `likeness`: structure (SSIM) that the picture shares with its source where nothing was changed.
    `changed`: share of it that is not its source's any more. `sharpness`: 1 is crisp.
    """

    sharpness: float
    likeness: float | None = None
    changed: float | None = None


@lru_cache(maxsize=1024)
def alone(picture: Path) -> PictureMeasures:
    """Of a picture without a source. Raises OSError."""
    return PictureMeasures(sharpness=round(1 - look(picture).blur, 4))


def against(picture: Path, source: Path, change: bytes | None) -> PictureMeasures:
    """Of a picture and its source; `change`: the PNG (L) in which white is changed, where it is known.

    Raises OSError.
    """
    likeness, changed = _against(picture, source, change)
    return PictureMeasures(alone(picture).sharpness, likeness, changed)


@lru_cache(maxsize=1024)
def _against(picture: Path, source: Path, change: bytes | None) -> tuple[float, float]:
    before = _small(source)
    after = _small(picture).resize(before.size, Image.Resampling.BOX)
    changed = None if change is None else _known(change, before.size)
    if changed is None or bool(changed.all()):  # all redrawn: what looks different counts
        changed = _visibly(before, after)
    structure = _structure(before, after)
    kept = structure[~changed]
    likeness = float(kept.mean()) if kept.size else float(structure.mean())
    return round(max(likeness, 0.0), 4), round(float(changed.mean()), 4)


def _known(change: bytes, size: tuple[int, int]) -> NDArray[np.bool_]:
    import numpy as np

    with Image.open(io.BytesIO(change)) as levels:
        return np.asarray(levels.convert("L").resize(size, Image.Resampling.BOX)) >= _CHANGED


def _visibly(before: Image.Image, after: Image.Image) -> NDArray[np.bool_]:
    """Where the two differ, as the coach sees it: at half the side, which takes a quarter of the time."""
    import numpy as np

    size = max(before.width // 2, 1), max(before.height // 2, 1)
    halves = (each.resize(size, Image.Resampling.BOX) for each in (before, after))
    changed = Image.fromarray(source_change.changed(*halves))
    return np.asarray(changed.resize(before.size, Image.Resampling.NEAREST))


def _structure(before: Image.Image, after: Image.Image) -> NDArray[np.float64]:
    """SSIM of luminance around each pixel."""
    import numpy as np

    one, other = (np.asarray(each.convert("L")) for each in (before, after))
    return scikit.similarity_map(one, other)


@lru_cache(maxsize=4)
def _small(path: Path) -> Image.Image:
    """Kept for a moment: the pictures of a batch mostly have one source."""
    with images.plain(path) as (picture,):
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    enough = (max(picture.width, _SMALLEST), max(picture.height, _SMALLEST))
    return picture if enough == picture.size else picture.resize(enough)
