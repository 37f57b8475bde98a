"""A result in the colours and with the transparency that the source's own file stores.

What models see is sRGB on white. What a refinement keeps is what the file had: its values, the profile they
are meant by, its transparency. Only what changed is converted. Knows Pillow and ICC, no files.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from pipelines.returning.maths import Bools, Bytes, Floats, as_floats, ndimage

_SRGB: Any = ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_STRIP_PX = 1 << 18
_SOLID = 128
"""Levels of a change from which on it fills what was empty."""
_WHITE = 240
"""The least channel from which on nothing was drawn on white."""
_BORDER = 0.01
"""In longer sides: how far from such a place the transparency of borders is filled, too."""
_CANNOT = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def as_stored(own: Image.Image, source: Bytes, result: Bytes, levels: Bytes) -> Image.Image:
    """`own`, changed as far as `levels` (H, W) say; where they are 0, pixel for pixel as it is.

    `own`: RGB or RGBA, upright, its profile in `info`; `source`: the same in sRGB on white, as models saw
    it; `result`: that, changed. All of one size. A profile that leads nowhere back is dropped, and the
    picture then is sRGB.
    """
    to_own = _ProfileTransform.of(own.info.get("icc_profile"))
    if to_own is None:
        return _with_alpha(result.copy(), own, result, levels)
    out = np.asarray(own.convert("RGB")).copy()
    for part in _strips(levels):
        was, now = (to_own.apply(p[part]).astype(np.int16) for p in (source, result))
        share = as_floats(levels[part])[..., None]
        kept = out[part]
        # what sRGB can't hold stays where little changed, and no seam shows
        mixed = kept + (now - was) + share * (was - kept)
        new = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        out[part] = np.where(levels[part][..., None] == 0, kept, new)
    picture = _with_alpha(out, own, out, levels)
    picture.info["icc_profile"] = own.info["icc_profile"]
    return picture


class _ProfileTransform:
    """From sRGB to the colours of a profile."""

    def __init__(self, profile: bytes) -> None:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        self._transform = ImageCms.buildTransform(_SRGB, opened, "RGB", "RGB")

    @classmethod
    def of(cls, profile: bytes | None) -> _ProfileTransform | None:
        """None where there is none, or none that can be written."""
        try:
            return cls(profile) if profile else None
        except _CANNOT:
            return None

    def apply(self, colours: Bytes) -> Bytes:
        converted = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(colours)), self._transform)
        return np.asarray(converted)


def _with_alpha(out: Bytes, own: Image.Image, result: Bytes, levels: Bytes) -> Image.Image:
    """`out` with the transparency of `own`, filled where something new stands on what was empty."""
    if own.mode != "RGBA":
        return Image.fromarray(out)
    pixels = np.asarray(own)
    alpha = pixels[..., 3]
    filled = np.where(_filled(alpha, result, levels), np.maximum(alpha, levels), alpha)
    changed = levels > 0
    least = np.where(changed, 255 - result.min(axis=2), 0).astype(np.uint8)  # else no colour is as dark
    filled = np.maximum(filled, least)
    out[~changed] = pixels[~changed, :3]  # under what is transparent, too
    see_through = changed & (filled < 255)
    out[see_through] = _lifted(result[see_through], filled[see_through])
    return Image.fromarray(np.dstack((out, filled)))


def _filled(alpha: Bytes, result: Bytes, levels: Bytes) -> Bools:
    """(H, W): where what was empty no longer is: something was drawn on the white that stood for it."""
    places = (alpha == 0) & (levels >= _SOLID) & (result.min(axis=2) < _WHITE)
    reach = max(1, round(max(alpha.shape) * _BORDER))
    return ndimage.maximum_filter(places, 2 * reach + 1) if places.any() else places


def _lifted(colours: Bytes, alpha: Bytes) -> Bytes:
    """Colours that look as `colours` do, once they lie on white with this transparency."""
    cover = np.maximum(as_floats(alpha), np.float32(1 / 255))[..., None]
    lifted: Floats = (colours.astype(np.float32) - 255 * (1 - cover)) / cover
    return np.clip(lifted + 0.5, 0, 255).astype(np.uint8)


def _strips(levels: Bytes) -> Iterator[tuple[slice, slice]]:
    """Rows and columns around all that is not 0."""
    rows, columns = (np.flatnonzero(levels.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    across = slice(int(columns[0]), int(columns[-1]) + 1)
    high = max(1, _STRIP_PX // (across.stop - across.start))
    for top in range(int(rows[0]), int(rows[-1]) + 1, high):
        yield slice(top, min(top + high, int(rows[-1]) + 1)), across
