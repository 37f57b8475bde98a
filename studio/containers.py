"""Picture files as containers: everything that is not picture can be taken out, the pixels stay as they are.

Works on bytes alone and decodes nothing. Knows no metadata, only where it may lie.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PICTURE = frozenset(
    (
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"sBIT",
        b"cICP",
        b"pHYs",
    )
)
_WEBP_PICTURE = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"))
_JPEG_DROPPED = frozenset((0xE1, 0xEB, 0xED, 0xFE))
"""EXIF and XMP, content credentials, Photoshop's, comments. Colour profile and Adobe's colour flag stay."""
_VP8X_METADATA = 0x08 | 0x04
_VP8X_ANIMATION = 0x02


def essential_png(data: bytes) -> bytes:
    """The chunks that make the picture, as far as the file goes; other data as it is."""
    if not data.startswith(_PNG):
        return data
    return _PNG + b"".join(chunk for kind, chunk in _png_chunks(data) if kind in _PNG_PICTURE)


def essential_jpeg(data: bytes) -> bytes:
    """Without EXIF, XMP, IPTC, comments and whatever follows the picture's end."""
    kept = [data[:2]]
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = struct.unpack_from(">BH", data, at + 1)
        if marker == 0xDA or length < 2:
            break
        if marker not in _JPEG_DROPPED:
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    end = data.rfind(b"\xff\xd9")
    return b"".join(kept) + (data[at : end + 2] if end >= at else data[at:])


def essential_webp(data: bytes) -> bytes | None:
    """Without EXIF and XMP; None for an animation, which is more than a picture."""
    parts: list[bytes] = []
    for kind, body in _webp_chunks(data):
        if kind == b"VP8X" and body:
            if body[0] & _VP8X_ANIMATION:
                return None
            body = bytes([body[0] & ~_VP8X_METADATA]) + body[1:]
        if kind in _WEBP_PICTURE:
            parts.append(struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2))
    content = b"WEBP" + b"".join(parts)
    return struct.pack("<4sI", b"RIFF", len(content)) + content


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, whole chunk); the last one may be cut short."""
    at = len(_PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
