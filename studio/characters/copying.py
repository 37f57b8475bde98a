"""A second character like the first: new rows that point at the same pictures. Inside one transaction."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from studio.characters.records import VersionState
from studio.collection import character_links
from studio.collection.character_models import BlueprintRow, CharacterRow, ReferenceRow, VersionRow
from studio.collection.models import Base

_Row = TypeVar("_Row", bound=Base)


def duplicate(session: Session, row: CharacterRow, name: str, position: int) -> CharacterRow:
    """Blueprint, kept versions outside the trash, references and avatar; no link of pictures made for it."""
    now = datetime.now(UTC)
    twin = _copy(row, id=uuid.uuid4().hex, name=name, position=position, created_at=now, updated_at=now)
    session.add(twin)
    session.flush()
    blueprint = session.get(BlueprintRow, row.id)
    if blueprint is not None:
        session.add(_copy(blueprint, character_id=twin.id))
    ids = _copy_versions(session, row, twin)
    twin.current_version_id = ids.get(row.current_version_id or "")
    twin.avatar_version_id = ids.get(row.avatar_version_id or "")
    for reference in session.scalars(select(ReferenceRow).where(ReferenceRow.character_id == row.id)):
        session.add(_copy(reference, character_id=twin.id))
        character_links.link(session, twin.id, reference.image_id)
    session.flush()
    return twin


def _copy_versions(session: Session, row: CharacterRow, twin: CharacterRow) -> dict[str, str]:
    """Returns the new version's id for each old one's."""
    chosen = select(VersionRow).where(
        VersionRow.character_id == row.id,
        VersionRow.trashed_at.is_(None),
        VersionRow.state == VersionState.KEPT,
    )
    ids: dict[str, str] = {}
    for version in session.scalars(chosen).all():
        ids[version.id] = uuid.uuid4().hex
        session.add(_copy(version, id=ids[version.id], character_id=twin.id))
        character_links.link(session, twin.id, version.image_id)
    return ids


def _copy(row: _Row, **changes: object) -> _Row:
    names = inspect(type(row)).column_attrs.keys()
    return type(row)(**{name: getattr(row, name) for name in names} | changes)
