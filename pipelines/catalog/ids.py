"""Ids of what lies in the models folder: from its path alone, so that no other file ever takes one over.

A record of a picture names its LoRAs by these ids for ever.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePath

_MOST = 56
_HASH = 8


def file_id(inside: PurePath) -> str:
    """A path inside the models folder as an id of [a-z0-9._-], 56 characters at most.

    'ink.safetensors' → 'ink'. Where the word does not give the path back ('Styles/My Ink.safetensors', '猫',
    very long names), a hash of the path follows it: 'styles-my-ink-1c5d0b6e'.
    """
    text, word = _text(inside), earlier_id(inside)
    if word == text and not re.search(rf"-[0-9a-f]{{{_HASH}}}$", word):
        return word
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{word[: _MOST - _HASH - 1].rstrip('-._')}-{digest}"


def earlier_id(inside: PurePath) -> str:
    """The id that records of earlier versions name; several files may have had the same."""
    word = re.sub(r"[^a-z0-9._]+", "-", _text(inside).lower()).strip("-._")[:_MOST]
    return word or "unnamed"


def _text(inside: PurePath) -> str:
    """The path without its ending, in one way of writing accents on all systems."""
    text = inside.as_posix()
    text = text[: -len(inside.suffix)] if inside.suffix.lower() == ".safetensors" else text
    return unicodedata.normalize("NFC", text)


def readable(text: str) -> str:
    """A file's name for people and for JSON: bytes that are no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
