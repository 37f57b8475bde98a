"""Text in the lowest bits of the pixels, as NovelAI, Forge and others hide it; no site strips it.

Read column by column: a mark, the length in bits, the text itself, packed or not. Needs decoded pixels.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from PIL import Image

from studio.json_values import is_object

MAX_BYTES = 2**20
_MARKS = {
    b"stealth_pnginfo": ("A", False),
    b"stealth_pngcomp": ("A", True),
    b"stealth_rgbinfo": ("RGB", False),
    b"stealth_rgbcomp": ("RGB", True),
}
_MARK_BYTES = 15
_HEAD_BITS = (_MARK_BYTES + 4) * 8


def read(image: Image.Image) -> dict[str, str]:
    """The hidden texts by name, as if they were PNG texts; empty where there are none."""
    for channels in ("A", "RGB"):
        text = _read(image, channels)
        if text is not None:
            return _named(text)
    return {}


def _read(image: Image.Image, channels: str) -> str | None:
    if not set(channels) <= set(image.getbands()):
        return None
    head = _bits(image, channels, 0, _HEAD_BITS)
    known = _MARKS.get(head[:_MARK_BYTES])
    if known is None or known[0] != channels:
        return None
    size = int.from_bytes(head[_MARK_BYTES:], "big") // 8
    if not 0 < size <= MAX_BYTES:
        return None
    body = _bits(image, channels, _HEAD_BITS, size * 8)
    return _unpacked(body) if known[1] else body.decode("utf-8", "replace")


def _bits(image: Image.Image, channels: str, start: int, count: int) -> bytes:
    """`count` bits from `start` on as bytes; only the columns that hold them are looked at."""
    import numpy as np

    per_column = image.height * len(channels)
    first, last = start // per_column, -(-(start + count) // per_column)
    strip = image.crop((first, 0, min(last, image.width), image.height))
    planes = np.stack([np.asarray(strip.getchannel(c)) for c in channels], axis=-1) & 1
    bits = planes.transpose(1, 0, 2).reshape(-1)
    begin = start - first * per_column
    return np.packbits(bits[begin : begin + count]).tobytes()


def _unpacked(body: bytes) -> str | None:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(body, MAX_BYTES)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else text.decode("utf-8", "replace")


def _named(text: str) -> dict[str, str]:
    """NovelAI hides all of its texts as one JSON object; others hide what would be in `parameters`."""
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {"parameters": text}
    if is_object(said) and "Comment" in said:
        return {str(key): value for key, value in said.items() if isinstance(value, str)}
    return {"parameters": text}
