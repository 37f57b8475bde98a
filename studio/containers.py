"""Picture files as containers: everything that is not picture can be taken out, the pixels stay as they are.

Works on bytes alone and decodes no pixels. Knows no metadata, only where it may lie. Of files that hold
several pictures the first is kept, and nothing that follows its end.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

PNG_MARK = b"\x89PNG\r\n\x1a\n"
_PNG_CRITICAL = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))
_PNG_SIZES = {
    b"gAMA": range(4, 5),
    b"cHRM": range(32, 33),
    b"sRGB": range(1, 2),
    b"cICP": range(4, 5),
    b"pHYs": range(9, 10),
    b"sBIT": range(1, 5),
    b"tRNS": range(1, 257),
    b"iCCP": range(1, 2**24),
}
"""What else shows in a PNG's picture, and how many bytes it may have."""
_RENDERING_INTENTS = 4
_HEAD_BYTES = 13
_PALETTE = 3
_CHANNELS = {0: 1, 2: 3, _PALETTE: 1, 4: 2, 6: 4}
"""By the colour type of a PNG."""
_KEY_BYTES = {0: 2, 2: 6}
"""Of the one colour that is transparent, by colour type."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Where each pass of an interlaced PNG begins, and its steps: left, top, across, down."""
_BLOCK = 2**20
_MAX_PROFILE = 16 * 2**20
_MAX_NAME = 80
"""Bytes of a profile's name: one more than PNG allows, as browsers have it."""

_BMP_HEAD, _BMP_V5 = 14, 124
_BMP_SPACE, _BMP_EMBEDDED = slice(_BMP_HEAD + 56, _BMP_HEAD + 60), b"DEBM"
_BMP_PROFILE = _BMP_HEAD + 112
"""Where a BITMAPV5HEADER says that a profile is embedded, and where that begins and how long it is."""

_WEBP_PICTURE = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"))
_WEBP_COMPRESSED = (b"VP8 ", b"VP8L", b"ALPH")
_WEBP_LESS, _WEBP_AHEAD = 12, 8
_VP8X_METADATA = 0x08 | 0x04
_VP8X_ANIMATION = 0x02
_VP8X_BODY = 10

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_APP0, _APP2, _APP14 = 0xE0, 0xE2, 0xEE
_RESTARTS = range(0xD0, 0xD8)
_JPEG_TOLD = frozenset((*range(0xE0, 0xF0), *range(0xF0, 0xFF)))
"""Application segments, extensions and comments: dropped but for the few that change what is seen."""
_SCAN_END = re.compile(rb"\xff+(?=[^\xff\x00\xd0-\xd7])")
_PROFILE_MARK = b"ICC_PROFILE\0"
_PROFILE_PIECE = 0xFFFF - 2 - len(_PROFILE_MARK) - 2
_JFIF_BODY, _ADOBE_BODY = 14, 12
"""Bytes of what is needed; a JFIF segment may go on with a small copy of the picture."""


def essential_png(data: bytes) -> bytes:
    """The sound chunks that make the picture, as far as the file goes; other data as it is."""
    if not data.startswith(PNG_MARK):
        return data
    return PNG_MARK + b"".join(chunk for kind, chunk in png_chunks(data) if _shows(kind, chunk))


def bare_png(data: bytes) -> bytes | None:
    """As `essential_png`, and nothing else: each chunk once, as long as it must be, without names.

    None where the pixels' own data hold more than the pixels.
    """
    parts: dict[bytes, bytes] = {}
    packed: list[bytes] = []
    for kind, chunk in png_chunks(data):
        if kind == b"IDAT":
            packed.append(chunk[8:-4])
        elif kind != b"IEND" and kind not in parts and _shows(kind, chunk):
            parts[kind] = chunk
    head = parts.get(b"IHDR", b"")[8:-4]
    stream = _one_stream(b"".join(packed), _size_of_rows(head)) if len(head) == _HEAD_BYTES else None
    if stream is None:
        return None
    kept = (_bare_chunk(kind, chunk, head[9]) for kind, chunk in parts.items())
    return b"".join((PNG_MARK, *kept, png_chunk(b"IDAT", stream), png_chunk(b"IEND", b"")))


def _bare_chunk(kind: bytes, chunk: bytes, colour_type: int) -> bytes:
    """What of it is seen; nothing of a palette that the picture does not use."""
    body = chunk[8:-4]
    if kind == b"iCCP":
        profile = sound_profile(png_profile(body) or b"")
        return png_chunk(kind, b"ICC\0\0" + zlib.compress(profile, 9)) if profile else b""
    if kind == b"PLTE" and colour_type != _PALETTE:
        return b""
    if kind == b"tRNS":
        return png_chunk(kind, body[: _KEY_BYTES.get(colour_type, len(body))])
    return chunk


def _size_of_rows(head: bytes) -> int:
    """Bytes of all rows of a PNG before they are packed, by its IHDR."""
    width, height, depth, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", head)
    bits = depth * _CHANNELS.get(colour_type, 4)
    passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
    return sum(
        rows * (1 + (columns * bits + 7) // 8)
        for left, top, across, down in passes
        if (columns := -(-(width - left) // across)) > 0 and (rows := -(-(height - top) // down)) > 0
    )


def sound_profile(profile: bytes) -> bytes | None:
    """An ICC profile up to its own end; None for what is none, which nobody follows."""
    size = int.from_bytes(profile[:4], "big")
    return profile[:size] if profile[36:40] == b"acsp" and 128 <= size <= len(profile) else None


def png_colours(file: BinaryIO) -> dict[bytes, bytes]:
    """Bodies of the sound chunks that say what colour values mean, by type; of several the first counts.

    Leaves the file where it was. Reads no further than the pixels.
    """
    start, found, behind_palette = file.tell(), dict[bytes, bytes](), False
    file.seek(len(PNG_MARK), io.SEEK_CUR)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"IDAT", b"IEND"):
            break
        if length in _PNG_SIZES.get(kind, ()):
            chunk = head + file.read(length + 4)
            if _shows(kind, chunk) and not (kind == b"cICP" and behind_palette):
                found.setdefault(kind, chunk[8:-4])
        else:
            behind_palette |= kind == b"PLTE"
            file.seek(length + 4, io.SEEK_CUR)
    file.seek(start)
    return found


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A whole chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, whole chunk) of a PNG; the last one may be cut short."""
    at = len(PNG_MARK)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def _shows(kind: bytes, chunk: bytes) -> bool:
    """It is part of the picture. What only colours it must be sound: browsers pass by what is not."""
    if kind in _PNG_CRITICAL:
        return True
    body = chunk[8:-4]
    if len(body) not in _PNG_SIZES.get(kind, ()) or chunk != png_chunk(kind, body):
        return False
    if kind == b"sRGB":
        return body[0] < _RENDERING_INTENTS
    return kind != b"iCCP" or png_profile(body) is not None


def png_profile(body: bytes) -> bytes | None:
    """The ICC profile in the body of an iCCP chunk; None where it is damaged, or not as PNG has it."""
    name, _, packed = body.partition(b"\0")
    if not 0 < len(name) <= _MAX_NAME or packed[:1] != b"\0":
        return None
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], _MAX_PROFILE)
    except zlib.error:
        return None
    return profile if unpacker.eof and profile else None


def bmp_profile(file: BinaryIO) -> bytes | None:
    """The ICC profile that lies in a BMP; None where there is none, or not all of it."""
    file.seek(0)
    head = file.read(_BMP_HEAD + _BMP_V5)
    if len(head) < _BMP_HEAD + _BMP_V5 or head[_BMP_SPACE] != _BMP_EMBEDDED:
        return None
    if int.from_bytes(head[_BMP_HEAD : _BMP_HEAD + 4], "little") < _BMP_V5:
        return None
    start, size = struct.unpack_from("<II", head, _BMP_PROFILE)
    if size > _MAX_PROFILE:
        return None
    file.seek(_BMP_HEAD + start)
    return sound_profile(file.read(size))


def _one_stream(packed: bytes, most: int) -> bytes | None:
    """zlib data up to its own end; as it is where it is damaged, None where more than `most` comes out."""
    unpacker = zlib.decompressobj()
    rest, size = packed, 0
    try:
        while rest and not unpacker.eof:
            size += len(unpacker.decompress(rest, _BLOCK))
            rest = unpacker.unconsumed_tail
            if size > most:
                return None
    except zlib.error:
        return None
    return packed[: len(packed) - len(unpacker.unused_data)]


def essential_jpeg(data: bytes) -> bytes | None:
    """The first picture of a JPEG without EXIF, XMP, IPTC, comments and small copies of itself.

    What follows it (a second picture, a gain map, a video, whatever a camera appends) is left out. None where
    the picture has no end of its own: what follows could not be told from it.
    """
    kept = [data[:2]]
    profiles: list[bytes] = []
    for marker, segment in _jpeg_parts(data):
        if marker == _EOI:
            kept.insert(1, _profile_segments(profiles))
            return b"".join((*kept, segment))
        if marker == _APP2 and segment[4:].startswith(_PROFILE_MARK):
            profiles.append(segment[4 + len(_PROFILE_MARK) :])
        else:
            kept.append(_shown_segment(marker, segment) if marker in _JPEG_TOLD else segment)
    return None


def _profile_segments(parts: list[bytes]) -> bytes:
    """The profile that is written in parts, each behind its number and their number; without surplus."""
    profile = sound_profile(b"".join(part[2:] for part in sorted(parts))) or b""
    pieces = [profile[at : at + _PROFILE_PIECE] for at in range(0, len(profile), _PROFILE_PIECE)]
    return b"".join(
        _segment(_APP2, _PROFILE_MARK + bytes((number, len(pieces))) + piece)
        for number, piece in enumerate(pieces[:255], start=1)
    )


def _jpeg_parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, whole segment), and each scan's data as marker 0, up to the end of the first picture.

    Where there is such an end, it comes last.
    """
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (_EOI, _SOI):
            yield _EOI, bytes((0xFF, _EOI))
            return
        if marker == 0xFF:
            at += 1
        elif marker in (0, _TEM) or marker in _RESTARTS or length < 2:
            at += 2
        else:
            yield marker, data[at : at + 2 + length]
            at += 2 + length
            if marker == _SOS:
                end = _SCAN_END.search(data, at)
                yield 0, data[at : end.end() - 1 if end else len(data)]
                at = end.end() - 1 if end else len(data)


def _shown_segment(marker: int, segment: bytes) -> bytes:
    """What of an application segment changes how the picture looks: density, Adobe's flag."""
    body = segment[4:]
    if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= _JFIF_BODY:
        return _segment(marker, body[: _JFIF_BODY - 2] + b"\0\0")
    if marker == _APP14 and body.startswith(b"Adobe") and len(body) >= _ADOBE_BODY:
        return _segment(marker, body[:_ADOBE_BODY])
    return b""


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def essential_webp(data: bytes) -> bytes | None:
    """Without EXIF and XMP; None for an animation, which is more than a picture."""
    parts: dict[bytes, bytes] = {}
    for kind, body in _webp_chunks(data):
        if kind == b"VP8X" and body:
            if body[0] & _VP8X_ANIMATION:
                return None
            body = bytes([body[0] & ~_VP8X_METADATA]) + body[1:_VP8X_BODY]
        if kind == b"ICCP":
            body = sound_profile(body) or b""
        if kind in _WEBP_PICTURE:
            parts.setdefault(kind, body)
    return _webp(parts.items())


def shorter_webps(data: bytes) -> Iterator[bytes]:
    """Files with a little less of what the picture is compressed to.

    One that shows the same picture tells that something follows the picture inside its own chunk, where only
    decoding tells the end.
    """
    parts = list(_webp_chunks(data))
    for index, (kind, body) in enumerate(parts):
        if kind in _WEBP_COMPRESSED and len(body) > _WEBP_LESS:
            # decoders read some bytes ahead
            shorter = body[:-_WEBP_LESS] + bytes(_WEBP_AHEAD)
            yield _webp([*parts[:index], (kind, shorter), *parts[index + 1 :]])


def _webp(parts: Iterable[tuple[bytes, bytes]]) -> bytes:
    content = b"WEBP" + b"".join(
        struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2) for kind, body in parts
    )
    return struct.pack("<4sI", b"RIFF", len(content)) + content


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, body), as far as the file says that it goes."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : min(end, at + 8 + length)]
        at += 8 + length + length % 2
