"""Reading the collection: rows to records, listings with keyset paging, search, measured costs.

Every function reads inside the caller's transaction; none writes but `index`. Knows no files.
"""

from __future__ import annotations

import base64
import binascii
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, selectinload

from pipelines.errors import NotFound, RequestError
from pipelines.request import GenerationRequest, Role
from studio.collection.models import ImageRow, JobRow, ParentRow
from studio.records import Category, Cost, ImagePage, ImageRecord, JobStatus, ParentLink

MAX_PAGE = 500
_COST_RUNS = 20
"""How many of a model's last jobs its cost is taken from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which pictures a listing holds; None: all."""

    category: Category | None = None
    query: str | None = None
    model: str | None = None
    starred: bool | None = None
    trashed: bool = False


def row(session: Session, image_id: str) -> ImageRow:
    """The row of a picture. Raises NotFound."""
    found = session.scalar(select(ImageRow).where(ImageRow.id == image_id))
    if found is None:
        raise NotFound("This picture is not in the collection.")
    return found


def size_of_reference(session: Session, number: int, image_id: str) -> tuple[int, int]:
    """(width, height) px of the picture that is reference `number`. Raises NotFound, RequestError."""
    found = session.scalar(select(ImageRow).where(ImageRow.id == image_id))
    if found is None:
        raise NotFound(
            f"Reference {number} is not in the collection. Remove it, or load it again.", field="references"
        )
    if found.trashed_at is not None:
        raise RequestError(
            f"Reference {number} is in the trash. Restore it, or remove it from the references.",
            field="references",
        )
    return found.width, found.height


def records(session: Session, rows: Sequence[ImageRow]) -> tuple[ImageRecord, ...]:
    """Rows as records with parents and children, in the order given."""
    children = _children(session, [r.id for r in rows])
    return tuple(_record(r, tuple(children[r.id])) for r in rows)


def record(session: Session, one: ImageRow) -> ImageRecord:
    """One row as a record."""
    return records(session, [one])[0]


def page(session: Session, wanted: Filter, cursor: str | None, limit: int) -> ImagePage:
    """One page, newest first. Raises RequestError for a cursor that is not one of ours."""
    statement = _listing(wanted)
    if cursor is not None:
        statement = statement.where(tuple_(ImageRow.created_at, ImageRow.id) < _read_cursor(cursor))
    limit = max(1, min(limit, MAX_PAGE))
    rows = session.scalars(statement.limit(limit + 1)).all()
    more = len(rows) > limit
    return ImagePage(
        items=records(session, rows[:limit]), next=_write_cursor(rows[limit - 1]) if more else None
    )


def index(session: Session, one: ImageRow) -> None:
    """Bring the full-text index up to date with a picture's row."""
    session.flush()
    prompt = (one.request or {}).get("prompt", "")
    words = {"prompt": prompt, "label": one.label, "name": one.name or ""}
    session.execute(
        text(
            "INSERT OR REPLACE INTO image_search (rowid, prompt, label, name, tags) "
            "VALUES (:number, :prompt, :label, :name, :tags)"
        ),
        {"number": one.number, "tags": "\n".join(t.tag for t in one.tags), **words},
    )


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


def _listing(wanted: Filter) -> Select[ImageRow]:
    return (
        select(ImageRow)
        .where(*_conditions(wanted))
        .order_by(ImageRow.created_at.desc(), ImageRow.id.desc())
        .options(selectinload(ImageRow.parents), selectinload(ImageRow.tags))
    )


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    found.append(ImageRow.trashed_at.is_not(None) if wanted.trashed else ImageRow.trashed_at.is_(None))
    if wanted.category is not None:
        found.append(ImageRow.category == wanted.category)
    if wanted.model is not None:
        found.append(ImageRow.model == wanted.model)
    if wanted.starred is not None:
        found.append(ImageRow.starred == wanted.starred)
    if wanted.query and wanted.query.strip():
        found.append(_matches(wanted.query))
    return found


def _matches(query: str) -> ColumnElement[bool]:
    """Pictures whose words begin with every word of the query; what else the artist typed is ignored."""
    words = re.findall(r"[^\W_]+", query)
    if not words:  # only signs or emoji, which the index does not hold
        places = (ImageRow.label, ImageRow.name, ImageRow.request["prompt"].as_string())
        return or_(*(place.contains(query.strip(), autoescape=True) for place in places))
    match = " ".join(f'"{word}"*' for word in words)
    hits = text("SELECT rowid FROM image_search WHERE image_search MATCH :match").bindparams(match=match)
    return ImageRow.number.in_(hits.columns(ImageRow.number))


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


def _record(one: ImageRow, children: tuple[str, ...]) -> ImageRecord:
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
        request=None if one.request is None else GenerationRequest.model_validate(one.request),
        parents=tuple(_link(p) for p in one.parents),
        children=children,
        notes=tuple(one.notes),
        provenance=one.provenance,
    )


def _link(parent: ParentRow) -> ParentLink:
    return ParentLink(
        image_id=parent.parent_id,
        pixel_sha256=parent.pixel_sha256,
        role=Role(parent.role),
        order=parent.order,
        weight=parent.weight,
    )


def _write_cursor(last: ImageRow) -> str:
    return base64.urlsafe_b64encode(f"{last.created_at.isoformat()} {last.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        when, image_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        return datetime.fromisoformat(when).astimezone(UTC), image_id
    except (binascii.Error, ValueError, OverflowError) as error:
        raise RequestError(
            "This is not a cursor of this list; start from its first page.", field="cursor"
        ) from error
