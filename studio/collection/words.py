"""What of a text the full-text index holds, and how a search is put to it.

Scripts that put spaces between words are searched by the beginnings of words. Chinese, Japanese, Korean, Thai
and their like are not: of each run of letters every pair of neighbours is indexed as if it were a word, and
beside them every single sign, so that any part of a run is found, however short. Both sides go through here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

_UNSPACED = (
    "\u0e00-\u109f"  # Thai, Lao, Tibetan, Burmese
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Korean
    "\u1780-\u17ff\u1a00-\u1aaf\u1b00-\u1b7f"  # Khmer, Buginese, Tai Tham, Balinese
    "\u3005-\u3007\u3031-\u3035\u3040-\u30fa\u30fc-\u31ff"  # Japanese, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters …
    "\ua980-\ua9df\uaa60-\uaadf"  # Javanese, more Burmese, Tai Viet
    "\U00020000-\U0003ffff"  # … and the rarer ones
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_SIGNS = "signs"
"""The column of single signs."""


def indexed(text: str) -> str:
    """A text as its column of the index holds it."""
    return text if text.isascii() else _RUN.sub(lambda run: f" {_pairs(run[0])} ", _plain(text))


def signs(*texts: str) -> str:
    """The single signs of runs, once each, for the column `signs`."""
    found = {
        sign for text in texts if not text.isascii() for run in _RUN.findall(_plain(text)) for sign in run
    }
    return " ".join(sorted(found))


def match(query: str) -> str | None:
    """The search in FTS5's language: all of it must be found; None where it holds no letter or digit."""
    return " ".join(_terms(_plain(query))) or None


def _terms(query: str) -> Iterator[str]:
    at = 0
    for run in _RUN.finditer(query):
        yield from (f'"{word}"*' for word in _words(query[at : run.start()]))
        yield f'"{_pairs(run[0])}"' if len(run[0]) > 1 else f'{_SIGNS} : "{run[0]}"'
        at = run.end()
    yield from (f'"{word}"*' for word in _words(query[at:]))


def _plain(text: str) -> str:
    """Letters in parts, as in file names of macOS, and wide or narrow ones become the usual ones."""
    return unicodedata.normalize("NFKC", text)


def _pairs(run: str) -> str:
    return " ".join(f"{one}{next_}" for one, next_ in pairwise(run))


def _words(text: str) -> list[str]:
    """As the index splits them: letters, digits and the marks on them."""
    return "".join(sign if _belongs(sign) else " " for sign in text).split()


def _belongs(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LNM"
