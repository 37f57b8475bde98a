"""Masks as painting programs export them → grey, white where the source may change, and what was read.

In black and white; as strokes on nothing; or as the picture itself with a hole rubbed out. Pure picture in,
picture out; knows nothing of models.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps

from pipelines.errors import RequestError
from pipelines.running.references import to_rgb

_OPAQUE = 128
"""Alpha from which on a pixel counts as painted."""
_GREYISH, _DARK, _FLAT = 24, 32, 8
"""Levels of 255: between the channels of a grey; below which grey is black; between pixels of one colour."""
_SHARE = 0.98
"""Of the painted pixels; the others are edges and dust."""
_STROKES = "The mask has transparent parts: what is white in it may change, all else stays."
_PAINTED = "The mask is painted on transparent ground: what is painted may change, all else stays."
_HOLES = "The mask is a picture with transparent parts: what is transparent may change, all else stays."
_ALL_BLACK = "The mask is black all over, so nothing of the picture may change. Paint white what may."
_ALL_WHITE = "The mask is white all over, so the whole picture is redrawn. Paint black what must stay."


def read(path: Path, number: int) -> tuple[Image.Image, tuple[str, ...]]:
    """(grey mask, notices). Raises RequestError with the number of the reference."""
    try:
        with Image.open(path) as file:
            return understood(ImageOps.exif_transpose(file))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RequestError(
            f"Reference {number} can't be read. Remove it and load the mask again.", field="references"
        ) from error


def understood(picture: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """(L mask of the picture's size, what is to be said of it)."""
    said: tuple[str, ...] = ()
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    if alpha is None or alpha.getextrema() == (255, 255):
        mask = to_rgb(picture).convert("L")
    else:
        mask, words = _by_alpha(picture.convert("RGBA").convert("RGB"), alpha)
        said = (words,)
    return mask, said + _uniform(mask)


def _by_alpha(colours: Image.Image, alpha: Image.Image) -> tuple[Image.Image, str]:
    painted = np.asarray(alpha) >= _OPAQUE
    values = np.asarray(colours)[painted].astype(np.int16)
    if len(values) == 0 or _is_black_and_white(values):
        return ImageChops.multiply(colours.convert("L"), alpha), _STROKES
    if _is_flat(values) and painted.mean() < 0.5:  # one colour over more: rubbed out of, not painted with
        return alpha, _PAINTED
    return ImageChops.invert(alpha), _HOLES


def _is_black_and_white(values: np.ndarray) -> bool:
    """Some white, and hardly any tone between, as no photograph is."""
    grey = values.mean(axis=1)
    pure = (np.ptp(values, axis=1) <= _GREYISH) & ((grey < _DARK) | (grey > 255 - _DARK))
    return _most(pure) and bool((grey > 255 - _DARK).any())


def _is_flat(values: np.ndarray) -> bool:
    return _most(np.abs(values - np.median(values, axis=0)).max(axis=1) <= _FLAT)


def _most(which: np.ndarray) -> bool:
    return float(which.mean()) >= _SHARE


def _uniform(mask: Image.Image) -> tuple[str, ...]:
    lowest, highest = mask.getextrema()
    if lowest != highest:
        return ()
    return (_ALL_BLACK,) if highest == 0 else (_ALL_WHITE,) if lowest == 255 else ()
