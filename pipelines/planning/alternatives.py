"""Prompts that leave something open: `{red|blue} hair` and `__lists__` of the wildcards folder.

`draw` closes them by a seed: the same seed draws the same words on every machine and with every Python.
`every` counts and lists all there is. Braces without a bar or without an end, and bars outside of braces, are
plain words, and so is any mark after a backslash, which then is left out. Pure: who calls it reads the lists.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import mul
from typing import TypeAlias

from pipelines.errors import RequestError

Lists: TypeAlias = Callable[[str], tuple[str, ...]]
"""The lines of a list by its name. Raises RequestError where there is none."""


def no_lists(name: str) -> tuple[str, ...]:
    """Where there is no folder of lists. Raises RequestError."""
    raise RequestError(f"There is no list “{name}” here.", field="prompt")


DEEPEST = 12
"""Lists that name lists, and braces inside of braces."""
MOST_MARKS = 400
_NAME = re.compile(r"(?<!\w)__([\w-]+(?:[/.][\w-]+)*)__(?!\w)")
_ESCAPABLE = ("\\", "{", "|", "}", "_")


@dataclass(frozen=True, slots=True)
class PlainText:
    """Plain text, as written."""

    written: str

    @property
    def text(self) -> str:
        """Without the backslashes that make plain words of marks."""
        return re.sub(r"\\([\\{|}_])", r"\1", self.written)


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of these: `{a|b}`."""

    options: tuple[Prompt, ...]

    @property
    def written(self) -> str:
        """As the artist wrote it."""
        return "{" + "|".join(map(written, self.options)) + "}"


@dataclass(frozen=True, slots=True)
class FromList:
    """One line of a list: `__hair__`."""

    name: str

    @property
    def written(self) -> str:
        """As the artist wrote it."""
        return f"__{self.name}__"


Part: TypeAlias = PlainText | Alternatives | FromList
Prompt: TypeAlias = tuple[Part, ...]


def read(text: str) -> Prompt:
    """The parts of a prompt. `written` of it is `text` again, whatever stands in it."""
    return _ChoiceReader(text).prompt(0, len(text))


def written(prompt: Prompt) -> str:
    """The prompt as the artist wrote it."""
    return "".join(part.written for part in prompt)


def is_open(text: str) -> bool:
    """Whether something is left to be drawn."""
    return any(not isinstance(part, PlainText) for part in read(text))


def draw(text: str, seed: int, lists: Lists) -> str:
    """The prompt with every choice made by `seed`. A text without marks comes back as it is.

    Raises RequestError for a list that is not there or contains itself, whichever choice would reach it, and
    for more marks than MOST_MARKS.
    """
    prompt = read(text)
    if all(isinstance(part, PlainText) for part in prompt):
        return text
    _check(prompt, lists, (), set())
    return _Draw(seed, lists).of(prompt, ())


def every(text: str, lists: Lists, most: int) -> tuple[str, ...]:
    """All prompts that `draw` could make of this one, in the order written, each once.

    Raises RequestError where there are more than `most`, before they are made, and as `draw` does.
    """
    prompt = read(text)
    if all(isinstance(part, PlainText) for part in prompt):
        return (text,)
    number = _Count(lists).of(prompt)
    if number > most:
        raise RequestError(
            f"This prompt stands for {number:,} prompts; {most:,} are the most. Take some choices out.",
            field="prompt",
        )
    return tuple(dict.fromkeys(_all(prompt, lists, ())))


class _Draw:
    """Choices by one seed: the n-th depends on seed and n alone."""

    def __init__(self, seed: int, lists: Lists) -> None:
        self._seed = seed
        self._lists = lists
        self._drawn = 0

    def of(self, prompt: Prompt, inside: tuple[str, ...]) -> str:
        return "".join(self._part(part, inside) for part in prompt)

    def _part(self, part: Part, inside: tuple[str, ...]) -> str:
        match part:
            case PlainText():
                return part.text
            case Alternatives(options):
                return self.of(options[self._index(len(options))], inside)
            case FromList(name):
                lines = _lines(name, self._lists, inside)
                return self.of(read(lines[self._index(len(lines))]), (*inside, name))

    def _index(self, length: int) -> int:
        self._drawn += 1
        if self._drawn > MOST_MARKS:
            raise _too_many()
        digest = hashlib.sha256(f"{self._seed}/{self._drawn}".encode()).digest()
        return int.from_bytes(digest[:8]) % length


class _Count:
    """How many prompts a prompt stands for; each list is counted once, however often it is named."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._known: dict[str, int] = {}

    def of(self, prompt: Prompt, inside: tuple[str, ...] = ()) -> int:
        return reduce(mul, (self._part(part, inside) for part in prompt), 1)

    def _part(self, part: Part, inside: tuple[str, ...]) -> int:
        match part:
            case PlainText():
                return 1
            case Alternatives(options):
                return sum(self.of(option, inside) for option in options)
            case FromList(name):
                if name not in self._known:
                    lines = _lines(name, self._lists, inside)
                    self._known[name] = sum(self.of(read(line), (*inside, name)) for line in lines)
                return self._known[name]


def _all(prompt: Prompt, lists: Lists, inside: tuple[str, ...]) -> Iterator[str]:
    for texts in product(*(tuple(_texts(part, lists, inside)) for part in prompt)):
        yield "".join(texts)


def _texts(part: Part, lists: Lists, inside: tuple[str, ...]) -> Iterator[str]:
    match part:
        case PlainText():
            yield part.text
        case Alternatives(options):
            for option in options:
                yield from _all(option, lists, inside)
        case FromList(name):
            for line in _lines(name, lists, inside):
                yield from _all(read(line), lists, (*inside, name))


def _check(prompt: Prompt, lists: Lists, inside: tuple[str, ...], known: set[str]) -> None:
    """Ask for every list that could be drawn from, so that no seed decides whether a prompt is a good one."""
    for part in prompt:
        match part:
            case PlainText():
                pass
            case Alternatives(options):
                for option in options:
                    _check(option, lists, inside, known)
            case FromList(name):
                if name in known:
                    continue
                for line in _lines(name, lists, inside):
                    if "__" in line:
                        _check(read(line), lists, (*inside, name), known)
                known.add(name)


def _lines(name: str, lists: Lists, inside: tuple[str, ...]) -> tuple[str, ...]:
    if name in inside:
        chain = " → ".join((*inside[inside.index(name) :], name))
        raise RequestError(
            f"The list “{name}” contains itself ({chain}). Take it out of that file.", field="prompt"
        )
    if len(inside) >= DEEPEST:
        raise RequestError(
            f"Lists may name lists {DEEPEST} deep; “{inside[0]}” goes deeper. Put them together.",
            field="prompt",
        )
    return lists(name)


def _too_many() -> RequestError:
    return RequestError(f"This prompt has more than {MOST_MARKS} choices. Take some out.", field="prompt")


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Braces:
    """Where a choice ends, and the bars between its options."""

    bars: tuple[int, ...]
    end: int


class _ChoiceReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._choices = dict(_braces(text))

    def prompt(self, start: int, end: int, depth: int = 0) -> Prompt:
        parts: list[Part] = []
        at = begin = start
        while at < end:
            found = self._mark(at, depth)
            if found is None:
                at += 2 if _escaped(self._text, at) else 1
                continue
            part, after = found
            parts += [PlainText(self._text[begin:at]), part]
            at = begin = after
        return _merged([*parts, PlainText(self._text[begin:end])])

    def _mark(self, at: int, depth: int) -> tuple[Part, int] | None:
        """The choice or list that begins here, and where what follows it begins."""
        if at in self._choices and depth < DEEPEST:
            found = self._choices[at]
            starts = [at + 1, *(bar + 1 for bar in found.bars)]
            ends = [*found.bars, found.end]
            options = (self.prompt(*each, depth + 1) for each in zip(starts, ends, strict=True))
            return Alternatives(tuple(options)), found.end + 1
        name = _NAME.match(self._text, at) if self._text[at] == "_" else None
        return (FromList(name[1]), name.end()) if name else None


def _braces(text: str) -> Iterator[tuple[int, _Braces]]:
    """Every pair of braces with a bar of its own between them, by where it opens."""
    opened: list[tuple[int, list[int]]] = []
    at = 0
    while at < len(text):
        match text[at]:
            case "{":
                opened.append((at, []))
            case "|" if opened:
                opened[-1][1].append(at)
            case "}" if opened:
                start, bars = opened.pop()
                if bars:
                    yield start, _Braces(tuple(bars), at)
            case _:
                pass
        at += 2 if _escaped(text, at) else 1


def _escaped(text: str, at: int) -> bool:
    """Whether a backslash stands here before a mark."""
    return text[at] == "\\" and text[at + 1 : at + 2] in _ESCAPABLE


def _merged(parts: list[Part]) -> Prompt:
    """Without empty words, and with neighbours that are words as one."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, PlainText) and merged and isinstance(merged[-1], PlainText):
            merged[-1] = PlainText(merged[-1].written + part.written)
        elif not isinstance(part, PlainText) or part.written:
            merged.append(part)
    return tuple(merged)
