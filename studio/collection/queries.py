"""Reading the collection: rows to records and summaries, the full-text index, measured costs.

Every function reads inside the caller's transaction; none writes but `index`. Knows no files.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, UnaryExpression, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.operators import custom_op

from pipelines.errors import NotFound, RequestError
from pipelines.request import Mode
from studio import kept_requests
from studio.collection import character_links, words
from studio.collection.models import ImageRow, JobRow, ParentRow
from studio.records import (
    Category,
    Cost,
    ImageRecord,
    ImageSummary,
    JobStatus,
    ParentLink,
    ParentRole,
    Rights,
)

_COST_RUNS = 20
"""How many of a model's last jobs its cost is taken from."""
_PART = 500
"""Ids asked for at once."""
_NAME_CHARS = 120
"""How much of a prompt is enough to call a picture by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which pictures a listing holds; None: all. `after` is included, `before` is not."""

    category: Category | None = None
    query: str | None = None
    model: str | None = None
    mode: Mode | None = None
    tag: str | None = None
    starred: bool | None = None
    has_references: bool | None = None
    trashed: bool = False
    after: datetime | None = None
    before: datetime | None = None
    character: str | None = None


def row(session: Session, image_id: str) -> ImageRow:
    """The row of a picture. Raises NotFound."""
    found = session.scalar(select(ImageRow).where(ImageRow.id == image_id))
    if found is None:
        raise NotFound("This picture is not in the collection.")
    return found


def pixel_hashes(session: Session, image_ids: Sequence[str]) -> dict[str, str]:
    """SHA-256 of the pixels by id, in the given order; unknown ids are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(image_ids), _PART):
        part = image_ids[start : start + _PART]
        rows = session.execute(select(ImageRow.id, ImageRow.pixel_sha256).where(ImageRow.id.in_(part)))
        found |= {row.id: row.pixel_sha256 for row in rows}
    return {image: found[image] for image in image_ids if image in found}


def size_of_reference(session: Session, number: int, image_id: str, *, trashed: bool) -> tuple[int, int]:
    """(width, height) px of the picture that is reference `number`. Raises NotFound, RequestError."""
    found = session.scalar(select(ImageRow).where(ImageRow.id == image_id))
    if found is None:
        raise NotFound(
            f"Reference {number} is not in the collection. Remove it, or load it again.", field="references"
        )
    if found.trashed_at is not None and not trashed:
        raise RequestError(
            f"Reference {number} is in the trash. Restore it, or remove it from the references.",
            field="references",
        )
    return found.width, found.height


def records(session: Session, rows: Sequence[ImageRow]) -> tuple[ImageRecord, ...]:
    """Rows as records with parents and children, in the order given."""
    ids = [r.id for r in rows]
    children, characters = _children(session, ids), character_links.of_pictures(session, ids)
    return tuple(_record(r, tuple(children[r.id]), tuple(characters[r.id])) for r in rows)


def record(session: Session, one: ImageRow) -> ImageRecord:
    """One row as a record."""
    return records(session, [one])[0]


def summary(one: ImageRow) -> ImageSummary:
    """One row as what a thumbnail needs."""
    return ImageSummary(
        id=one.id,
        width=one.width,
        height=one.height,
        category=Category(one.category),
        label=one.label,
        name=one.name,
        prompt=(one.request or {}).get("prompt", "")[:_NAME_CHARS] or None,
        model=one.model,
        mode=_mode(one),
        seed=one.seed,
        job_id=one.job_id,
        batch_index=one.batch_index,
        created_at=one.created_at,
        starred=one.starred,
        anchor=one.anchor,
        trashed_at=one.trashed_at,
        purged_at=one.purged_at,
    )


def role_of(parent: ParentRow) -> ParentRole:
    """What the parent was to the picture."""
    return cast(ParentRole, parent.role)


def drop_from_index(session: Session, one: ImageRow) -> None:
    """Take a picture out of the full-text index."""
    session.flush()
    session.execute(text("DELETE FROM image_search WHERE rowid = :number"), {"number": one.number})


def index(session: Session, one: ImageRow) -> None:
    """Bring the full-text index up to date with a picture's row."""
    index_all(session, [one])


def index_all(session: Session, pictures: Sequence[ImageRow]) -> None:
    """Bring the full-text index up to date with these rows."""
    session.flush()
    if pictures:
        session.execute(INDEX, [_words_of(one) for one in pictures])


INDEX = text(
    "INSERT OR REPLACE INTO image_search (rowid, prompt, label, name, tags, signs) "
    "VALUES (:number, :prompt, :label, :name, :tags, :signs)"
)


def _words_of(one: ImageRow) -> dict[str, Any]:
    said = one.provenance.get("said", {})  # by another tool, of a picture that was loaded
    prompt = (one.request or said).get("prompt", "")
    return searched(one.number, prompt, one.label, one.name or "", [t.tag for t in one.tags])


def searched(number: int, prompt: str, label: str, name: str, tags: Sequence[str]) -> dict[str, Any]:
    """A picture's line of the full-text index."""
    texts = {"prompt": prompt, "label": label, "name": name, "tags": "\n".join(tags)}
    said = {column: words.indexed(text) for column, text in texts.items()}
    return {"number": number, **said, "signs": words.signs(*texts.values())}


def unindexed(place: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The same value, for which SQLite looks in no index."""
    return UnaryExpression(place.expression, operator=custom_op[Any]("+"), type_=place.type)


def costs(session: Session) -> dict[str, Cost]:
    """Per model what its last finished jobs took: median seconds per picture, most memory."""
    newest_first = func.row_number().over(partition_by=JobRow.model, order_by=JobRow.number.desc())
    recent = (
        select(JobRow.model, JobRow.seconds, JobRow.memory_mb, newest_first.label("age"))
        .where(JobRow.status == JobStatus.DONE, JobRow.seconds.is_not(None))
        .subquery()
    )
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    memory: defaultdict[str, list[int]] = defaultdict(list)
    for line in session.execute(select(recent).where(recent.c.age <= _COST_RUNS)):
        seconds[line.model].append(line.seconds)
        memory[line.model].extend([] if line.memory_mb is None else [line.memory_mb])
    return {
        model: Cost(seconds=statistics.median(values), vram_mb=max(memory[model], default=None))
        for model, values in seconds.items()
    }


def _children(session: Session, ids: Sequence[str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    statement = (
        select(ParentRow.parent_id, ImageRow.id, ImageRow.created_at)
        .join(ImageRow, ImageRow.id == ParentRow.child_id)
        .where(ParentRow.parent_id.in_(ids))
        .distinct()
        .order_by(ImageRow.created_at, ImageRow.id)
    )
    for parent_id, child_id, _ in session.execute(statement):
        found[str(parent_id)].append(child_id)
    return found


def _record(one: ImageRow, children: tuple[str, ...], characters: tuple[str, ...]) -> ImageRecord:
    return ImageRecord(
        id=one.id,
        sha256=one.sha256,
        pixel_sha256=one.pixel_sha256,
        width=one.width,
        height=one.height,
        mime=one.mime,
        size_bytes=one.size_bytes,
        category=Category(one.category),
        label=one.label,
        name=one.name,
        model=one.model,
        created_at=one.created_at,
        starred=one.starred,
        trashed_at=one.trashed_at,
        tags=tuple(t.tag for t in one.tags),
        job_id=one.job_id,
        batch_index=one.batch_index,
        seed=one.seed,
        request=None if one.request is None else kept_requests.read(one.request),
        parents=tuple(_link(p) for p in one.parents),
        children=children,
        characters=characters,
        notes=tuple(one.notes),
        provenance=one.provenance,
        mode=_mode(one),
        depth=one.depth,
        anchor=one.anchor,
        rights=None if one.rights is None else Rights.model_validate(one.rights),
        purged_at=one.purged_at,
    )


def _mode(one: ImageRow) -> Mode | None:
    """None also for the mode of a later studio."""
    return next((mode for mode in Mode if mode == one.mode), None)


def _link(parent: ParentRow) -> ParentLink:
    return ParentLink(
        image_id=parent.parent_id,
        pixel_sha256=parent.pixel_sha256,
        role=role_of(parent),
        order=parent.order,
        weight=parent.weight,
    )
