"""Reference sets: up to ten approved pictures that hold a character's identity, in order, one the anchor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import Conflict, LikenessError, NotFound, RequestError
from pipelines.request import MAX_REFERENCES, Reference, Role
from studio.characters import agreement
from studio.characters.records import ReferenceItem, ReferenceSet
from studio.characters.tools import Tools, character
from studio.collection import character_links, queries
from studio.collection.character_models import ReferenceRow
from studio.collection.models import ImageRow


class References:
    """The reference sets of all characters."""

    def __init__(self, tools: Tools) -> None:
        self._database = tools.database
        self._collection = tools.collection

    def get(self, character_id: str, *, measure: bool = True) -> ReferenceSet:
        """The set. `measure`: how far the colours of each are from the anchor's, and the warning."""
        with self._database.reading() as session:
            character(session, character_id)
            rows = [(row, queries.row(session, row.image_id)) for row in _rows(session, character_id)]
        apart = self._apart([row for row, _ in rows]) if measure else {}
        items = tuple(_item(row, image, apart.get(row.image_id)) for row, image in rows)
        odd = [
            image.name or image.label for (_, image), item in zip(rows, items, strict=True) if item.disagrees
        ]
        return ReferenceSet(character_id=character_id, items=items, warning=_warning(odd))

    def add(self, character_id: str, image_id: str, *, anchor: bool = False) -> ReferenceSet:
        """Any picture joins at the end; the first one is the anchor. Raises Conflict when ten are in it."""
        with self._database.transaction() as session:
            character(session, character_id)
            _check_picture(session, image_id)
            rows = _rows(session, character_id)
            if all(row.image_id != image_id for row in rows):
                _add(session, character_id, image_id, rows)
            if anchor:
                _set_anchor(session, character_id, image_id)
        return self.get(character_id, measure=False)

    def remove(self, character_id: str, image_id: str) -> ReferenceSet:
        """Take one out; where it was the anchor, the first one left is."""
        with self._database.transaction() as session:
            row = _row(session, character_id, image_id)
            session.delete(row)
            session.flush()
            left = _rows(session, character_id)
            if left and not any(each.anchor for each in left):
                left[0].anchor = True
            character_links.unlink(session, character_id, image_id)
        return self.get(character_id, measure=False)

    def reorder(self, character_id: str, image_ids: Sequence[str]) -> ReferenceSet:
        """All pictures of the set in a new order. Raises RequestError for another list of pictures."""
        with self._database.transaction() as session:
            character(session, character_id)
            rows = {row.image_id: row for row in _rows(session, character_id)}
            if sorted(rows) != sorted(image_ids):
                raise RequestError("Send every picture of the set once, in its new order.", field="images")
            for position, image_id in enumerate(image_ids):
                rows[image_id].position = position
        return self.get(character_id, measure=False)

    def set_anchor(self, character_id: str, image_id: str) -> ReferenceSet:
        """This one is the anchor."""
        with self._database.transaction() as session:
            _row(session, character_id, image_id)
            _set_anchor(session, character_id, image_id)
        return self.get(character_id, measure=False)

    def as_request(self, character_id: str, most: int | None = None) -> tuple[Reference, ...]:
        """The set as references of a request with the role `character`, the anchor first, `most` of them."""
        with self._database.reading() as session:
            character(session, character_id)
            rows = sorted(_rows(session, character_id), key=lambda row: (not row.anchor, row.position))
            live = [row for row in rows if queries.row(session, row.image_id).trashed_at is None]
        return tuple(Reference(image_id=row.image_id, role=Role.CHARACTER) for row in live[:most])

    def _apart(self, rows: Sequence[ReferenceRow]) -> dict[str, float]:
        """From the anchor; a picture whose file is missing is not measured."""
        anchor = next((row.image_id for row in rows if row.anchor), None)
        found: dict[str, float] = {}
        for row in rows:
            if anchor is not None and row.image_id != anchor:
                with suppress(LikenessError, OSError):
                    files = (self._collection.working_file(each) for each in (row.image_id, anchor))
                    found[row.image_id] = agreement.distance(*files)
        return found


def _rows(session: Session, character_id: str) -> Sequence[ReferenceRow]:
    chosen = select(ReferenceRow).where(ReferenceRow.character_id == character_id)
    return session.scalars(chosen.order_by(ReferenceRow.position)).all()


def _row(session: Session, character_id: str, image_id: str) -> ReferenceRow:
    character(session, character_id)
    row = session.get(ReferenceRow, (character_id, image_id))
    if row is None:
        raise NotFound("This picture is not in the reference set.", field="image_id")
    return row


def _check_picture(session: Session, image_id: str) -> None:
    image = queries.row(session, image_id)
    if image.trashed_at is not None:
        raise RequestError("This picture is in the trash. Restore it first.", field="image_id")


def _add(session: Session, character_id: str, image_id: str, rows: Sequence[ReferenceRow]) -> None:
    if len(rows) >= MAX_REFERENCES:
        raise Conflict(
            f"The reference set has {MAX_REFERENCES} pictures already. Remove one first.", field="image_id"
        )
    position = max((row.position for row in rows), default=-1) + 1
    session.add(
        ReferenceRow(character_id=character_id, image_id=image_id, position=position, anchor=not rows)
    )
    character_links.link(session, character_id, image_id)


def _set_anchor(session: Session, character_id: str, image_id: str) -> None:
    for row in _rows(session, character_id):
        row.anchor = row.image_id == image_id


def _item(row: ReferenceRow, image: ImageRow, apart: float | None) -> ReferenceItem:
    return ReferenceItem(
        image_id=row.image_id,
        anchor=row.anchor,
        width=image.width,
        height=image.height,
        colours=apart,
        disagrees=apart is not None and apart > agreement.FAR,
    )


def _warning(odd: Sequence[str]) -> str | None:
    if not odd:
        return None
    names = ", ".join(f"“{name}”" for name in odd)
    differ = "differs" if len(odd) == 1 else "differ"
    return (
        f"{names} {differ} from the anchor in the main colours around the head. If that is not only the "
        "light, take it out or choose another anchor: a set that disagrees with itself makes the face waver."
    )
