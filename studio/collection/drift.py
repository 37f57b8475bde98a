"""How far one picture is from another: structure and colour, each by a library's own measure, and faces.

*Structure* is scikit-image's SSIM of luminance, 1 for the same picture: it falls when features move, blur
or harden, and hardly when light or colour change a little. *Colour* is the mean CIEDE2000 distance over a
grid of 32 × 32 averages: 0 for the same, about 2 where a difference becomes visible, and not moved by
details. Both are taken of copies whose longest side is at most 512 px; a picture of another shape is fitted
to the anchor's first.

*Face* is measured elsewhere, by a model that reads pictures (`FaceDistance`), and only where there is one.

scikit-image is loaded when the first picture is measured, not at start. Knows files, no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from studio import images, scikit

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = 1
"""Rises when the same pictures would be measured otherwise."""
_SIDE = 512
_GRID = (32, 32)
_SMALLEST = 7
"""SSIM's window: a side shorter than that is enlarged to it."""


@dataclass(frozen=True, slots=True)
class Distance:
    """Structure (SSIM, -1 to 1) and colour (ΔE 2000, 0 and up)."""

    structure: float
    colour: float


NO_FACE_MODEL = "No face model is on this machine, so the likeness of the face is not measured."


@dataclass(frozen=True, slots=True)
class Faces:
    """Likeness to the anchor's face (-1 to 1) by image id, where it is known; `reason`: why it is not."""

    values: Mapping[str, float]
    reason: str | None = None


class FaceDistance(Protocol):
    """Compares faces."""

    def __call__(self, image_ids: Sequence[str], anchor_id: str, *, ask: bool) -> Faces:
        """`ask`: pictures nobody looked at yet are looked at now. It does not fail: it says why."""
        ...


def no_faces(image_ids: Sequence[str], anchor_id: str, *, ask: bool) -> Faces:
    """Without a model."""
    return Faces({}, NO_FACE_MODEL)


def measure(picture: Path, anchor: Path) -> Distance:
    """Compare two upright 8-bit RGB files. Raises FileNotFoundError, OSError."""
    reference = _small(anchor)
    other = _small(picture)
    if other.size != reference.size:
        other = other.resize(reference.size, Image.Resampling.BOX)
    return Distance(structure=ssim(other, reference), colour=_colour(other, reference))


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity of two pictures of one size."""
    first, second = (_array(image.convert("L")) for image in (one, other))
    return round(scikit.structural_similarity(first, second), 4)


def _colour(one: Image.Image, other: Image.Image) -> float:
    grids = (scikit.lab(_array(image.resize(_GRID, Image.Resampling.BOX))) for image in (one, other))
    return round(float(scikit.colour_difference(*grids).mean()), 3)


def _small(path: Path) -> Image.Image:
    with images.plain(path) as (image,):
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    enough = (max(image.width, _SMALLEST), max(image.height, _SMALLEST))
    return image if enough == image.size else image.resize(enough)


def _array(image: Image.Image) -> NDArray[Any]:
    import numpy as np

    return np.asarray(image)
