"""Whether a text was taken for a Western one and is none: other encodings, read as Windows-1252.

Bytes alone do not say which encoding they are in, so none is guessed; it is only told that this one is wrong.
"""

from __future__ import annotations

import itertools
import re

LOST = "\ufffd"
_BETWEEN = frozenset("“”‘’„‹›«»…–—•·°˜ˆ™€†‡‰¿¡\u00a0")  # noqa: RUF001 - as they stand there
"""Signs above ASCII that stand beside one another in Western texts, and say nothing."""
_NO_LETTERS = frozenset("ªºµ")
_KATAKANA = re.compile("ƒ[@-~]")
"""Half of a letter of Shift-JIS is often an ASCII sign; an f-stop ("ƒ/2.8") is not meant."""
_LONGEST = 3
"""Letters above ASCII in a row: Icelandic has words with so many."""
_FEWEST = 6
"""Letters of a text whose share is worth something: “été” has more above ASCII than below."""


def is_misread(text: str) -> bool:
    """Read as Windows-1252, or as Latin-1, and of letters that no Western language puts like that."""
    if text.isascii() or not all(map(_may_be_western, text)):
        return False
    if any("\x80" <= sign < "\xa0" for sign in text):  # controls that only Latin-1 makes of such bytes
        return True
    if len(_KATAKANA.findall(text)) > 1:
        return True
    high = sum(map(_is_letter, text))
    letters = high + sum(sign.isascii() and sign.isalpha() for sign in text)
    return any(map(_is_strange, _runs(text))) or (letters >= _FEWEST and 3 * high > 2 * letters)


def _may_be_western(sign: str) -> bool:
    if sign < "\xa0" or sign == LOST:
        return True
    try:
        sign.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _runs(text: str) -> list[str]:
    """Of what is above ASCII, and not `_BETWEEN`."""
    groups = itertools.groupby(text, lambda sign: sign >= "\x80" and sign not in _BETWEEN)
    return ["".join(run) for above, run in groups if above]


def _is_letter(sign: str) -> bool:
    return sign == LOST or (sign >= "\x80" and sign.isalpha() and sign not in _NO_LETTERS)


def _is_strange(run: str) -> bool:
    """Longer than any of a Western word, and no line of one sign; or with other signs amid its letters."""
    letters = len({sign for sign in run if _is_letter(sign)})
    others = len({sign for sign in run if not _is_letter(sign)})
    return (len(run) > _LONGEST and letters > 1) or (letters > 0 and others > 1)
