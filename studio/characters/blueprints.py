"""Blueprints as they are kept: each part knows the revision it was last changed in.

That is how a save made from an earlier revision can tell what of others' work it would overwrite. Works
inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from pipelines.errors import Conflict, RequestError
from studio.characters.records import Blueprint, BlueprintDraft, BlueprintField, FieldName, FreeField
from studio.collection.character_models import BlueprintRow

_EMPTY: dict[str, Any] = {"value": "", "locked": False, "at": 0}
_Part = tuple[str, bool]
"""What a field says, and whether it is locked."""


class BlueprintChanged(Conflict):
    """Somebody saved the blueprint meanwhile, and this save would overwrite what they changed."""

    code = "blueprint_changed"

    def __init__(self, revision: int, overwritten: tuple[tuple[str, str], ...]) -> None:
        listed = "; ".join(words for _, words in overwritten)
        super().__init__(
            f"The blueprint was saved elsewhere meanwhile. Saving now would overwrite {listed}. "
            "Save again to overwrite it, or load the blueprint again.",
            field=overwritten[0][0],
        )
        self.revision = revision
        self.errors = overwritten
        """(field, what it would overwrite in words)."""


def read(session: Session, character_id: str) -> Blueprint:
    """The blueprint; an empty one of revision 0 where none was saved."""
    row = session.get(BlueprintRow, character_id)
    body = row.body if row else {}
    fields = body.get("fields", {})
    return Blueprint(
        character_id=character_id,
        revision=row.revision if row else 0,
        updated_at=row.updated_at if row else None,
        fields={name: _field(fields.get(name, _EMPTY)) for name in FieldName},
        free=tuple(
            FreeField(name=each["name"], value=each["value"], locked=each["locked"])
            for each in body.get("free", ())
        ),
        script=body.get("script", ""),
    )


def save(session: Session, character_id: str, draft: BlueprintDraft, *, overwrite: bool) -> None:
    """Write it. Raises BlueprintChanged, RequestError for two free fields of one name."""
    names = [free.name.casefold() for free in draft.free]
    if len(set(names)) != len(names):
        raise RequestError("Two free fields have the same name. Rename one of them.", field="free")
    row = session.get(BlueprintRow, character_id)
    body = dict(row.body) if row else {}
    if row is not None and not overwrite:
        overwritten = tuple(_overwritten(body, draft))
        if overwritten:
            raise BlueprintChanged(row.revision, overwritten)
    if row is None:
        row = BlueprintRow(character_id=character_id, revision=0)
        session.add(row)
    row.revision += 1
    row.body, row.updated_at = _merged(body, draft, row.revision), datetime.now(UTC)


def _overwritten(body: dict[str, Any], draft: BlueprintDraft) -> Iterator[tuple[str, str]]:
    """(field, words) of what was changed after the draft's revision and is otherwise in the draft."""
    wanted = _parts_of(draft)
    stored = _stored(body)
    for name, said in stored.items():
        part = (said["value"], said["locked"])
        if said["at"] > draft.revision and wanted.get(name, ("", False)) != part:
            yield name, f"{name}: {_in_words(part)} by {_in_words(wanted.get(name, ('', False)))}"
    for name, at in body.get("gone", {}).items():
        if at > draft.revision and name in wanted:
            yield name, f"{name}: that it was removed"
    script = body.get("script", "")
    if body.get("script_at", 0) > draft.revision and script != draft.script:
        yield "script", f"the script context: “{_short(script)}”"


def _merged(body: dict[str, Any], draft: BlueprintDraft, revision: int) -> dict[str, Any]:
    stored = _stored(body)
    gone = {**body.get("gone", {})}

    def part(name: str, value: str, locked: bool) -> dict[str, Any]:
        before = stored.get(name, _EMPTY)
        same = (before["value"], before["locked"]) == (value, locked)
        return {"value": value, "locked": locked, "at": before["at"] if same else revision}

    free = [{"name": each.name, **part(each.name, each.value, each.locked)} for each in draft.free]
    kept = {each.name for each in draft.free}
    gone |= {name: revision for name in stored if name not in (*FieldName, *kept)}
    same_script = body.get("script", "") == draft.script
    return {
        "fields": {name.value: part(name, *_said(draft, name)) for name in FieldName},
        "free": free,
        "gone": {name: at for name, at in gone.items() if name not in kept},
        "script": draft.script,
        "script_at": body.get("script_at", 0) if same_script else revision,
    }


def _stored(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {**body.get("fields", {}), **{each["name"]: each for each in body.get("free", ())}}


def _parts_of(draft: BlueprintDraft) -> dict[str, _Part]:
    own = {name.value: _said(draft, name) for name in FieldName}
    return own | {each.name: (each.value, each.locked) for each in draft.free}


def _said(draft: BlueprintDraft, name: FieldName) -> _Part:
    field = draft.fields.get(name, BlueprintField())
    return field.value, field.locked


def _field(said: dict[str, Any]) -> BlueprintField:
    return BlueprintField(value=said["value"], locked=said["locked"])


def _in_words(part: _Part) -> str:
    value, locked = part
    return f"“{_short(value)}”{' (locked)' if locked else ''}" if value else "nothing"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
