"""One change of many pictures at once: star, tag, trash and back, in parts that hold up nobody for long.

What cannot be done is refused before anything is; a disk that refuses amid it leaves whole parts done. Knows
no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session, aliased, selectinload

from pipelines.errors import RequestError, StorageFailure
from studio.collection import character_links, rows
from studio.collection.marks import MAX_TAGS
from studio.collection.models import ImageRow, TagRow
from studio.database import Database
from studio.records import BulkResult

_PART = 200


class Action(StrEnum):
    """What can be done with many pictures at once."""

    STAR = "star"
    UNSTAR = "unstar"
    TRASH = "trash"
    RESTORE = "restore"
    TAG = "tag"
    UNTAG = "untag"


def change(database: Database, image_ids: Sequence[str], action: Action, tag: str) -> BulkResult:
    """Do it. `tag` is clean. Raises RequestError where a picture would have too many tags, StorageFailure."""
    wanted = list(dict.fromkeys(image_ids))
    known = changed = 0
    if action is Action.TAG:
        _check_tags(database, wanted, tag)
    for part in _parts(wanted):
        here = (ImageRow.id.in_(part), ImageRow.purged_at.is_(None))
        try:
            with database.transaction() as session:
                found = session.scalar(select(func.count()).select_from(ImageRow).where(*here)) or 0
                done = _apply(session, here, action, tag)
        except StorageFailure as failure:
            raise _amid(failure, changed, len(wanted)) from failure
        known, changed = known + found, changed + done
    return BulkResult(changed=changed, unchanged=known - changed, missing=len(wanted) - known)


def _amid(failure: StorageFailure, changed: int, wanted: int) -> StorageFailure:
    if not changed:
        return failure
    return StorageFailure(
        f"{failure.detail} {changed} of {wanted} pictures are changed; then do the same again for the others."
    )


def _check_tags(database: Database, wanted: Sequence[str], tag: str) -> None:
    """Raises RequestError."""
    same = aliased(TagRow)
    has_it = select(same).where(same.image_id == ImageRow.id, same.tag == tag).exists()
    for part in _parts(wanted):
        crowded = (
            select(ImageRow.label)
            .join(TagRow, TagRow.image_id == ImageRow.id)
            .where(ImageRow.id.in_(part), ImageRow.purged_at.is_(None), ~has_it)
            .group_by(ImageRow.id)
            .having(func.count() >= MAX_TAGS)
        )
        with database.reading() as session:
            label = session.scalars(crowded.limit(1)).first()
        if label is not None:
            raise _too_many(label)


def _too_many(label: str) -> RequestError:
    return RequestError(f"“{label}” has {MAX_TAGS} tags already. Remove one first.", field="tag")


def _apply(session: Session, here: tuple[ColumnElement[bool], ...], action: Action, tag: str) -> int:
    now = datetime.now(UTC)
    match action:
        case Action.STAR:
            return _set(session, here, ~ImageRow.starred, starred=True)
        case Action.UNSTAR:
            return _set(session, here, ImageRow.starred.is_(True), starred=False)
        case Action.TRASH:
            return _set(session, here, ImageRow.trashed_at.is_(None), trashed_at=now)
        case Action.RESTORE:
            changed = _set(session, here, ImageRow.trashed_at.is_not(None), trashed_at=None)
            character_links.restored(session, and_(*here))
            return changed
        case Action.TAG | Action.UNTAG:
            return _tag(session, here, tag, wanted=action is Action.TAG)


def _set(
    session: Session, here: tuple[ColumnElement[bool], ...], not_yet: ColumnElement[bool], **values: Any
) -> int:
    """Only where it isn't so yet."""
    ids = session.scalars(select(ImageRow.id).where(*here, not_yet)).all()
    session.execute(update(ImageRow).where(ImageRow.id.in_(ids)).values(**values))
    rows.marked(session, ids, words=False)
    return len(ids)


def _tag(session: Session, here: tuple[ColumnElement[bool], ...], tag: str, *, wanted: bool) -> int:
    has_it = select(TagRow).where(TagRow.image_id == ImageRow.id, TagRow.tag == tag).exists()
    chosen = select(ImageRow).where(*here, ~has_it if wanted else has_it).options(selectinload(ImageRow.tags))
    found = session.scalars(chosen).all()
    for row in found:
        tags = [each.tag for each in row.tags if each.tag.casefold() != tag.casefold()]
        if wanted and len(tags) >= MAX_TAGS:
            raise _too_many(row.label)
        rows.set_tags(session, row, [*tags, tag] if wanted else tags)
    rows.marked(session, [row.id for row in found])
    return len(found)


def _parts(image_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(image_ids), _PART):
        yield image_ids[start : start + _PART]
