"""Reading rows of the cast into records. Every function reads inside the caller's transaction; none writes.

The list of the whole cast takes a handful of queries, however many characters and versions there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, selectinload

from pipelines.request import GenerationRequest
from studio import kept_requests
from studio.characters import blueprints
from studio.characters.records import (
    Avatar,
    Character,
    CharacterSummary,
    Crop,
    Portrait,
    PortraitVersion,
    Versions,
    VersionSource,
    VersionState,
)
from studio.collection import changes, lineage
from studio.collection.character_models import CharacterRow, DesignRow, ReferenceRow, VersionRow
from studio.collection.models import ImageRow
from studio.history_records import Change

_LISTED = (VersionState.KEPT, VersionState.PROPOSED)


def cast(session: Session, *, query: str, archived: bool) -> tuple[CharacterSummary, ...]:
    """The cast in its order; every word of `query` must be in name or description."""
    shelf = CharacterRow.archived_at.is_not(None) if archived else CharacterRow.archived_at.is_(None)
    lines = session.execute(_lines().where(shelf).order_by(CharacterRow.position, CharacterRow.id)).all()
    words = query.casefold().split()
    if words:
        lines = [line for line in lines if _has(f"{line.name} {line.description}".casefold(), words)]
    return _summaries(session, lines)


def one(session: Session, character_id: str) -> Character:
    """A character that is known to exist."""
    line = session.execute(_lines().where(CharacterRow.id == character_id)).one()
    (summary,) = _summaries(session, [line])
    return Character(
        **summary.model_dump(),
        description=line.description,
        blueprint=blueprints.read(session, character_id),
    )


def avatar(row: Any) -> Avatar | None:
    """From a character's row or line."""
    if row.avatar_image_id is None or row.avatar_crop is None:
        return None
    crop = Crop.model_validate(row.avatar_crop)
    return Avatar(image_id=row.avatar_image_id, version_id=row.avatar_version_id, crop=crop)


def versions(session: Session, character: CharacterRow, *, trashed: bool = False) -> Versions:
    """Kept and proposed ones, newest first, or those in the trash."""
    chosen = select(VersionRow).where(VersionRow.character_id == character.id).order_by(VersionRow.number)
    if trashed:
        listed = session.scalars(chosen.where(VersionRow.trashed_at.is_not(None))).all()
    else:
        listed = session.scalars(
            chosen.where(VersionRow.trashed_at.is_(None), VersionRow.state.in_(_LISTED))
        ).all()
    records = _records(session, character, listed)
    return Versions(items=tuple(reversed(records)), current_id=character.current_version_id)


def version(session: Session, character: CharacterRow, row: VersionRow) -> PortraitVersion:
    """One version, in its place where it is listed."""
    for record in versions(session, character).items:
        if record.id == row.id:
            return record
    (record,) = _records(session, character, [row])
    return record.model_copy(update={"place": 0, "total": 0})


def own_request(image: ImageRow) -> GenerationRequest | None:
    """The request that makes this picture alone, with its own seed; None for one that was loaded."""
    if image.request is None:
        return None
    return kept_requests.read(image.request).alone(image.seed)


def _lines() -> Select[*tuple[Any, ...]]:
    """Not whole rows: a card can be long."""
    columns = [column for column in CharacterRow.__table__.columns if column.name != "card"]
    return select(*columns)


def _has(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)


def _summaries(session: Session, lines: Sequence[Row[*tuple[Any, ...]]]) -> tuple[CharacterSummary, ...]:
    """With counts and portraits; of few characters only theirs are read."""
    few = [line.id for line in lines] if len(lines) <= 20 else None
    counts = _counts(session, few)
    references = _reference_counts(session, few)
    portraits = _portraits(session, few)
    active = session.scalar(select(DesignRow.id).where(DesignRow.active))
    return tuple(_summary(line, counts, references, portraits.get(line.id), active) for line in lines)


def _summary(
    line: Row[*tuple[Any, ...]],
    counts: Mapping[tuple[str, str], int],
    references: Mapping[str, int],
    current: Row[*tuple[Any, ...]] | None,
    active: str | None,
) -> CharacterSummary:
    return CharacterSummary(
        id=line.id,
        name=line.name,
        position=line.position,
        archived=line.archived_at is not None,
        versions=counts.get((line.id, VersionState.KEPT), 0),
        proposed=counts.get((line.id, VersionState.PROPOSED), 0),
        references=references.get(line.id, 0),
        portrait=None if current is None else _portrait(current),
        avatar=avatar(line),
        other_design=active is not None and current is not None and current.design_id != active,
        created_at=line.created_at,
        updated_at=line.updated_at,
    )


def _portrait(line: Row[*tuple[Any, ...]]) -> Portrait:
    return Portrait(
        version_id=line.id,
        number=line.number,
        image_id=line.image_id,
        width=line.width,
        height=line.height,
    )


def _counts(session: Session, few: Sequence[str] | None) -> dict[tuple[str, str], int]:
    counted = (
        select(VersionRow.character_id, VersionRow.state, func.count())
        .where(VersionRow.trashed_at.is_(None))
        .group_by(VersionRow.character_id, VersionRow.state)
    )
    if few is not None:
        counted = counted.where(VersionRow.character_id.in_(few))
    return {(character, state): count for character, state, count in session.execute(counted)}


def _reference_counts(session: Session, few: Sequence[str] | None) -> dict[str, int]:
    counted = select(ReferenceRow.character_id, func.count()).group_by(ReferenceRow.character_id)
    if few is not None:
        counted = counted.where(ReferenceRow.character_id.in_(few))
    return dict(session.execute(counted).all())


def _portraits(session: Session, few: Sequence[str] | None) -> dict[str, Row[*tuple[Any, ...]]]:
    current = (
        select(
            VersionRow.id,
            VersionRow.character_id,
            VersionRow.number,
            VersionRow.image_id,
            VersionRow.design_id,
            ImageRow.width,
            ImageRow.height,
        )
        .select_from(CharacterRow)
        .join(VersionRow, VersionRow.id == CharacterRow.current_version_id)
        .join(ImageRow, ImageRow.id == VersionRow.image_id)
    )
    if few is not None:
        current = current.where(CharacterRow.id.in_(few))
    return {line.character_id: line for line in session.execute(current)}


def _records(session: Session, character: CharacterRow, rows: Sequence[VersionRow]) -> list[PortraitVersion]:
    """In the order given, oldest first."""
    pictures = _pictures(session, [row.image_id for row in rows])
    parents = _pictures(session, [parent for picture in pictures.values() if (parent := _parent(picture))])
    names = dict(session.execute(select(DesignRow.id, DesignRow.name)).all())
    found: list[PortraitVersion] = []
    before: ImageRow | None = None
    for place, row in enumerate(rows, start=1):
        picture = pictures[row.image_id]
        said = _changes(picture, parents.get(_parent(picture) or ""), before)
        values = {"place": place, "total": len(rows), "design_name": names.get(row.design_id or "")}
        found.append(_record(character, row, picture, said).model_copy(update=values))
        before = picture
    return found


def _record(
    character: CharacterRow, row: VersionRow, picture: ImageRow, said: tuple[Change, ...]
) -> PortraitVersion:
    request = own_request(picture)
    return PortraitVersion(
        id=row.id,
        character_id=row.character_id,
        number=row.number,
        place=0,
        total=0,
        current=row.id == character.current_version_id,
        state=VersionState(row.state),
        source=VersionSource(row.source),
        image_id=row.image_id,
        width=picture.width,
        height=picture.height,
        created_at=row.created_at,
        trashed_at=row.trashed_at,
        label=picture.name or picture.label,
        model=picture.model,
        mode=request.mode if request else None,
        seed=picture.seed,
        prompt=request.prompt if request else "",
        negative_prompt=request.negative_prompt if request else "",
        guidance_scale=request.guidance_scale if request else None,
        num_inference_steps=request.num_inference_steps if request else None,
        design_id=row.design_id,
        design_name=None,
        changes=said,
    )


def _pictures(session: Session, image_ids: Sequence[str]) -> dict[str, ImageRow]:
    chosen = select(ImageRow).where(ImageRow.id.in_(image_ids)).options(selectinload(ImageRow.parents))
    return {row.id: row for row in session.scalars(chosen)}


def _parent(picture: ImageRow) -> str | None:
    edge = lineage.first_parent(picture.parents)
    return edge.parent_id if edge else None


def _changes(picture: ImageRow, parent: ImageRow | None, before: ImageRow | None) -> tuple[Change, ...]:
    """Against the picture it was made from; a picture without one against the version before."""
    if parent is not None:
        return changes.compare(own_request(parent), own_request(picture), parent_id=parent.id)
    if before is None or before.request is None:
        return ()
    return changes.compare(own_request(before), own_request(picture))
