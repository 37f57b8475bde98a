"""Zips that were sent: read with bounds, whatever they say of themselves.

Only stored and deflated parts are unpacked: Python's readers of the other methods unpack a whole block at
once, however little of it is asked for. Names are looked up, never used as paths; bytes are counted while
they come out. Knows nothing of what is inside.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import BinaryIO

from pipelines.errors import PictureRefused

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BLOCK = 2**20
_FREE_BYTES = 256 * 2**20
"""So much may come out of any zip …"""
_MAX_RATIO = 20
"""… and beyond it, so many times the zip's own size. Pictures hardly get smaller in a zip."""
_MAX_DIRECTORY_BYTES = 16 * 2**20
"""Of the list of parts at the end, which is read at once."""
_END, _END_BYTES, _MAX_COMMENT = b"PK\5\6", 22, 2**16
_END_64, _END_64_BYTES, _LOCATOR, _LOCATOR_BYTES = b"PK\6\6", 56, b"PK\6\7", 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class SentZip:
    """A zip of at most `max_parts` parts. Raises PictureRefused; `damaged`: the words for no zip."""

    def __init__(self, source: BinaryIO, *, max_parts: int, damaged: str) -> None:
        self._damaged = damaged
        try:
            size = source.seek(0, 2)
            if _directory_bytes(source, size) > _MAX_DIRECTORY_BYTES:
                raise self.refused()
            self._zip = zipfile.ZipFile(source)
            parts = self._zip.infolist()
        except _DAMAGED as error:
            raise self.refused() from error
        if len(parts) > max_parts:
            raise PictureRefused(
                f"There are {len(parts):,} files in the archive; at most {max_parts:,} are read.",
                field="file",
            )
        self._parts = {part.filename: part for part in parts}
        if len(self._parts) != len(parts):
            raise self.refused()
        self._left = max(_FREE_BYTES, size * _MAX_RATIO)

    def names(self) -> tuple[str, ...]:
        """Of all parts, in their order."""
        return tuple(self._parts)

    def read(self, name: str, most: int) -> bytes:
        """A part, unpacked. Raises KeyError; PictureRefused for more than `most` bytes."""
        part = self._parts[name]
        self._check(part)
        data = bytearray()
        try:
            with self._zip.open(part) as file:
                while block := file.read(min(_BLOCK, most + 1 - len(data))):
                    data += block
                    self._count(len(block))
        except _DAMAGED as error:
            raise self.refused() from error
        if len(data) > most:
            raise PictureRefused(
                f"“{name[:80]}” in the archive is larger than {most // 2**20} MB.", field="file"
            )
        return bytes(data)

    def refused(self) -> PictureRefused:
        """Words for a zip that is none, or not what it should be."""
        return PictureRefused(self._damaged, field="file")

    def _check(self, part: zipfile.ZipInfo) -> None:
        if part.flag_bits & _ENCRYPTED:
            raise PictureRefused("The archive is locked with a password. Save it without one.", field="file")
        if part.compress_type not in _METHODS:
            raise PictureRefused(
                "The archive is packed in a way that is not read here. Save it as a plain zip (deflate).",
                field="file",
            )

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise PictureRefused(
                "Too much comes out of the archive for its size; it is not read.", field="file"
            )


def _directory_bytes(source: BinaryIO, size: int) -> int:
    """How long the list of parts is said to be, before anybody reads it; 0 where there is none."""
    tail_at = max(0, size - _END_BYTES - _MAX_COMMENT - _LOCATOR_BYTES - _END_64_BYTES)
    source.seek(tail_at)
    tail = source.read()
    places = {tail.rfind(_END), len(tail) - _END_BYTES}
    return max((_said_at(tail, at) for at in places if tail[max(at, 0) :].startswith(_END)), default=0)


def _said_at(tail: bytes, at: int) -> int:
    """The length that the end record at `at` says, or the 64-bit record before it."""
    said = struct.unpack_from("<I", tail, at + 12)[0] if at + 16 <= len(tail) else 0
    before = at - _LOCATOR_BYTES - _END_64_BYTES
    if before >= 0 and tail[at - _LOCATOR_BYTES :].startswith(_LOCATOR) and tail[before:].startswith(_END_64):
        return max(said if said != 2**32 - 1 else 0, struct.unpack_from("<Q", tail, before + 40)[0])
    return said
