"""Lines of descent: which picture came from which, and how many generations deep; never in a loop.

A picture's *line* follows its first parent upwards: the picture that was edited, else the first reference.
Masks and control images are edges, too, but lead nowhere. Reads and writes rows inside the caller's
transaction; knows nothing of requests and files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, Select, literal, select, update
from sqlalchemy.orm import Session, selectinload

from pipelines.request import Role
from studio.collection.models import ImageRow, ParentRow

MAX_FAMILY = 2000
_PART = 500
"""Ids asked for at once."""
_LEADS_NOWHERE = (Role.MASK.value, "control")


@dataclass(frozen=True, slots=True)
class Relatives:
    """The rows of a family with their parents loaded, oldest first."""

    rows: tuple[ImageRow, ...]
    truncated: bool


def first_parent(parents: Iterable[ParentRow]) -> ParentRow | None:
    """The edge a picture's line follows; None for a picture that was made from none, or loaded."""
    pictures = [parent for parent in parents if parent.role not in _LEADS_NOWHERE]
    return min(pictures, key=lambda p: (p.role != Role.SOURCE, p.order), default=None)


def take_place(session: Session, row: ImageRow) -> None:
    """A new row finds its depth, and the pictures that were made from its pixels become its children."""
    row.depth = _depth(session, row)
    session.flush()
    waiting = select(ParentRow.child_id).where(
        ParentRow.pixel_sha256 == row.pixel_sha256, ParentRow.parent_id.is_(None)
    )
    children = set(session.scalars(waiting))
    if not children:
        return
    children -= {row.id, *session.scalars(_ancestors(row.id))}
    session.execute(
        update(ParentRow)
        .where(
            ParentRow.pixel_sha256 == row.pixel_sha256,
            ParentRow.parent_id.is_(None),
            ParentRow.child_id.in_(children),
        )
        .values(parent_id=row.id)
    )
    _deepen(session, children)


def take_places(session: Session, new: Sequence[ImageRow]) -> None:
    """As `take_place`, for many new rows without parents."""
    for row in new:
        row.depth = 0
    session.flush()
    waiting = (
        select(ParentRow.pixel_sha256)
        .where(ParentRow.pixel_sha256.in_([row.pixel_sha256 for row in new]), ParentRow.parent_id.is_(None))
        .distinct()
    )
    wanted = set(session.scalars(waiting))
    for row in new:
        if row.pixel_sha256 in wanted:
            take_place(session, row)


def line(session: Session, row: ImageRow) -> list[ImageRow]:
    """The picture and what it came from, step by step along first parents, up to the first one."""
    found = [row]
    while (parent := first_parent(found[-1].parents)) is not None and parent.parent_id is not None:
        found.append(session.scalars(select(ImageRow).where(ImageRow.id == parent.parent_id)).one())
    return found


def anchor_of(line: Sequence[ImageRow]) -> ImageRow:
    """What a line's newest picture is measured against: the nearest chosen anchor above it, else the first.

    A picture that is an anchor itself is measured against the one before it.
    """
    return next((row for row in line[1:] if row.anchor), line[-1])


def ancestors(session: Session, image_id: str) -> list[ImageRow]:
    """All pictures that took part in making this one, however far back, oldest first."""
    chosen = select(ImageRow).where(ImageRow.id.in_(_ancestors(image_id)), ImageRow.id != image_id)
    return list(session.scalars(chosen.order_by(ImageRow.number)))


def prompts_below(session: Session, image_id: str, limit: int = 300) -> tuple[str, ...]:
    """The prompts of what descends from a picture, of `limit` pictures at most, the nearest."""
    ids = list(session.scalars(_descendants(image_id).limit(limit)))
    prompts = select(ImageRow.request["prompt"].as_string()).where(
        ImageRow.id.in_(ids), ImageRow.id != image_id, ImageRow.request.is_not(None)
    )
    return tuple(dict.fromkeys(session.scalars(prompts)))


def family(session: Session, row: ImageRow, limit: int = MAX_FAMILY) -> Relatives:
    """The picture, all it descends from, all that descends from the first of its line, and what took part."""
    first = line(session, row)[-1]
    ids = dict.fromkeys([row.id, *session.scalars(_ancestors(row.id).limit(limit))])
    for start in (row.id, first.id):
        ids |= dict.fromkeys(session.scalars(_descendants(start).limit(limit + 1)))
    kept = list(ids)[:limit]
    ids |= dict.fromkeys(_parents_of(session, kept))
    kept = list(ids)[:limit]
    rows = [row for part in _parts(kept) for row in session.scalars(_with_parents(part))]
    rows.sort(key=lambda row: row.number)
    return Relatives(tuple(rows), truncated=len(ids) > limit)


def _depth(session: Session, row: ImageRow) -> int:
    parent = first_parent(row.parents)
    if parent is None:
        return 0
    above = session.scalar(select(ImageRow.depth).where(ImageRow.id == parent.parent_id))
    return 1 + (above or 0)


def _deepen(session: Session, image_ids: Iterable[str]) -> None:
    """Depths of these and of what descends from them, after they got a parent."""
    waiting = list(image_ids)
    while waiting:
        row = session.scalars(select(ImageRow).where(ImageRow.id == waiting.pop())).one()
        depth = _depth(session, row)
        if depth != row.depth:
            row.depth = depth
            session.flush()
            waiting.extend(session.scalars(select(ParentRow.child_id).where(ParentRow.parent_id == row.id)))


def _ancestors(image_id: str) -> Select[str]:
    """Ids of a picture and all above it."""
    up = select(literal(image_id).label("id")).cte("up", recursive=True)
    above = select(ParentRow.parent_id).join(up, ParentRow.child_id == up.c.id)
    return _ids(up.union(above.where(_is_picture(), ParentRow.parent_id.is_not(None))))


def _descendants(image_id: str) -> Select[str]:
    """Ids of a picture and all below it, nearest first."""
    down = select(literal(image_id).label("id")).cte("down", recursive=True)
    below = select(ParentRow.child_id).join(down, ParentRow.parent_id == down.c.id)
    return _ids(down.union(below.where(_is_picture())))


def _ids(found: CTE) -> Select[str]:
    return select(found.c.id)


def _is_picture() -> ColumnElement[bool]:
    return ParentRow.role.not_in(_LEADS_NOWHERE)


def _parents_of(session: Session, image_ids: Sequence[str]) -> Iterator[str]:
    for part in _parts(image_ids):
        wanted = select(ParentRow.parent_id).where(ParentRow.child_id.in_(part), _is_picture())
        yield from (found for found in session.scalars(wanted) if found is not None)


def _with_parents(image_ids: Sequence[str]) -> Select[ImageRow]:
    return select(ImageRow).where(ImageRow.id.in_(image_ids)).options(selectinload(ImageRow.parents))


def _parts(image_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(image_ids), _PART):
        yield image_ids[start : start + _PART]
