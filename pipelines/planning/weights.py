"""Words that count more or less, `(red hair:1.4)`, `(red)`, `[hat]`, and `BREAK`, as AUTOMATIC1111's web UI
means them.

Round brackets multiply by 1.1 or by the number at their end, square ones divide by 1.1, and both nest. BREAK
begins another chunk of the encoder's length. Brackets that do not close are plain words, and so is one after
a backslash, which is left out then. Pure text; how an encoder weighs is `pipelines.running.weighing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from pipelines.errors import RequestError

HEAVIEST = 4.0
_STEP = 1.1
_CLOSES = {")": "(", "]": "["}
_ESCAPABLE = ("\\", "(", ")", "[", "]")
_WEIGHT = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$")
_BREAK = re.compile(r"(?<!\S)BREAK(?!\S)")
_BREAK_APART = re.compile(r"(?:\s+|^)BREAK(?:\s+|$)")
_SCHEDULE = re.compile(r"[|]|:\s*[\d.]+\s*$")
"""What makes of square brackets something else there: words that change or take turns over the steps."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Words and how much they count: 1 is as usual."""

    text: str
    weight: float = 1.0


Chunk = tuple[Fragment, ...]


def chunks(text: str) -> tuple[Chunk, ...]:
    """Fragments, neighbours of equal weight as one, in chunks parted by BREAK; at least one chunk.

    Raises RequestError for a weight that is not between 0 and HEAVIEST.
    """
    parts = [_merged(part) for part in _parted(_WeightReader(text).fragments())]
    full = tuple(part for part in parts if any(fragment.text.strip() for fragment in part))
    return full or ((Fragment(text if text.isspace() else ""),),)


def weighs(text: str) -> bool:
    """Whether any of it means more than its words."""
    found = chunks(text)
    return len(found) > 1 or any(fragment.weight != 1 for chunk in found for fragment in chunk)


def words(text: str) -> str:
    """All words, without any mark that has been taken for what it means."""
    return " ".join(fragment.text for chunk in chunks(text) for fragment in chunk)


def unweighed(text: str) -> str:
    """The words alone, for a model that cannot weigh them: brackets without a number are left to it."""
    marks = _WeightReader(text).marks
    numbered = {start: mark for start, mark in marks.items() if mark.words_end != mark.close}
    gone = {*numbered, *(at for mark in numbered.values() for at in range(mark.words_end, mark.close + 1))}
    kept = "".join(sign for at, sign in enumerate(text) if at not in gone) if gone else text
    return _BREAK_APART.sub(" ", kept)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a pair of brackets does to its words, where these end, and where the pair closes."""

    factor: float
    words_end: int
    close: int


class _WeightReader:
    """`marks`: the brackets that close, by where they open."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.marks = dict(self._brackets())

    def fragments(self) -> Iterator[Fragment]:
        """In order. A stack instead of recursion, since brackets nest as deep as a prompt is long."""
        length = len(self._text)
        ends: list[tuple[int, int, float]] = [(length, length, 1.0)]
        at = begin = 0
        while True:
            stop, after, weight = ends[-1]
            if at >= stop:
                yield Fragment(_plain(self._text[begin:stop]), weight)
                ends.pop()
                if not ends:
                    return
                at = begin = after
            elif at in self.marks:
                yield Fragment(_plain(self._text[begin:at]), weight)
                mark = self.marks[at]
                heavier = _bounded(weight * mark.factor, self._text[at : mark.close + 1])
                ends.append((mark.words_end, mark.close + 1, heavier))
                at = begin = at + 1
            else:
                at += 2 if _escaped(self._text, at) else 1

    def _brackets(self) -> Iterator[tuple[int, _Mark]]:
        opened: list[int] = []
        at = 0
        while at < len(self._text):
            sign = self._text[at]
            if sign in "([":
                opened.append(at)
            elif sign in _CLOSES:
                start = _opening(self._text, opened, _CLOSES[sign])
                meant = None if start is None else self._meant(start, at)
                if start is not None and meant is not None:
                    yield start, meant
            at += 2 if _escaped(self._text, at) else 1

    def _meant(self, start: int, close: int) -> _Mark | None:
        """None where the pair means something else."""
        inside = self._text[start + 1 : close]
        if self._text[start] == "[":
            return None if _SCHEDULE.search(inside) else _Mark(1 / _STEP, close, close)
        number = _WEIGHT.search(inside[-24:])
        if number is None:
            return _Mark(_STEP, close, close)
        return _Mark(float(number[1]), close - len(number[0]), close)


def _opening(text: str, opened: list[int], sign: str) -> int | None:
    """Take the last bracket of this kind from those that are open, with what was opened inside of it."""
    for index in range(len(opened) - 1, -1, -1):
        if text[opened[index]] == sign:
            start = opened[index]
            del opened[index:]
            return start
    return None


def _bounded(weight: float, written: str) -> float:
    if not 0 <= weight <= HEAVIEST:
        shown = written if len(written) <= 40 else f"{written[:39]}…"
        raise RequestError(
            f"Words may count from 0 to {HEAVIEST:g} times, and “{shown}” comes to {weight:g}. "
            "Use a number near 1.",
            field="prompt",
        )
    return weight


def _parted(fragments: Iterator[Fragment]) -> Iterator[list[Fragment]]:
    chunk: list[Fragment] = []
    for fragment in fragments:
        first, *others = _BREAK.split(fragment.text)
        chunk.append(Fragment(first, fragment.weight))
        for other in others:
            yield chunk
            chunk = [Fragment(other, fragment.weight)]
    yield chunk


def _merged(fragments: list[Fragment]) -> Chunk:
    full = [fragment for fragment in fragments if fragment.text]
    runs = groupby(full, key=lambda fragment: fragment.weight)
    return tuple(Fragment("".join(each.text for each in run), weight) for weight, run in runs) or (
        Fragment(""),
    )


def _plain(text: str) -> str:
    return re.sub(r"\\([\\()\[\]])", r"\1", text)


def _escaped(text: str, at: int) -> bool:
    return text[at] == "\\" and text[at + 1 : at + 2] in _ESCAPABLE
