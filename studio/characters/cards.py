"""Character cards, the PNG that role-play tools exchange: JSON as base64 in a text chunk.

`ccv3` holds version 3, `chara` version 2 (or 1); both are written, the newer one is read. Files come from
anywhere: texts are bounded before they are decoded, and what is not a card is refused with words. Knows no
rows.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import PictureRefused
from studio.characters.records import (
    MAX_FREE_FIELDS,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    Blueprint,
    BlueprintField,
    FieldName,
    FreeField,
)
from studio.collection.metadata.texts import read_texts

EXTENSION = "likeness"
"""Our own part of a card's `extensions`."""
MAX_CARD_BYTES = 2 * 2**20
_TEXTS = (
    "personality", "scenario", "first_mes", "mes_example", "creator_notes", "system_prompt",
    "post_history_instructions", "creator", "character_version",
)  # fmt: skip
_LISTS = ("alternate_greetings", "tags", "group_only_greetings")
_OURS = ("name", "description", "extensions")
_NO_CARD = "This PNG is no character card. Load it as a picture instead, or export the card again."


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says, as far as there is a place for it here; `rest`: what there is none for."""

    name: str
    description: str
    script: str
    fields: dict[FieldName, BlueprintField] = field(default_factory=dict)
    free: tuple[FreeField, ...] = ()
    rest: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class _Extension(BaseModel):
    """Our own part; unknown keys of later writers are left out."""

    model_config = ConfigDict(frozen=True)

    prompt: str = Field(default="", max_length=MAX_TEXT_CHARS)
    script: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    fields: dict[FieldName, BlueprintField] = {}
    free: Annotated[tuple[FreeField, ...], Field(max_length=MAX_FREE_FIELDS)] = ()


def read(data: bytes) -> Card:
    """The card inside a PNG. Raises PictureRefused."""
    texts = {name.casefold(): text for name, text in read_texts(data).named.items()}
    said = next((found for key in ("ccv3", "chara") if (found := _parsed(texts.get(key)))), None)
    if said is None:
        raise PictureRefused(_NO_CARD, field="file")
    inner = said.get("data")
    return _card(inner if isinstance(inner, dict) else said)


def write(picture: Path, name: str, description: str, blueprint: Blueprint, rest: dict[str, Any]) -> bytes:
    """The picture as PNG with both versions of the card in it and nothing else."""
    said = _data(name, description, blueprint, rest)
    second = {"spec": "chara_card_v2", "spec_version": "2.0", "data": _second(said)}
    third = {"spec": "chara_card_v3", "spec_version": "3.0", "data": said}
    chunks = PngImagePlugin.PngInfo()
    for key, content in (("chara", second), ("ccv3", third)):
        text = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        chunks.add_text(key, base64.b64encode(text).decode("ascii"))
    buffer = io.BytesIO()
    with Image.open(picture) as file:
        file.convert("RGB").save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def _parsed(text: str | None) -> dict[str, Any] | None:
    if text is None or len(text) > MAX_CARD_BYTES * 4 // 3:
        return None
    try:
        said = json.loads(base64.b64decode(text, validate=False).decode("utf-8", "replace"))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _card(data: dict[str, Any]) -> Card:
    notes: list[str] = []
    ours = _extension(data.get("extensions"), notes)
    name = _text(data, "name", MAX_NAME_CHARS, notes).strip() or "Unnamed"
    description = _text(data, "description", MAX_TEXT_CHARS, notes)
    if ours.script is not None:
        return Card(name, ours.prompt, ours.script, ours.fields, ours.free, _rest(data), tuple(notes))
    told = (description, *(_text(data, key, MAX_TEXT_CHARS, notes) for key in ("personality", "scenario")))
    script = "\n\n".join(filter(None, (text.strip() for text in told)))[:MAX_TEXT_CHARS]
    return Card(name, ours.prompt, script, ours.fields, ours.free, _rest(data), tuple(notes))


def _extension(extensions: Any, notes: list[str]) -> _Extension:
    said = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
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
    return "".join(c for c in value[:most] if c in "\n\t" or ord(c) >= 32)


def _rest(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key not in _OURS}
    extensions = data.get("extensions")
    if isinstance(extensions, dict):
        rest["extensions"] = {key: value for key, value in extensions.items() if key != EXTENSION}
    rest["description"] = data.get("description", "")
    return rest


def _data(name: str, description: str, blueprint: Blueprint, rest: dict[str, Any]) -> dict[str, Any]:
    """Version 3's data: what the card had, what it must have, and what is said of the character here."""
    extensions = rest.get("extensions")
    kept = extensions if isinstance(extensions, dict) else {}
    ours = {
        "prompt": description,
        "script": blueprint.script,
        "fields": {key.value: said.model_dump() for key, said in blueprint.fields.items() if said.value},
        "free": [each.model_dump() for each in blueprint.free],
    }
    told = rest.get("description") or blueprint.script or description
    return {
        **dict.fromkeys(_TEXTS, ""),
        **{key: [] for key in _LISTS},
        **rest,
        "name": name,
        "description": told,
        "extensions": {**kept, EXTENSION: ours},
    }


def _second(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 knows less."""
    return {key: value for key, value in data.items() if key not in ("group_only_greetings", "assets")}
