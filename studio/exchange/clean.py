"""A picture without anything but the picture: no texts, no EXIF, no XMP, nothing hidden in its lowest bits,
nothing that follows its end.

PNG, JPEG and WebP keep their pixels untouched; other formats become PNG.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from pipelines.errors import PictureRefused
from studio import images, pixels
from studio.collection.metadata import stealth
from studio.containers import bare_png, essential_jpeg, essential_webp, shorter_webps, sound_profile

_LOW_BIT_SET = [value | 1 for value in range(256)]
_CUTTERS: dict[str, Callable[[bytes], bytes | None]] = {
    "image/png": bare_png,
    "image/jpeg": essential_jpeg,
    "image/webp": essential_webp,
}
_AS_THEY_ARE = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Modes that a PNG holds without a change."""


def clean_copy(data: bytes, mime: str) -> tuple[bytes, str]:
    """(bytes, mime) of the clean copy. Raises PictureRefused where the file cannot be read."""
    with images.ingesting(data) as taken:
        pixel_sha256 = taken.facts.pixel_sha256
        hidden = stealth.read(taken.pixels)
        if hidden or taken.turned or mime not in _CUTTERS:
            return _encoded(_without_low_bits(taken.pixels) if hidden else taken.pixels), "image/png"
    cut = _CUTTERS[mime](data)
    if cut is not None and _shows(cut, pixel_sha256):
        surplus = mime == "image/webp" and any(_shows(less, pixel_sha256) for less in shorter_webps(cut))
        if not surplus:
            return cut, mime
    with images.ingesting(data) as taken:
        return _encoded(taken.pixels), "image/png"


def _shows(cut: bytes, pixel_sha256: str) -> bool:
    """Whether the clean file can be read and has the same pixels."""
    try:
        with images.ingesting(cut) as taken:
            return taken.facts.pixel_sha256 == pixel_sha256
    except PictureRefused:
        return False


def _without_low_bits(picture: Image.Image) -> Image.Image:
    """With every lowest bit set, which cannot be seen: whatever was hidden there is gone."""
    return Image.merge(picture.mode, [band.point(_LOW_BIT_SET) for band in picture.split()])


def _encoded(picture: Image.Image) -> bytes:
    """As PNG: with its colour profile where it keeps its mode, else as it is seen."""
    if picture.mode in _AS_THEY_ARE:
        kept = picture.copy()
    else:
        kept = picture.convert("RGBA") if picture.has_transparency_data else pixels.flat(picture)
    shown = {name: kept.info[name] for name in ("icc_profile", "transparency") if name in kept.info}
    if (profile := shown.pop("icc_profile", None)) and (sound := sound_profile(profile)):
        shown["icc_profile"] = sound
    kept.info = {}
    buffer = io.BytesIO()
    kept.save(buffer, "PNG", **shown)
    return buffer.getvalue()
