"""Marks in a prompt that mean something to other tools: weights, LoRA tags, choices, wildcards, BREAK.

They mean nothing here, and the model reads them as words; an artist who brings a prompt along should know.
Ordinary parentheses, quoted words and numbers are no marks. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r'"[^"\n]{0,300}"|“[^”\n]{0,300}”')
_LORA = re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]{1,200}>", re.IGNORECASE)
_MARKS = (
    _LORA,
    re.compile(r"(?<!\\)\([^()\n]{0,200}[^\W\d][^()\n]{0,200}:\s?(?:\d(?:\.\d+)?|\.\d+)\s?\)"),
    re.compile(r"(?<!\\)\({2,9}[^()\n]{1,200}\){2,9}"),
    re.compile(r"(?<!\\)\[[^\[\]\n]{0,200}[^\W\d][^\[\]\n]{0,200}\]"),
    re.compile(r"\{[^{}\n]{0,300}\|[^{}\n]{0,300}\}"),
    re.compile(r"(?<!\w)__[\w./*-]{1,80}?__(?!\w)"),
    re.compile(r"(?<!\S)BREAK(?!\S)"),
    re.compile(r"\bembedding:[\w./-]{1,80}", re.IGNORECASE),
)
_MOST_SHOWN = 3
_LONGEST = 40


def found(*prompts: str) -> tuple[str, ...]:
    """The marks in these prompts, each once; of those inside each other the outermost."""
    return tuple(dict.fromkeys(_found(prompts)))


def notices(*prompts: str) -> tuple[str, ...]:
    """One sentence that names the first few, or none."""
    marks = found(*prompts)
    if not marks:
        return ()
    shown = [mark if len(mark) <= _LONGEST else f"{mark[: _LONGEST - 1]}…" for mark in marks[:_MOST_SHOWN]]
    more = " and others" if len(marks) > _MOST_SHOWN else ""
    loras = any(_LORA.fullmatch(mark) for mark in marks)
    instead = "choose LoRAs under Additional settings" if loras else "say in words what you mean"
    return (
        f"Marks of other tools are read as plain words here: {', '.join(shown)}{more}. Instead, {instead}.",
    )


def _found(prompts: tuple[str, ...]) -> Iterator[str]:
    for prompt in prompts:
        plain = _QUOTED.sub(" ", prompt)
        shouted = plain.isupper()
        matches = [match for mark in _MARKS for match in mark.finditer(plain)]
        end = 0
        for match in sorted(matches, key=lambda match: (match.start(), -match.end())):
            if match.start() >= end and not (shouted and match[0] == "BREAK"):
                end = match.end()
                yield match[0]
