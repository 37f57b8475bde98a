"""The text beside a picture: found, read only where it really lies there, and decoded as it was written.

A link may point anywhere, at secrets of this machine too: what a link leads out to is named, never read.
Knows no formats; `metadata.sidecar` understands the text.
"""

from __future__ import annotations

import codecs
import contextlib
import locale
from pathlib import Path

from studio.collection.metadata import sidecar
from studio.collection.metadata.reading import Sidecar

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = "cp1252"
"""What Windows wrote in most of the world before UTF-8."""


def find(picture: Path, inside: Path | None = None) -> tuple[Sidecar | None, Path | None]:
    """(what the best sidecar says, a link that was passed by because it leads elsewhere).

    A sidecar must lie in the picture's own folder or, where one is given, `inside` that folder.
    """
    led_out = None
    for candidate in sidecar.beside(picture):
        try:
            if not candidate.is_file():
                continue
            real = candidate.resolve(strict=True)
            if not _belongs(real, picture, inside):
                led_out = led_out or candidate
            elif (data := _read(real)) is not None:
                return Sidecar(candidate.name, decoded(data)), led_out
        except (OSError, RuntimeError):  # as good as none; RuntimeError: a link that turns in a circle
            continue
    return None, led_out


def decoded(data: bytes) -> str:
    """The text of a file that does not say how it was encoded, or says it with a byte order mark."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    for name in (*_unmarked_utf16(data), "utf-8"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(name)
    if text := _damaged_utf8(data):
        return text
    for name in (locale.getencoding(), _WESTERN):
        with contextlib.suppress(UnicodeDecodeError, LookupError):
            return data.decode(name)
    return data.decode(_WESTERN, "replace")


def _damaged_utf8(data: bytes) -> str | None:
    """UTF-8 in which a byte is wrong, or the last letter is cut; in other encodings most of them would be."""
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    return text if lost <= sum(letter > "\x7f" for letter in text) - lost else None


def _unmarked_utf16(data: bytes) -> tuple[str, ...]:
    """UTF-16 without its mark: every other byte of most texts is NUL, which no other text holds."""
    if len(data) % 2 or b"\0" not in data:
        return ()
    half = len(data) // 4
    if data[1::2].count(0) > half:
        return ("utf-16-le",)
    return ("utf-16-be",) if data[0::2].count(0) > half else ()


def _belongs(real: Path, picture: Path, inside: Path | None) -> bool:
    own = real.parent == picture.parent.resolve()
    return own or (inside is not None and real.is_relative_to(inside.resolve()))


def _read(path: Path) -> bytes | None:
    """None for more than a text of settings can be."""
    with path.open("rb") as file:
        data = file.read(sidecar.MAX_BYTES + 1)
    return data if len(data) <= sidecar.MAX_BYTES else None
