"""Names of files that go out: as the artist called the picture, and safe on every system.

Knows Windows' rules, which are the strictest: reserved names, no dot at the end, no matter of case.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from studio.decoding import KINDS

_ENDINGS = {mime: extension for extension, mime in KINDS.values()}
_KNOWN_ENDING = re.compile(r"\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|avif|zip|json|txt)$", re.IGNORECASE)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
MAX_STEM = 60
"""Characters."""
_MAX_BYTES = 200
"""Of them in UTF-8: with what is added, still less than the 255 of most systems, whatever the script."""


def ending(mime: str) -> str:
    """What the name of a picture of this type ends with, without the dot."""
    return _ENDINGS.get(mime, "bin")


def stem(words: str, otherwise: str) -> str:
    """Letters, digits and single dots of `words`, `-` for all else; `otherwise` where nothing is left.

    An ending that names a format goes: the right one is added later.
    """
    named = unicodedata.normalize("NFC", _KNOWN_ENDING.sub("", words.strip()))
    kept = "".join(c if _stays(c) else " " for c in named)
    joined = re.sub(r"[\s-]+|\.(?!\w)|(?<!\w)\.", "-", kept)
    plain = re.sub(r"-{2,}", "-", joined)[:MAX_STEM]
    plain = plain.encode()[:_MAX_BYTES].decode(errors="ignore").strip("-._")
    if not any(c.isalnum() for c in plain):
        return otherwise
    return allowed(plain)


def allowed(stem: str) -> str:
    """The stem, changed where Windows keeps the name for itself, whatever its ending."""
    return f"_{stem}" if _RESERVED.match(stem) else stem


def picture(called: str, sha256: str, mime: str) -> str:
    """A picture's file name: what it is called, part of its hash, which sets it apart, and its ending."""
    return f"{stem(called, 'picture')}-{sha256[:8]}.{ending(mime)}"


def attachment(name: str) -> str:
    """The Content-Disposition with which a browser saves a file under `name` (RFC 6266)."""
    plain = quote(name)
    return f'attachment; filename="{name}"' if plain == name else f"attachment; filename*=utf-8''{plain}"


def _stays(character: str) -> bool:
    """Letters, digits, and the marks without which some scripts fall apart."""
    return character.isalnum() or character in "._" or unicodedata.category(character).startswith("M")
