"""Listings: which pictures, in which order, page by page; counts of each kind.

Pages go on from the last picture of the page before (keyset), so they neither skip nor repeat while
pictures come and go, and page 1,000 is as quick as page 1. Pictures are chosen on indexes alone, which
hold all that is filtered by; only those of the page are read. Reads inside the caller's transaction.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    column,
    func,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from pipelines.errors import RequestError
from studio.collection import character_links, queries, rows, words
from studio.collection.models import ImageRow, TagRow
from studio.collection.queries import Filter
from studio.records import Category, Facets, ImageIds, ImagePage, ImageStops, Sort

MAX_PAGE = 500
MAX_IDS = 100_000
_FEW = 1000
"""Up to so many pictures of a tag or character are looked up; beyond, pictures are looked at in turn."""
_MOST_TAGS = 500
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
"""ASCII letters to lower case, as SQLite's NOCASE compares: spellings of one tag are counted together."""
_search = table("image_search", column("rowid"))
_number = _search.c.rowid
_VALUE: dict[Sort, InstrumentedAttribute[Any]] = {
    Sort.NAME: ImageRow.sort_name,
    Sort.SIZE: ImageRow.size_bytes,
}
"""What pictures are sorted by before their number."""
_BEFORE = {Sort.NEWEST: 1, Sort.OLDEST: -1, Sort.NAME: -1, Sort.SIZE: 1}
"""From a picture's number to the one that would stand right before it, where all else is the same."""
_ORDER: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    Sort.NEWEST: (ImageRow.number.desc(),),
    Sort.OLDEST: (ImageRow.number.asc(),),
    Sort.NAME: (ImageRow.sort_name.asc(), ImageRow.number.asc()),
    Sort.SIZE: (ImageRow.size_bytes.desc(), ImageRow.number.desc()),
}


def page(session: Session, wanted: Filter, cursor: str | None, limit: int, sort: Sort) -> ImagePage:
    """One page. Raises RequestError for a cursor that is not one of this order."""
    statement = _chosen(session, wanted, sort)
    if cursor is not None:
        statement = statement.where(_beyond(cursor, wanted, sort))
    limit = max(1, min(limit, MAX_PAGE))
    keys = session.execute(statement.limit(limit + 1)).all()
    more = len(keys) > limit
    found = _rows(session, [key.number for key in keys[:limit]])
    return ImagePage(
        items=queries.records(session, found), next=_write_cursor(sort, *keys[limit - 1]) if more else None
    )


def numbers(session: Session, wanted: Filter) -> Select[int]:
    """The numbers of all pictures, in no order, for a statement that has more to ask of them."""
    return _chosen(session, wanted, Sort.NEWEST).with_only_columns(ImageRow.number).order_by(None)


def ids(session: Session, wanted: Filter, sort: Sort, limit: int = MAX_IDS) -> ImageIds:
    """Ids of all pictures, in order."""
    statement = _chosen(session, wanted, sort)
    found = tuple(_strung(session, statement.with_only_columns(ImageRow.id).limit(limit)))
    return ImageIds(ids=found, total=len(found) if len(found) < limit else _count(session, statement))


def stops(session: Session, wanted: Filter, sort: Sort, every: int) -> ImageStops:
    """A cursor for every so many pictures, for grids that jump.

    The first one stands right before the first picture, so that its page, too, stays the same one while
    newer pictures come in.
    """
    numbers = _strung(session, _chosen(session, wanted, sort).with_only_columns(ImageRow.number))
    places = numbers[every - 1 : -1 : every]  # nothing follows the last one
    values = _values(session, sort, [*numbers[:1], *places])
    cursors = (_write_cursor(sort, number, *values.get(number, ())) for number in places)
    first = (_write_cursor(sort, n + _BEFORE[sort], *values.get(n, ())) for n in numbers[:1])
    return ImageStops(total=len(numbers), every=every, cursors=(*(first if numbers else (None,)), *cursors))


def facets(session: Session) -> Facets:
    """Counts of what is outside the trash."""
    live = ImageRow.trashed_at.is_(None)
    trashed = (ImageRow.trashed_at.is_not(None), ImageRow.purged_at.is_(None))
    categories = _counts(session, ImageRow.category)
    categories.pop(Category.CONTROL, None)
    return Facets(
        total=sum(categories.values()),
        trashed=session.scalar(select(func.count()).where(*trashed)) or 0,
        starred=session.scalar(select(func.count()).where(live, ImageRow.starred.is_(True))) or 0,
        category=categories,
        model=_counts(session, ImageRow.model),
        mode=_counts(session, ImageRow.mode),
        tag=_tags(session),
    )


def _tags(session: Session) -> dict[str, int]:
    """The most frequent first: counted on their index, less those in the trash, which are few."""
    counted = select(TagRow.tag, func.count()).group_by(TagRow.tag)
    trashed = select(ImageRow.id).where(ImageRow.trashed_at.is_not(None))
    found = _as_dict(session, counted)
    in_trash = _as_dict(session, counted.where(TagRow.image_id.in_(trashed)))
    gone = {tag.translate(_SMALL): count for tag, count in in_trash.items()}
    live = {tag: count - gone.get(tag.translate(_SMALL), 0) for tag, count in found.items()}
    ordered = sorted(live.items(), key=lambda one: (-one[1], one[0]))
    return {tag: count for tag, count in ordered[:_MOST_TAGS] if count}


def _counts(session: Session, kind: Any) -> dict[str, int]:
    statement = (
        select(kind, func.count())
        .where(ImageRow.trashed_at.is_(None), kind.is_not(None))
        .group_by(kind)
        .order_by(func.count().desc())
    )
    return _as_dict(session, statement)


def _as_dict(session: Session, statement: Executable) -> dict[str, int]:
    return {str(value): int(count) for value, count in session.execute(statement)}


def _strung(session: Session, statement: Select[*tuple[Any, ...]]) -> list[Any]:
    """Values of a query of one column, fetched as one JSON text: rows take four times as long."""
    (column,) = statement.subquery().c
    return json.loads(session.scalar(select(func.json_group_array(column))) or "[]")


def _values(session: Session, sort: Sort, numbers: Sequence[int]) -> dict[int, tuple[Any]]:
    """What these pictures are sorted by, for orders that go by more than the number."""
    if sort not in _VALUE:
        return {}
    wanted = func.json_each(json.dumps(numbers)).table_valued("value")
    statement = select(ImageRow.number, _VALUE[sort]).join(wanted, wanted.c.value == ImageRow.number)
    return {number: (value,) for number, value in session.execute(statement)}


def _count(session: Session, statement: Select[*tuple[Any, ...]]) -> int:
    return session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0


def _rows(session: Session, numbers: Sequence[int]) -> list[ImageRow]:
    """Rows of these numbers, in this order."""
    statement = (
        select(ImageRow)
        .where(ImageRow.number.in_(numbers))
        .options(selectinload(ImageRow.parents), selectinload(ImageRow.tags))
    )
    found = {row.number: row for row in session.scalars(statement)}
    return [found[number] for number in numbers]


def _chosen(session: Session, wanted: Filter, sort: Sort) -> Select[*tuple[Any, ...]]:
    """Numbers (and what else the order goes by) of the pictures, in order."""
    match = words.match(wanted.query or "")
    keys = select(ImageRow.number, *([_VALUE[sort]] if sort in _VALUE else []))
    statement = keys.where(*_conditions(wanted, sort)).order_by(*_order(wanted, sort))
    if wanted.tag is not None:
        statement = statement.where(_tagged(session, wanted.tag))
    if wanted.character is not None:
        statement = statement.where(_among(session, character_links.pictures_of(wanted.character)))
    if match is not None:
        statement = statement.join(_search, _number == ImageRow.number).where(
            text("image_search MATCH :match").bindparams(match=match)
        )
    return statement


def _order(wanted: Filter, sort: Sort) -> tuple[ColumnElement[Any], ...]:
    """A search gives its hits by number, newest or oldest first, without sorting them."""
    if _searches(wanted) and sort in (Sort.NEWEST, Sort.OLDEST):
        return (_number.desc() if sort is Sort.NEWEST else _number.asc(),)
    return _ORDER[sort]


def _walked(wanted: Filter, sort: Sort) -> tuple[str, ...]:
    """The columns whose index is walked along, most selective first; none: the index of the order itself.

    SQLite does not know how pictures are distributed, and would as soon sort half of them.
    """
    if sort in _VALUE or _searches(wanted):
        return ()
    indexed = (("starred",), ("model", "mode"), ("model",), ("mode",), ("category",))
    return next((columns for columns in indexed if all(getattr(wanted, one) for one in columns)), ())


def _conditions(wanted: Filter, sort: Sort) -> list[ColumnElement[bool]]:
    found = _on_shelf(wanted)
    if wanted.category is None:
        found.append(queries.unindexed(ImageRow.category) != Category.CONTROL)
    walked = _walked(wanted, sort)
    for name in ("category", "model", "mode", "starred", "has_references"):
        value, place = getattr(wanted, name), getattr(ImageRow, name)
        if value is not None:
            found.append((place if name in walked else queries.unindexed(place)) == value)
    if wanted.after is not None:
        found.append(ImageRow.number >= rows.moment(wanted.after))
    if wanted.before is not None:
        found.append(ImageRow.number < rows.moment(wanted.before))
    if wanted.query and wanted.query.strip() and not _searches(wanted):
        found.append(_contains(wanted.query.strip()))
    return found


def _on_shelf(wanted: Filter) -> list[ColumnElement[bool]]:
    if wanted.trashed:
        return [ImageRow.trashed_at.is_not(None), ImageRow.purged_at.is_(None)]
    return [ImageRow.trashed_at.is_(None)]


def _searches(wanted: Filter) -> bool:
    """Whether the query needs the full-text index."""
    return words.match(wanted.query or "") is not None


def _contains(signs: str) -> ColumnElement[bool]:
    """A search for substrings: the query has only signs or emoji, which the index does not hold."""
    places = (ImageRow.label, ImageRow.name, ImageRow.request["prompt"].as_string())
    tagged = select(TagRow.image_id).where(TagRow.tag.contains(signs, autoescape=True))
    return or_(ImageRow.id.in_(tagged), *(place.contains(signs, autoescape=True) for place in places))


def _tagged(session: Session, tag: str) -> ColumnElement[bool]:
    return _among(session, select(TagRow.image_id).where(TagRow.tag == tag))


def _among(session: Session, ids: Select[str]) -> ColumnElement[bool]:
    """Pictures with these ids."""
    if len(session.scalars(ids.limit(_FEW)).all()) < _FEW:
        few = select(ImageRow.number).where(ImageRow.id.in_(ids)).correlate(None)
        return ImageRow.number.in_(list(session.scalars(few)))
    (image_id,) = ids.selected_columns
    return ids.where(image_id == ImageRow.id).correlate(ImageRow).exists()


def _write_cursor(sort: Sort, *key: Any) -> str:
    """`key`: the number and, where the order goes by it, the value of the last picture before."""
    return base64.urlsafe_b64encode(json.dumps([sort, *key]).encode()).decode()


def _beyond(cursor: str, wanted: Filter, sort: Sort) -> ColumnElement[bool]:
    """What comes after the picture that the cursor stands for."""
    number, value = _read_cursor(cursor, sort)
    key = _number if _searches(wanted) else ImageRow.number
    match sort:
        case Sort.NEWEST:
            return key < number
        case Sort.OLDEST:
            return key > number
        case Sort.NAME:
            return tuple_(ImageRow.sort_name, ImageRow.number) > (value, number)
        case Sort.SIZE:
            return tuple_(ImageRow.size_bytes, ImageRow.number) < (value, number)


def _read_cursor(cursor: str, sort: Sort) -> tuple[int, Any]:
    kinds = {Sort.NAME: str, Sort.SIZE: int}
    try:
        of, number, *values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _strange_cursor() from None
    value = values[0] if values else None
    if of != sort or type(number) is not int or type(value) is not kinds.get(sort, type(None)):
        raise _strange_cursor()
    if not all(abs(n) < 2**63 for n in (number, value) if isinstance(n, int)):
        raise _strange_cursor()
    return number, value


def _strange_cursor() -> RequestError:
    return RequestError("This is not a cursor of this list; start from its first page.", field="cursor")
