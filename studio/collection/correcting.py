"""A refinement put together again after the artist has said what of it is a change: without generating.

Pictures in, pictures out; on numpy and Pillow, loaded when the first picture is corrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.returning.composing import Enlarge, EnlargedView, compose
from pipelines.returning.geometry import Box, Geometry
from pipelines.returning.step import bring_back
from pipelines.returning.views import Views
from studio.collection.model_pictures import ModelPicture

Scope = Literal["found", "mask", "everything"]
_OPAQUE = 128
_WHITE = 128


@dataclass(frozen=True, slots=True)
class MaskedCorrection:
    """What of a model's picture is a change.

    `scope`: what was found, only where `mask` is white, or everything. `mask` without transparency is the
    change itself; with transparency, its white strokes add to what was found and its black ones take away.
    `grow` (negative: shrink) and `feather` in px of the picture. `tolerance`: find the change again.
    """

    scope: Scope = "found"
    mask: Image.Image | None = None
    grow: int = 0
    feather: int = 0
    tolerance: float | None = None


def corrected(
    source: Image.Image, made: Image.Image, kept: ModelPicture, wanted: MaskedCorrection
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(the picture (H, W, 3), its change (H, W)). `source` and `made`: RGB of one size."""
    pixels = np.asarray(source)
    model = kept.seen.shape[1], kept.seen.shape[0]
    views = Views(pixels, kept.seen, kept.drawn, Geometry(source.size, model, Box(*kept.about.box)))
    levels = _levels(views, kept, wanted)
    redrawn = kept.about.redrawn and wanted.tolerance is None
    out = compose(views, levels, enlarge=_again(kept), redrawn=redrawn)
    if wanted.tolerance is None:  # the very pixels, where they were shown in full
        whole = (levels == 255) & (kept.change == 255)
        out[whole] = np.asarray(made)[whole]
    return out, levels


def _again(kept: ModelPicture) -> Enlarge | None:
    """What an enlarger made when the picture was made; here is none."""
    if kept.large is None or kept.about.frame is None:
        return None
    large = EnlargedView(Image.fromarray(kept.large), Box(*kept.about.frame))
    return lambda drawn, needed: large


def _levels(views: Views, kept: ModelPicture, wanted: MaskedCorrection) -> NDArray[np.uint8]:
    if wanted.scope == "everything":
        return np.full_like(kept.change, 255)
    levels = kept.change
    if wanted.tolerance is not None:
        levels = bring_back(views, tolerance=wanted.tolerance).change
    if wanted.mask is not None:
        levels = _painted(levels, wanted.mask, only=wanted.scope == "mask")
    picture = Image.fromarray(levels)
    if wanted.grow:
        size = 2 * abs(wanted.grow) + 1
        grow = ImageFilter.MaxFilter if wanted.grow > 0 else ImageFilter.MinFilter
        picture = picture.filter(grow(size))
    if wanted.feather:
        picture = picture.filter(ImageFilter.GaussianBlur(wanted.feather))
    return np.asarray(picture)


def _painted(levels: NDArray[np.uint8], mask: Image.Image, *, only: bool) -> NDArray[np.uint8]:
    size = levels.shape[1], levels.shape[0]
    if mask.size != size:
        mask = mask.resize(size, Image.Resampling.BILINEAR)
    grey = np.asarray(mask.convert("RGB").convert("L"))
    alpha = np.asarray(mask.convert("RGBA").getchannel("A"))
    if alpha.min() == 255:
        return grey
    stroke = alpha >= _OPAQUE
    if only:
        return np.where(stroke & (grey >= _WHITE), np.uint8(255), np.uint8(0))
    out = levels.copy()
    out[stroke] = np.where(grey[stroke] >= _WHITE, 255, 0)
    return out
