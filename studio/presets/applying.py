"""Which of its words a preset says for a model, and how they come into a prompt and out of it again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipelines.modes import MODE_LABEL, Mode
from pipelines.spec import ModelSpec
from studio.presets.records import Preset, PresetVariant

Knows = Callable[[str], str | None]
"""A sentence about the words the model has never seen; None where it knows them all."""
_ENDS = ",.;\n"
WORDLESS = frozenset({Mode.UPSCALE})
"""Modes in which nobody needs words."""


@dataclass(frozen=True, slots=True)
class PresetChoice:
    """What a preset says, or why it says nothing."""

    says: PresetVariant | None = None
    reason: str | None = None


def choose(preset: Preset, spec: ModelSpec, mode: Mode, knows: Knows) -> PresetChoice:
    """The first entry that fits: one that names the model as it is, others where it knows their words."""
    if mode in WORDLESS:
        return PresetChoice(reason=f"{MODE_LABEL[mode]} needs no words.")
    reason: str | None = None
    for said in preset.says:
        if said.modes and mode not in said.modes:
            continue
        if said.models and not {spec.id, spec.family} & set(said.models):
            continue
        strange = None if spec.id in said.models else knows(said.words)
        if strange is None:
            return PresetChoice(said)
        reason = reason or strange
    return PresetChoice(reason=reason or f"It has no words for {MODE_LABEL[mode]} with {spec.label}.")


def toggled(prompt: str, words: str, others: Iterable[str]) -> tuple[str, bool]:
    """The prompt with the words, and True; without them where they stood in it already, and False.

    `others`: words of the same group, whose place they take. Words stand in a prompt where they are all
    between two commas, full stops or ends of lines.
    """
    if _find(prompt, words) is not None:
        return without(prompt, words), False
    for other in sorted(set(others), key=len, reverse=True):
        at = _find(prompt, other)
        if at is not None:
            prompt = prompt[:at] + words + prompt[at + len(other) :]
            for more in others:
                prompt = without(prompt, more) if more != words else prompt
            return prompt, True
    return with_words(prompt, words), True


def _find(prompt: str, words: str) -> int | None:
    """Where the words stand in it, with nothing else between the commas around them."""
    at = prompt.find(words)
    while at >= 0:
        before, after = prompt[:at].rstrip(" \t"), prompt[at + len(words) :].lstrip(" \t")
        if (not before or before[-1] in _ENDS) and (not after or after[0] in _ENDS):
            return at
        at = prompt.find(words, at + 1)
    return None


def with_words(prompt: str, words: str) -> str:
    """The words behind it, a comma between them."""
    before = prompt.rstrip().rstrip(",;")
    if not before:
        return words
    return f"{before} {words}" if before.endswith(".") else f"{before}, {words}"


def without(prompt: str, words: str) -> str:
    """The words out of it, and the comma that stood before or behind them."""
    at = _find(prompt, words)
    if at is None:
        return prompt
    before, after = prompt[:at].rstrip(" \t"), prompt[at + len(words) :].lstrip(" \t")
    if not before:
        return after.lstrip(_ENDS + " \t")
    if before[-1] in ",;":
        return before[:-1] + after
    if after.startswith("."):
        after = after[1:]
    return before + after
