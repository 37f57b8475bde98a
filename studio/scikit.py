"""The parts of scikit-image that the studio uses, with types, which that library has none of.

Its modules import each other, and Python lets a thread go on with one that another is still loading rather
than have both wait for ever: two threads would each meet half a module. So whoever needs a part comes through
here, and the first call loads all of them. It takes half a second, once.
"""

from __future__ import annotations

import functools
import importlib
import threading
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PARTS = ("color", "data", "feature", "measure", "metrics", "morphology")
_ONE_AT_A_TIME = threading.Lock()


class FaceBox(TypedDict):
    """Where a face was found: row and column of its upper left corner, and its size, in px."""

    r: int
    c: int
    width: int
    height: int


def lab(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """CIE L*a*b* of sRGB (…, 3): 0 to 255 as uint8, or 0 to 1 as floats."""
    return _part("color").rgb2lab(pixels)


def colour_difference(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """ΔE 2000 of colours in Lab (…, 3)."""
    return _part("color").deltaE_ciede2000(one, other)


def structural_similarity(one: NDArray[Any], other: NDArray[Any]) -> float:
    """SSIM of two pictures (H, W) with values from 0 to 255; -1 to 1, which is the same picture."""
    return float(_part("metrics").structural_similarity(one, other, data_range=255))


def similarity_map(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """The same around each pixel (H, W)."""
    return _part("metrics").structural_similarity(one, other, data_range=255, full=True)[1]


def blur(luminance: NDArray[Any]) -> float:
    """How blurred a picture (H, W) looks: 0 to 1 (Crété-Roffet 2007, doi 10.1117/12.702790)."""
    return float(_part("measure").blur_effect(luminance))


def closed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """The mask without holes and gaps narrower than a disk of `radius` px."""
    morphology = _part("morphology")
    return morphology.closing(mask, morphology.disk(radius))


def opened(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """The mask without what is narrower than a disk of `radius` px."""
    morphology = _part("morphology")
    return morphology.opening(mask, morphology.disk(radius))


def connected(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each pixel the number of its connected part, from 1; 0 outside of all."""
    return _part("measure").label(mask)


def faces(grey: NDArray[np.uint8], least: int) -> list[FaceBox]:
    """Frontal faces of at least `least` px in a picture (H, W). Not to be called by two threads at once."""
    return _cascade().detect_multi_scale(
        img=grey, scale_factor=1.15, step_ratio=1.3, min_size=(least, least), max_size=(min(grey.shape),) * 2
    )


@functools.cache
def _cascade() -> Any:
    return _part("feature").Cascade(_part("data").lbp_frontal_face_cascade_filename())


def _part(name: str) -> Any:
    with _ONE_AT_A_TIME:
        return {each: importlib.import_module(f"skimage.{each}") for each in _PARTS}[name]
