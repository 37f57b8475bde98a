"""What one request changed against another, as an artist would say it. Pure: knows no rows and no files.

Fields are those of the request, whatever they are: one that is added to it is compared without a word here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

from pipelines.families.settings import BY_FIELD, Compared, word
from pipelines.request import MODE_LABEL, GenerationRequest, Mode, Reference
from studio.history_records import Change
from studio.json_values import is_list, is_object, is_tuple

_MOST_EDITS = 12
"""A prompt with more differences than that is shown whole."""
_SAME = 0.5
"""So much of two prompts must be the same words, else the new one is shown whole: it is another sentence."""
_FEW_WORDS = 6
"""Two prompts that have no more together are short enough to be shown both."""
_WORD = re.compile(r"[^\s,;.]+|[,;.]")


def compare(
    before: GenerationRequest | None, after: GenerationRequest | None, *, parent_id: str | None = None
) -> tuple[Change, ...]:
    """What is different in `after`. A picture that was not made from a request has nothing to compare.

    `parent_id`: the picture `before` belongs to, where `after` was made from it. That it is a reference now,
    and that its own source is none any more, is no change.
    """
    if after is None:
        return ()
    if before is None:
        return (*_prompt("prompt", "", after.prompt), *_mode(None, after.mode))
    return (
        *_prompt("prompt", before.prompt, after.prompt),
        *_mode(before.mode, after.mode),
        *_prompt("negative_prompt", before.negative_prompt, after.negative_prompt),
        *_references(before, after, parent_id),
        *_size(before, after),
        *_settings(before, after),
    )


def _mode(before: Mode | None, after: Mode) -> Iterator[Change]:
    if before is not after:
        label = MODE_LABEL[after]
        words = label if before is None else f"{MODE_LABEL[before]} → {label}"
        yield Change(field="mode", before=before, after=after, words=words)


def _prompt(field: str, before: str, after: str) -> Iterator[Change]:
    """Word by word: one change per place; or the new prompt, where little of the old one is left."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    edits = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    another = len(old) + len(new) > _FEW_WORDS and matcher.ratio() < _SAME
    if old and new and (another or len(edits) > _MOST_EDITS):
        words = f"{word(field)} '{_joined(new)}'"
        yield Change(field=field, before=_joined(old), after=_joined(new), words=words)
        return
    for _, i, j, k, m in edits:
        gone, come = _joined(old[i:j]), _joined(new[k:m])
        yield Change(field=field, before=gone, after=come, words=_edit_words(field, gone, come))


def _joined(words: list[str]) -> str | None:
    text = re.sub(r" ([,;.])", r"\1", " ".join(words)).strip(" ,;.")
    return text or None


def _edit_words(field: str, gone: str | None, come: str | None) -> str:
    prefix = "" if field == "prompt" else f"{word(field)}: "
    if gone and come:
        return f"{prefix}'{gone}' → '{come}'"
    if come:
        return f"{prefix}+ '{come}'"
    return f"{prefix}– '{gone}'" if gone else f"{prefix}punctuation"


def _references(
    before: GenerationRequest, after: GenerationRequest, parent_id: str | None
) -> Iterator[Change]:
    old = {_key(before, r): r for r in before.references}
    new = {_key(after, r): r for r in after.references}
    if parent_id is not None:
        old = {key: r for key, r in old.items() if key[1] != "source"}
        new = {key: r for key, r in new.items() if key[0] != parent_id}
    for key in new.keys() - old.keys():
        yield _reference_change(None, key, f"+ {key[1]} reference")
    for key in old.keys() - new.keys():
        yield _reference_change(key, None, f"– {key[1]} reference")
    for key in new.keys() & old.keys():
        weights = old[key].weight, new[key].weight
        if weights[0] != weights[1]:
            words = f"weight of the {key[1]} reference {weights[0]:g} → {weights[1]:g}"
            yield Change(field="references", before=f"{weights[0]:g}", after=f"{weights[1]:g}", words=words)


def _key(request: GenerationRequest, reference: Reference) -> tuple[str, str]:
    return reference.image_id, request.role_of(reference).value


def _reference_change(before: tuple[str, str] | None, after: tuple[str, str] | None, words: str) -> Change:
    return Change(
        field="references",
        before=before[0] if before else None,
        after=after[0] if after else None,
        words=words,
    )


def _size(before: GenerationRequest, after: GenerationRequest) -> Iterator[Change]:
    old, new = (f"{each.width}×{each.height}" for each in (before, after))
    if old != new:
        yield Change(field="size", before=old, after=new, words=f"size {old} → {new}")


def _settings(before: GenerationRequest, after: GenerationRequest) -> Iterator[Change]:
    for field in type(after).model_fields:
        setting = BY_FIELD[field]
        if setting.compared is Compared.BY_VALUE:
            in_words = setting.in_words or _plain_words
            old, new = (_none_or(in_words, getattr(each, field)) for each in (before, after))
            if old != new:
                words = f"{setting.called} {old or 'none'} → {new or 'none'}"
                yield Change(field=field, before=old, after=new, words=words)


def _none_or(in_words: Callable[[Any], str | None], value: Any) -> str | None:
    return None if value is None or value in ((), []) else in_words(value)


def _plain_words(value: Any) -> str | None:
    """As it is, objects by their parts."""
    if hasattr(value, "model_dump"):
        return _plain_words(value.model_dump(mode="json"))
    if is_object(value):
        parts = {k.replace("_", " "): _none_or(_plain_words, v) for k, v in value.items()}
        return ", ".join(f"{k} {v}" for k, v in parts.items() if v)
    if is_tuple(value) or is_list(value):
        return "; ".join(_none_or(_plain_words, each) or "none" for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
