"""The texts inside a picture file, by name: PNG chunks, JPEG segments, WebP chunks, EXIF, XMP.

Walks the container itself, bounded in every direction, and never decodes pixels: a damaged or
oversized text is left out and told, the others are still read. Knows no tool's meaning of a text.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from studio.collection.metadata import exif

MAX_TEXT_BYTES = 4 * 2**20
"""Of one text, after it was unpacked."""
MAX_ALL_BYTES = 16 * 2**20
MAX_TEXTS = 256
MAX_PARTS = 200_000
"""Chunks or segments that are looked at; a picture of a gigabyte has some ten thousand."""
_MAX_EXIF = 8
_MAX_RATIO = 1032
"""Of deflate: no text grows more when it is unpacked."""
_PNG = b"\x89PNG\r\n\x1a\n"
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_MARK = b"Exif\0\0"


@dataclass(slots=True)
class Texts:
    """What was found. PNG texts have their keyword as name; others `exif:…`, `xmp`, `comment`."""

    named: dict[str, str] = field(default_factory=dict[str, str])
    faults: list[str] = field(default_factory=list[str])
    _bytes: int = 0
    _parts: int = 0
    _exif: int = 0
    unpacked: int = 0
    """Bytes that came out of packed texts, those left out among them."""

    def add(self, name: str, text: str) -> None:
        """Keep the first text of a name, as long as there is room."""
        size = len(text)
        if len(self.named) >= MAX_TEXTS or self._bytes + size > MAX_ALL_BYTES:
            self.fault("There is more text in the file than is read.")
        elif size > MAX_TEXT_BYTES:
            self.fault(f"“{name[:80]}” is too long to be read.")
        elif name not in self.named:
            self._bytes += size
            self.named[name] = text

    def another_part(self) -> bool:
        """Whether one more part of the file may be looked at."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            self.fault("The file has more parts than are read.")
        return self._parts <= MAX_PARTS

    def another_exif(self) -> bool:
        """Whether one more EXIF block may be read."""
        self._exif += 1
        return self._exif <= _MAX_EXIF

    def fault(self, words: str) -> None:
        """Remember what could not be read, once."""
        if words not in self.faults and len(self.faults) < MAX_TEXTS:
            self.faults.append(words)


def read_texts(data: bytes) -> Texts:
    """All texts of a picture file; never raises for what is in it."""
    found = Texts()
    if data.startswith(_PNG):
        _read_png(data, found)
    elif data.startswith(b"\xff\xd8"):
        _read_jpeg(data, found)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        _read_webp(data, found)
    elif data[4:12] in (b"ftypavif", b"ftypavis"):
        for name, text in exif.of_avif(data):
            found.add(name, text)
    return found


def _read_png(data: bytes, found: Texts) -> None:
    for kind, body in _png_chunks(data, found):
        if kind == b"tEXt":
            keyword, _, text = body.partition(b"\0")
            found.add(_latin(keyword), _decoded(text))
        elif kind == b"zTXt":
            keyword, _, packed = body.partition(b"\0")
            _add_packed(found, keyword, packed[1:])
        elif kind == b"iTXt":
            _add_international(found, body)
        elif kind == b"eXIf":
            _add_exif(found, body)
        elif kind == b"caBX":
            found.add("c2pa", "The file carries content credentials (C2PA). They were not checked.")


def _png_chunks(data: bytes, found: Texts) -> Iterator[tuple[bytes, bytes]]:
    """(type, body) of every chunk but the pixels."""
    at = len(_PNG)
    while at + 8 <= len(data) and found.another_part():
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end > len(data):
            found.fault("The file ends in the middle of a chunk.")
            return
        if kind == b"IEND":
            return
        if kind != b"IDAT":
            if length > MAX_TEXT_BYTES:
                found.fault(f"A chunk “{_latin(kind)}” is too long to be read.")
            else:
                yield kind, data[at + 8 : end]
        at = end + 4


def _add_packed(found: Texts, keyword: bytes, packed: bytes) -> None:
    name = _latin(keyword)
    if found.unpacked >= MAX_ALL_BYTES:
        found.fault("There is more text in the file than is read.")
        return
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error:
        found.unpacked += min(MAX_TEXT_BYTES, len(packed) * _MAX_RATIO)
        found.fault(f"“{name}” is damaged.")
        return
    found.unpacked += len(text)
    if unpacker.unconsumed_tail:
        found.fault(f"“{name}” is too long to be read.")
    else:
        found.add(name, _decoded(text))


def _add_international(found: Texts, body: bytes) -> None:
    keyword, _, tail = body.partition(b"\0")
    if len(tail) < 2:
        found.fault(f"“{_latin(keyword)}” is damaged.")
        return
    packed = tail[0] == 1
    text = tail[2:].partition(b"\0")[2].partition(b"\0")[2]
    if keyword == b"XML:com.adobe.xmp":
        keyword = b"xmp"
    if packed:
        _add_packed(found, keyword, text)
    else:
        found.add(_latin(keyword), text.decode("utf-8", "replace"))


def _read_jpeg(data: bytes, found: Texts) -> None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and found.another_part():
        while at + 4 < len(data) and data[at + 1] == 0xFF:  # fill bytes
            at += 1
            if not found.another_part():
                return
        marker, length = struct.unpack_from(">BH", data, at + 1)
        if marker == 0xDA or 0xD0 <= marker <= 0xD9 or length < 2:
            return
        _add_segment(found, marker, data[at + 4 : at + 2 + length])
        at += 2 + length


def _add_segment(found: Texts, marker: int, body: bytes) -> None:
    if marker == 0xE1 and body.startswith(_EXIF_MARK):
        _add_exif(found, body)
    elif marker == 0xE1 and body.startswith(_XMP_MARK):
        found.add("xmp", body[len(_XMP_MARK) :].decode("utf-8", "replace"))
    elif marker == 0xFE:
        found.add("comment", _decoded(body))
    elif marker == 0xEB and b"c2pa" in body[:64]:
        found.add("c2pa", "The file carries content credentials (C2PA). They were not checked.")


def _read_webp(data: bytes, found: Texts) -> None:
    at = 12
    while at + 8 <= len(data) and found.another_part():
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + min(length, MAX_TEXT_BYTES)]
        if kind == b"EXIF":
            _add_exif(found, body)
        elif kind == b"XMP ":
            found.add("xmp", body.decode("utf-8", "replace"))
        at += 8 + length + length % 2


def _add_exif(found: Texts, body: bytes) -> None:
    if not found.another_exif():
        return
    named = exif.texts(body.removeprefix(_EXIF_MARK))
    if named is None:
        found.fault("The EXIF of the file is damaged.")
    for name, text in (named or {}).items():
        found.add(name, text)


def _decoded(text: bytes) -> str:
    """PNG says Latin-1, many tools write UTF-8."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _latin(keyword: bytes) -> str:
    return keyword[:79].decode("latin-1")
