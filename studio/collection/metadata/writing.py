"""A picture in another file format, with what its PNG says.

EXIF UserComment has the text for other tools, XMP the complete record.
JPEG holds at most 64 KB of each; what is longer is left out, and the caller is told.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import ExifTags, Image

from studio.collection.metadata.infotext import infotext
from studio.collection.metadata.likeness import Likeness
from studio.collection.metadata.xmp import packet

_JPEG_MOST = 65_000
JPEG_QUALITY = 95
_ASCII, _LONG, _UNDEFINED = 2, 4, 7
"""TIFF's types of values."""


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """A file's bytes, and what of the metadata had no room in it."""

    data: bytes
    left_out: tuple[str, ...] = ()


def jpeg(picture: Image.Image, likeness: Likeness | None) -> EncodedFile:
    """JPEG of high quality without colour subsampling."""
    blocks, left_out = _blocks(picture, likeness, _JPEG_MOST)
    return EncodedFile(_saved(picture, "JPEG", quality=JPEG_QUALITY, subsampling=0, **blocks), left_out)


def webp(picture: Image.Image, likeness: Likeness | None) -> EncodedFile:
    """WebP without loss."""
    blocks, left_out = _blocks(picture, likeness, None)
    return EncodedFile(_saved(picture, "WEBP", lossless=True, quality=75, method=3, **blocks), left_out)


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _blocks(
    picture: Image.Image, likeness: Likeness | None, most: int | None
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    if likeness is None:
        return {}, ()
    wanted = {
        "exif": _exif(infotext(likeness, picture.width, picture.height), likeness.software),
        "xmp": packet(likeness, with_record=True).encode(),
    }
    fitting = {name: block for name, block in wanted.items() if most is None or len(block) <= most}
    return fitting, tuple(sorted(set(wanted) - set(fitting)))


def _exif(text: str, software: str) -> bytes:
    """UserComment in UTF-16 of the byte order that other tools expect, and Software.

    Laid out here: Pillow writes the comment as numbers, which not all readers take for text.
    """
    comment = b"UNICODE\0" + text.encode("utf-16-be", "replace")
    name = software.encode("ascii", "replace") + b"\0"
    head, outer = 8, 2 + 2 * 12 + 4
    inner = head + outer + len(name) + len(name) % 2
    outer_tags = struct.pack(
        ">HHHIIHHIII",
        *(2, ExifTags.Base.Software, _ASCII, len(name), head + outer),
        *(ExifTags.IFD.Exif, _LONG, 1, inner, 0),
    )
    comment_tag = (1, ExifTags.Base.UserComment, _UNDEFINED, len(comment), inner + 2 + 12 + 4, 0)
    padded = name + b"\0" * (len(name) % 2)
    return (
        b"Exif\0\0MM\0*"
        + struct.pack(">I", head)
        + outer_tags
        + padded
        + struct.pack(">HHHIII", *comment_tag)
        + comment
    )
