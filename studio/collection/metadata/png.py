"""Generated pictures as PNG files that describe themselves, and the way back.

Chunks: `parameters` (text other tools read), `likeness` (complete, versioned JSON), XMP.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, PngImagePlugin

from studio.collection.metadata import likeness as likeness_chunk
from studio.collection.metadata.infotext import infotext
from studio.collection.metadata.likeness import Likeness
from studio.collection.metadata.xmp import packet

_COMPRESS_LEVEL = 4
"""Twice as fast as zlib's default for a few per cent more bytes."""


def encode(
    rgb: bytes, width: int, height: int, likeness: Likeness, alpha: bytes = b"", profile: bytes = b""
) -> bytes:
    """PNG bytes of 8-bit RGB pixels (`width * height * 3` bytes, row-major); the same for the same input.

    `alpha`: `width * height` bytes, or none; `profile`: the ICC profile of the pixels, or none for sRGB.
    """
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", infotext(likeness, width, height))
    chunks.add_itxt("likeness", likeness.text())
    chunks.add_itxt("XML:com.adobe.xmp", packet(likeness))
    buffer = io.BytesIO()
    picture = Image.frombytes("RGB", (width, height), rgb)
    if alpha:
        picture.putalpha(Image.frombytes("L", (width, height), alpha))
    options = {"pnginfo": chunks, "compress_level": _COMPRESS_LEVEL}
    picture.save(buffer, "PNG", icc_profile=profile or None, **options)
    return buffer.getvalue()


def read_likeness(path: Path) -> Likeness | None:
    """What a PNG says of how it was made; None where it says nothing that this studio understands."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            text = image.info.get("likeness")
    except (OSError, SyntaxError, ValueError):
        return None
    return likeness_chunk.parse(text) if isinstance(text, str) else None
