"""Character cards: what they say of a character here, and what a character here says as a card.

What this studio knows of a character (name, script context, fields) is written to the places that other
programs read, as it stands now; only what it has no place for is carried through. Knows no files and no rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.characters import card_json
from studio.characters.records import (
    MAX_FREE_FIELDS,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    Blueprint,
    BlueprintField,
    FieldName,
    FreeField,
)
from studio.json_values import is_object, items

EXTENSION = "likeness"
"""Our own part of a card's `extensions`."""
_SCRIPT = ("description", "personality", "scenario")
"""What the script context is made of."""
_TEXTS = (
    *_SCRIPT, "first_mes", "mes_example", "creator_notes", "system_prompt", "post_history_instructions",
    "creator", "character_version",
)  # fmt: skip
_LISTS = ("alternate_greetings", "tags", "group_only_greetings")
_ONLY_THIRD = (
    "group_only_greetings", "assets", "nickname", "creator_notes_multilingual", "source", "creation_date",
    "modification_date",
)  # fmt: skip
"""Fields that version 2 does not have."""
_COPY_NOTE = "(Beside this card lies one of version 3, which holds more. Programs that read it show all.)"


@dataclass(frozen=True, slots=True)
class CharacterCard:
    """What a card says, as far as there is a place for it here."""

    name: str
    description: str
    script: str
    fields: dict[FieldName, BlueprintField] = field(default_factory=dict[FieldName, BlueprintField])
    free: tuple[FreeField, ...] = ()
    rest: dict[str, Any] = field(default_factory=dict[str, Any])
    """All that it says, to be carried through."""
    merged: tuple[str, ...] = ()
    """Which of its texts the script context was made of."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CharacterTexts:
    """A character as it is now."""

    name: str
    description: str
    blueprint: Blueprint
    changed_at: datetime


class _Extension(BaseModel):
    """Our own part; unknown keys of later writers are left out."""

    model_config = ConfigDict(frozen=True)

    prompt: str = Field(default="", max_length=MAX_TEXT_CHARS)
    script: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    fields: dict[FieldName, BlueprintField] = {}
    free: Annotated[tuple[FreeField, ...], Field(max_length=MAX_FREE_FIELDS)] = ()
    merged: tuple[str, ...] = ()
    line: str = Field(default="", max_length=MAX_TEXT_CHARS * 4)
    """The fields as they stand at the end of the description."""
    told: str | None = None
    """Digest of the texts beside it: another one means that somebody else has edited them since."""


def read(data: dict[str, Any], notes: Iterable[str] = ()) -> CharacterCard:
    """From a card's `data`, which must be clean."""
    remarks = list(notes)
    ours = _extension(data.get("extensions"), remarks)
    name = _text(data, "name", MAX_NAME_CHARS, remarks).strip() or "Unnamed"
    _text(data, "description", MAX_TEXT_CHARS, remarks)
    script, merged = ours.script, ours.merged
    if script is not None and ours.told not in (None, _digest(data)):
        remarks.append("The card was edited in another program: the script context is what it says there.")
        script = None
    if script is None:
        described = _said(data, "description").removesuffix(ours.line)
        script = _composed({**data, "description": described})
        merged = tuple(key for key in _SCRIPT if _said(data, key))
    return CharacterCard(
        name, ours.prompt, script, ours.fields, ours.free, _rest(data), merged, tuple(remarks)
    )


def write(person: CharacterTexts, rest: Mapping[str, Any], merged: Iterable[str] = ()) -> dict[str, Any]:
    """Version 3's `data`. `rest` and `merged`: of the card that the character came from."""
    kept = dict(rest)
    extensions = kept.get("extensions")
    said: dict[str, Any] = {
        **kept,
        **{key: _said(kept, key) for key in _TEXTS},
        **{key: _listed(kept.get(key)) for key in _LISTS},
        "name": person.name,
    }
    said |= _script(person, kept, tuple(merged))
    line = _field_line(person.blueprint, " ".join(said[key] for key in _SCRIPT))
    said["description"] = "\n\n".join(filter(None, (said["description"], line)))
    if "modification_date" in kept:
        said["modification_date"] = int(person.changed_at.timestamp())
    others = extensions if is_object(extensions) else {}
    said["extensions"] = {**others, EXTENSION: _ours(person, said, merged, line)}
    return said


def third(data: dict[str, Any]) -> dict[str, Any]:
    """A card of version 3."""
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}


def second(data: dict[str, Any]) -> dict[str, Any]:
    """A card of version 2, which knows less; it says so where something is missing from it."""
    less = {key: value for key, value in data.items() if key not in _ONLY_THIRD}
    if any(data.get(key) for key in _ONLY_THIRD):
        notes = str(less["creator_notes"])
        less["creator_notes"] = f"{notes}\n\n{_COPY_NOTE}".strip()
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": less}


# --- reading ------------------------------------------------------------------------------------


def _extension(extensions: Any, notes: list[str]) -> _Extension:
    said = extensions.get(EXTENSION) if is_object(extensions) else None
    if said is None:
        return _Extension()
    try:
        return _Extension.model_validate(said)
    except ValidationError:
        notes.append("The blueprint in the card could not be read.")
        return _Extension()


def _text(data: dict[str, Any], key: str, most: int, notes: list[str]) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        return ""
    if len(value) > most:
        notes.append(f"The card's {key.replace('_', ' ')} is too long; its end is left out.")
    return _printable(value[:most])


def _printable(text: str) -> str:
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)


def _rest(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key != "name"}
    extensions = data.get("extensions")
    if is_object(extensions):
        rest["extensions"] = {key: value for key, value in extensions.items() if key != EXTENSION}
    notes = rest.get("creator_notes")
    if isinstance(notes, str):
        rest["creator_notes"] = notes.removesuffix(_COPY_NOTE).rstrip() if _COPY_NOTE in notes else notes
    return rest


def _composed(data: Mapping[str, Any]) -> str:
    """The script context that the card's texts make."""
    parts = (_printable(_said(data, key)[:MAX_TEXT_CHARS]).strip() for key in _SCRIPT)
    return "\n\n".join(filter(None, parts))[:MAX_TEXT_CHARS]


# --- writing ------------------------------------------------------------------------------------


def _script(person: CharacterTexts, rest: Mapping[str, Any], merged: tuple[str, ...]) -> dict[str, str]:
    """Description, personality and scenario: as they came while nobody edited them here, else as edited."""
    script = person.blueprint.script.strip()
    if script and script == _composed(rest).strip():
        return {key: _said(rest, key) for key in _SCRIPT}
    said = _taken_apart(script, rest, merged)
    return {**said, "description": said["description"] or person.description}


def _taken_apart(script: str, rest: Mapping[str, Any], merged: tuple[str, ...]) -> dict[str, str]:
    """Paragraphs that stand as they came go back to where they came from; the rest is the description."""
    said: dict[str, str] = {}
    for key in _SCRIPT[1:]:
        text = _said(rest, key)
        left = _without_paragraphs(script, text.strip())
        said[key] = "" if left is None and key in merged else text
        script = script if left is None else left
    return {"description": script, **said}


def _without_paragraphs(script: str, paragraphs: str) -> str | None:
    """The script without these; None where they are not in it."""
    before, found, after = f"\n\n{script}\n\n".rpartition(f"\n\n{paragraphs}\n\n")
    return f"{before}\n\n{after}".strip() if found and paragraphs else None


def _field_line(blueprint: Blueprint, script: str) -> str:
    """“Hair: red. Scar: left.” of what the `script` does not say already."""
    own = [(name.value, each.value) for name, each in blueprint.fields.items()]
    named = [*own, *((each.name, each.value) for each in blueprint.free)]
    return " ".join(
        f"{name.capitalize()}: {value.strip().rstrip('.')}."
        for name, value in named
        if value.strip() and value.strip().casefold() not in script.casefold()
    )


def _ours(
    person: CharacterTexts, said: Mapping[str, Any], merged: Iterable[str], line: str
) -> dict[str, Any]:
    blueprint = person.blueprint
    return {
        "prompt": person.description,
        "script": blueprint.script,
        "fields": {key.value: each.model_dump() for key, each in blueprint.fields.items() if each.value},
        "free": [each.model_dump() for each in blueprint.free],
        "merged": list(merged),
        "line": line,
        "told": _digest(said),
    }


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(card_json.dump({key: _said(data, key) for key in _SCRIPT})).hexdigest()


def _said(data: Mapping[str, Any], key: str) -> str:
    """A text; numbers, as some tools write versions, become one."""
    value = data.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _listed(value: Any) -> list[str]:
    """A list of texts; one text is a list of one."""
    if isinstance(value, str):
        return [value] if value else []
    return [each for each in items(value) if isinstance(each, str)]
