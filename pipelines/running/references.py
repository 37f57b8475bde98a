"""Reference files → pictures a pipeline can take: upright 8-bit RGB, at the size of the call.

Pipelines take a picture with four channels for latents and other modes for errors, so nothing but
RGB leaves this module. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pipelines.errors import RequestError

CROP_WORTH_SAYING = 0.05
"""Share of a side that may be cut away without a word: sizes are rounded to the model's steps."""


def read(path: Path, number: int) -> Image.Image:
    """The picture in `path`, upright RGB, transparency on white. Raises RequestError with its number."""
    with _in_words(number), Image.open(path) as file:
        return to_rgb(ImageOps.exif_transpose(file))


@contextmanager
def _in_words(number: int) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RequestError(
            f"Reference {number} can't be read. Remove it and load the picture again.", field="references"
        ) from error


def read_whole(path: Path, number: int) -> Image.Image:
    """The picture in `path`, upright RGB or RGBA with what it says of its colours. Raises RequestError."""
    with _in_words(number), Image.open(path) as file:
        upright = ImageOps.exif_transpose(file)
        if upright.mode in ("RGB", "RGBA"):
            upright.load()
            return upright
        return upright.convert("RGBA") if upright.has_transparency_data else to_rgb(upright)


def to_rgb(picture: Image.Image) -> Image.Image:
    """8-bit RGB of a picture of any mode."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(picture)
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        ground = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(ground, coloured).convert("RGB")
    return picture.convert("RGB")


def fit(picture: Image.Image, width: int, height: int, number: int) -> tuple[Image.Image, str | None]:
    """`picture` scaled to cover width × height px and cropped around its middle, and what to say about it."""
    if picture.size == (width, height):
        return picture, None
    fitted = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    lost = _cropped_share(picture.size, width / height)
    if lost <= CROP_WORTH_SAYING:
        return fitted, None
    return fitted, f"Reference {number} has another shape than the picture: {lost:.0%} of it is cropped away."


def square_notice(picture: Image.Image, number: int) -> str | None:
    """What to say about a reference of which a model reads only the middle square."""
    lost = _cropped_share(picture.size, 1.0)
    if lost <= CROP_WORTH_SAYING:
        return None
    return f"Reference {number} is not square: only its middle is read."


def _cropped_share(size: tuple[int, int], ratio: float) -> float:
    """Share of a picture of `size` outside the largest middle part with width/height `ratio`."""
    own = size[0] / size[1]
    return 1 - min(own, ratio) / max(own, ratio)


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """16-bit and other deep greys: the whole range of the values that can occur, on 8 bits."""
    values = np.asarray(picture, dtype=np.float64)
    top = 1.0 if picture.mode == "F" else 65535.0
    return Image.fromarray((np.clip(values / top, 0, 1) * 255).round().astype("uint8")).convert("RGB")
