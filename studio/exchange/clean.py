"""A picture without anything but the picture: no texts, no EXIF, no XMP, nothing hidden in its lowest bits.

PNG, JPEG and WebP keep their pixels untouched; other formats become PNG.
"""

from __future__ import annotations

import io

from PIL import Image

from studio import images
from studio.collection.metadata import stealth
from studio.containers import essential_jpeg, essential_png, essential_webp

_LOW_BIT_SET = [value | 1 for value in range(256)]


def clean_copy(data: bytes, mime: str) -> tuple[bytes, str]:
    """(bytes, mime) of the clean copy. Raises PictureRefused where the file cannot be read."""
    taken = images.take_in(data)
    hidden = stealth.read(taken.pixels)
    if hidden or taken.turned:
        return _encoded(_without_low_bits(taken.pixels) if hidden else taken.pixels), "image/png"
    if mime == "image/png":
        return essential_png(data), mime
    if mime == "image/jpeg":
        return essential_jpeg(data), mime
    bare = essential_webp(data) if mime == "image/webp" else None
    return (bare, mime) if bare is not None else (_encoded(taken.pixels), "image/png")


def _without_low_bits(picture: Image.Image) -> Image.Image:
    """Every lowest bit set: nobody sees it, and nothing can be read from it."""
    return Image.merge(picture.mode, [band.point(_LOW_BIT_SET) for band in picture.split()])


def _encoded(picture: Image.Image) -> bytes:
    bare = picture.copy()
    profile = bare.info.get("icc_profile")
    bare.info = {}
    buffer = io.BytesIO()
    kept = bare if bare.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else bare.convert("RGBA")
    kept.save(buffer, "PNG", icc_profile=profile)
    return buffer.getvalue()
