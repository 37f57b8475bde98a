"""Windows, ramps and resizing of float32 arrays (height, width) or (height, width, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray
from PIL import Image

from pipelines.returning.geometry import Box

ndimage: Any = scipy.ndimage
"""It has no types, and those that are guessed are wrong."""
Floats = NDArray[Any]
"""float32; numpy's types take what stays 32 bits long for 64."""
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
EVERYWHERE = np.ones((3, 3), bool)
"""Neighbours across corners count."""
_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def as_floats(levels: Bytes) -> Floats:
    """Levels of 255 → [0, 1]."""
    return levels.astype(np.float32) / np.float32(255)


def as_bytes(values: Floats) -> Bytes:
    """[0, 1] → levels of 255; what lies outside is clipped."""
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)


def window_mean(values: Floats, radius: int) -> Floats:
    """Mean over squares of 2·radius + 1 px."""
    size = (2 * radius + 1,) * 2 + (1,) * (values.ndim - 2)
    return ndimage.uniform_filter(values, size, mode="nearest")


def blurred(values: Floats, sigma: float) -> Floats:
    """Gaussian over the first two axes."""
    return ndimage.gaussian_filter(values, (sigma, sigma) + (0,) * (values.ndim - 2), mode="nearest")


def ramp(values: Floats, start: float, end: float) -> Floats:
    """0 up to `start`, 1 from `end`, smooth between."""
    along = np.clip((values - start) / (end - start), 0, 1)
    return along * along * (3 - 2 * along)


def resized(
    values: Floats,
    size: tuple[int, int],
    box: Box | None = None,
    how: Image.Resampling = Image.Resampling.BILINEAR,
) -> Floats:
    """`box` of it (all, if None) at `size` (width, height)."""
    if values.ndim == 2:
        return np.asarray(Image.fromarray(np.ascontiguousarray(values)).resize(size, how, box))
    planes = [resized(values[..., c], size, box, how) for c in range(values.shape[-1])]
    return np.stack(planes, axis=-1)


def covariance(guide: Floats, means: Floats, radius: int, ridge: float) -> list[Floats]:
    """The six different entries of each window's covariance of colours, `ridge` added to the diagonal."""
    products = window_mean(np.stack([guide[..., i] * guide[..., j] for i, j in _PAIRS], -1), radius)
    return [
        products[..., n] - means[..., i] * means[..., j] + np.float32(ridge if i == j else 0)
        for n, (i, j) in enumerate(_PAIRS)
    ]


def inverse(symmetric: list[Floats]) -> Floats:
    """(h, w, 3, 3): the inverse of matrices given as `covariance` gives them."""
    xx, xy, xz, yy, yz, zz = symmetric
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    d, e, f = xx * zz - xz * xz, xz * xy - xx * yz, xx * yy - xy * xy
    rows = (np.stack((a, b, c), -1), np.stack((b, d, e), -1), np.stack((c, e, f), -1))
    return np.stack(rows, -2) / (xx * a + xy * b + xz * c)[..., None, None]
