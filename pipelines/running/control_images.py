"""Control images for ControlNet, made from the structure reference, and masks: white acts, black does not.

Pure picture in, picture out; knows nothing of models. The bundled model is trained on these very lines.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageFilter
from skimage.feature import canny
from skimage.filters import scharr

from pipelines.request import ControlKind

CANNY_SIGMA = 1.0
_FEATHER = 128
"""The picture's longer side, in radii of a mask's soft edge."""
_SOFT_WHITE = 0.995
"""Share of pixels below full white in a soft edge image: a few glints must not darken all the rest."""


def make(kind: ControlKind, picture: Image.Image) -> Image.Image:
    """The control image of an RGB `picture`: RGB, the same size, 0 where there is no edge."""
    grey = _grey(picture)
    lines = _canny(grey) if kind is ControlKind.CANNY else _soft_edge(grey)
    return Image.fromarray(lines).convert("RGB")


def feathered(mask: Image.Image) -> Image.Image:
    """An L `mask` with its edge softened inwards: black stays black."""
    radius = max(mask.size) / _FEATHER
    return ImageChops.darker(mask, mask.filter(ImageFilter.GaussianBlur(radius)))


def as_png(picture: Image.Image) -> bytes:
    """A picture that comes beside a made one, as a PNG file.

    Written quickly: the next picture waits for it, and six times as long for a tenth less.
    """
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _grey(picture: Image.Image) -> np.ndarray:
    """Luminance in [0, 1], shape (height, width)."""
    return np.asarray(picture.convert("L"), dtype=np.float32) / 255


def _canny(grey: np.ndarray) -> np.ndarray:
    return canny(grey, sigma=CANNY_SIGMA).astype("uint8") * 255


def _soft_edge(grey: np.ndarray) -> np.ndarray:
    edges = scharr(grey)
    white = max(float(np.quantile(edges, _SOFT_WHITE)), 1e-6)
    return (np.clip(edges / white, 0, 1) * 255).astype("uint8")
