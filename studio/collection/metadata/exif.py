"""The texts of an EXIF block: UserComment and the few tags that tools use for their settings.

Pillow reads the block; how UserComment is encoded is guessed here, because tools disagree on it.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

from studio.tag_limit import limit_tags

limit_tags()
_TAGS = {
    "exif:ImageDescription": ExifTags.Base.ImageDescription,
    "exif:Make": ExifTags.Base.Make,
    "exif:Model": ExifTags.Base.Model,
    "exif:Software": ExifTags.Base.Software,
    "exif:Artist": ExifTags.Base.Artist,
    "exif:Copyright": ExifTags.Base.Copyright,
}
_INNER = {"exif:UserComment": ExifTags.Base.UserComment, "exif:MakerNote": ExifTags.Base.MakerNote}
_DAMAGED = (OSError, SyntaxError, ValueError, LookupError, TypeError, AttributeError, EOFError, struct.error)
"""What Pillow is known to raise on broken EXIF."""


def texts(block: bytes) -> dict[str, str] | None:
    """By name, `exif:UserComment` and so on; None where the block cannot be read at all."""
    tags = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of broken tags and leaves them out
            tags.load(block)
            inner = tags.get_ifd(ExifTags.IFD.Exif)
            outer: dict[int, Any] = dict(tags.items())
    except _DAMAGED:
        return None
    return _named(_TAGS, outer) | _named(_INNER, inner)


def of_avif(data: bytes) -> list[tuple[str, str]]:
    """The texts of an AVIF file; none where it cannot be read."""
    try:
        with Image.open(io.BytesIO(data), formats=("AVIF",)) as image:
            block = image.info.get("exif")
    except _DAMAGED:
        return []
    found = texts(block.removeprefix(b"Exif\0\0")) if isinstance(block, bytes) else None
    return list((found or {}).items())


def user_comment(value: bytes) -> str:
    """The text of a UserComment: eight bytes name its encoding, which is not always true."""
    mark, body = value[:8], value[8:]
    if mark == b"UNICODE\0":
        return _utf16(body)
    if mark in (b"ASCII\0\0\0", b"\0" * 8, b"JIS\0\0\0\0\0"):
        return _utf8(body)
    return _utf8(value)


def _named(wanted: Mapping[str, int], tags: Mapping[int, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, tag in wanted.items():
        value = tags.get(tag)
        if isinstance(value, bytes):
            value = user_comment(value) if name == "exif:UserComment" else _utf8(value)
        if isinstance(value, str) and value.strip("\0 "):
            found[name] = value.strip("\0")
    return found


def _utf16(body: bytes) -> str:
    """Either byte order: in Latin text the zero bytes say which."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    big = body[0::2].count(0) >= body[1::2].count(0)
    return body.decode("utf-16-be" if big else "utf-16-le", "replace")


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")
