"""What a small model was never taught: words it has not seen, shapes it was not made for. Reads one file.

Models of millions of captions and every shape need none of this; their entries say nothing of it.
"""

from __future__ import annotations

import functools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

from pipelines.families.route import STUDIO_DEFAULTS, Route
from pipelines.families.setting import Setting
from pipelines.spec import ModelSpec, Vocabulary

_WORD_END = "</w>"
"""How a tokenizer's table marks what ends a word."""
_SHORT = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "by",
        "for",
        "from",
        "her",
        "his",
        "i",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "she",
        "he",
        "that",
        "the",
        "to",
    ]
)
_MOST_SHOWN = 4
_SHAPE = 0.04


def unknown_words(spec: ModelSpec, folder: Path | None, *prompts: str) -> tuple[str, ...]:
    """One sentence with the words that the model has never seen; none where it says nothing of its words."""
    if spec.words is None or folder is None:
        return ()
    known = _known(folder / spec.words.file) | spec.words.more | _SHORT
    asked = (word for prompt in prompts for word in re.findall(r"[^\W\d_]+", prompt.lower()))
    strange = [word for word in dict.fromkeys(asked) if len(word) > 1 and not _is_known(word, known)]
    return (_sentence(spec.label, spec.words, strange),) if strange and known else ()


def unusual_shape(spec: ModelSpec, width: int, height: int) -> tuple[str, ...]:
    """One sentence where the picture has a shape that the model was not made for."""
    shapes = [shape.split(":") for shape in spec.shapes]
    apart = [abs(math.log(width / height * int(high) / int(wide))) for wide, high in shapes]
    if not apart or min(apart) <= _SHAPE:
        return ()
    good = " or ".join(filter(None, (", ".join(spec.shapes[:-1]), spec.shapes[-1])))
    return (f"{spec.label} was made for {good}; in other shapes it often draws faces wrongly.",)


def as_taught(route: Route) -> Route:
    """The route without the negative prompt, where the model was never taught what not to draw."""
    return replace(route, negative_prompt=False) if "negative_prompt" in route.no_use_for else route


def no_better(spec: ModelSpec, setting: Setting, given: float | None, route: Route) -> tuple[str, ...]:
    """One sentence where a number was given that makes no better picture than the model's own."""
    usual = {**STUDIO_DEFAULTS, **route.default}[setting.field]
    if given is None or given == usual:
        return ()
    return (f"{spec.label} was made for {usual:g} {setting.called}; other numbers make no better picture.",)


def _is_known(word: str, known: frozenset[str]) -> bool:
    """As it stands, or without the ending of a plural."""
    return word in known or (word.endswith("s") and word[:-1] in known)


def _sentence(label: str, words: Vocabulary, strange: list[str]) -> str:
    named = [f"“{word}”" for word in strange[:_MOST_SHOWN]]
    more = " and others" if len(strange) > _MOST_SHOWN else ""
    return f"{label} has never seen {', '.join(named)}{more}. It knows: {words.about}."


@functools.lru_cache(maxsize=8)
def _known(table: Path) -> frozenset[str]:
    """The whole words of a tokenizer's table; none where it cannot be read."""
    try:
        entries = json.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(each.removesuffix(_WORD_END) for each in entries if each.endswith(_WORD_END))
