"""The trash: hidden pictures that can be restored for thirty days, and are deleted afterwards.

Those are days on which the studio was at work (`days`), and thirty by the clock besides, unless by the
clock the picture was deleted in the future.

A file is deleted only when no picture, in the trash or not, was made from it, no waiting job needs it and no
other row does: every foreign key to pictures that would not let one go (RESTRICT, or no action) keeps it,
also those of tables that this module has never heard of. Where something needs it, the row stays, too, out
of every list: a picture's references can always be shown and used to make it again. Control images go with
the last picture that was made along them; a mask that an artist painted stays thirty days at least, for a
page may have it loaded and nothing here knows. Emptying is written down (`purged_at`) before any file is
touched, so that a crash amid it is finished at the next start and brings nothing back.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, column, delete, func, or_, select, table, text, update
from sqlalchemy.orm import Session, aliased

from pipelines.errors import Conflict
from studio.collection import queries
from studio.collection.days import Days
from studio.collection.metadata.control import DRAWN_LABEL
from studio.collection.models import ImageRow, JobRow, ParentRow
from studio.collection.store import ImageStore
from studio.database import Database
from studio.readings import Readings
from studio.records import Category, Emptied, JobStatus

KEPT_DAYS = 30
_LOADED = timedelta(days=KEPT_DAYS)
"""For so long a page may have a mask loaded that no picture was made with yet."""
_HOLDING = text(
    """SELECT m.name, k."from" FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS k
    WHERE m.type = 'table' AND k."table" = 'images' AND k.on_delete IN ('RESTRICT', 'NO ACTION')"""
)
_PART = 200
"""Pictures whose files are deleted in one transaction: others that write wait no longer than that."""


class Trash:
    """Pictures on their way out of one data folder. Thread-safe; every method may raise StorageFailure."""

    def __init__(self, database: Database, store: ImageStore) -> None:
        self._database = database
        self._store = store
        self._readings = Readings(store.settings.readings_dir)
        self._days = Days(store.settings.trash_days)
        self._expiring = threading.Lock()

    def empty(self, expected: int) -> Emptied:
        """Take everything in the trash out for good. Raises Conflict where it is not `expected` pictures."""
        with self._database.reading() as session:
            found = session.scalars(select(ImageRow.number).where(*in_trash())).all()
        if len(found) != expected:
            raise Conflict(
                f"The trash holds {len(found)} pictures now, not {expected}. Look again, then empty it.",
                field="expected_count",
            )
        return self._settled(self._purge(found))

    def expire(self, now: datetime | None = None) -> Emptied:
        """Take out what has been in the trash for thirty days, and finish what a crash interrupted.

        To be called at least once a day while the studio runs: it notes the day as one of use.
        """
        with self._expiring:
            return self._settled(self._purge(self._ripe(now or datetime.now(UTC))))

    def _ripe(self, now: datetime) -> list[int]:
        chosen = select(ImageRow.number, ImageRow.id, ImageRow.trashed_at).where(*in_trash())
        with self._database.reading() as session:
            rows = [(number, image_id, at) for number, image_id, at in session.execute(chosen) if at]
        seen = self._days.look(now.date(), {image_id: at for _, image_id, at in rows})
        limit = now - timedelta(days=KEPT_DAYS)
        return [
            number
            for number, image_id, at in rows
            if seen[image_id] >= KEPT_DAYS and (at <= limit or at > now)
        ]

    def _purge(self, numbers: Sequence[int]) -> int:
        """Part by part, so that others that write need not wait for all of it."""
        purged = 0
        for start in range(0, len(numbers), _PART):
            with self._database.transaction() as session:
                here = (ImageRow.number.in_(numbers[start : start + _PART]), *in_trash())
                purged += session.scalar(select(func.count()).select_from(ImageRow).where(*here)) or 0
                session.execute(update(ImageRow).where(*here).values(purged_at=datetime.now(UTC)))
        return purged

    def _settled(self, purged: int) -> Emptied:
        """Delete what nothing needs, also of earlier times; `purged` is how many were taken out now."""
        deleted = 0
        while part := self._delete_some(*_PURGED):
            deleted += part
        while self._delete_some(*_CONTROL, or_(_DRAWN, ImageRow.created_at <= datetime.now(UTC) - _LOADED)):
            pass
        return Emptied(deleted=deleted, kept=max(0, purged - deleted))

    def _delete_some(self, *which: ColumnElement[bool]) -> int:
        """Files first: whoever stores the same picture again waits for the lock, then finds no row."""
        with self._database.transaction() as session:
            found = session.scalars(_not_needed(session, *which).limit(_PART)).all()
            in_use = self._store.delete((row.sha256, row.extension) for row in found)
            rows = [row for row in found if row.sha256 not in in_use]
            self._readings.forget(row.pixel_sha256 for row in rows)
            for row in rows:
                queries.drop_from_index(session, row)
            session.execute(delete(ImageRow).where(ImageRow.number.in_([row.number for row in rows])))
            return len(rows)


def in_trash() -> tuple[ColumnElement[bool], ...]:
    """What a listing of the trash shows."""
    return ImageRow.trashed_at.is_not(None), ImageRow.purged_at.is_(None)


_PURGED = (ImageRow.trashed_at.is_not(None), ImageRow.purged_at.is_not(None))
_DRAWN = ImageRow.label.startswith(DRAWN_LABEL, autoescape=True)
"""Made on the way to a picture, not loaded by an artist."""
_CONTROL = (ImageRow.trashed_at.is_(None), ImageRow.category == Category.CONTROL, ~ImageRow.starred)


def _not_needed(session: Session, *which: ColumnElement[bool]) -> Select[ImageRow]:
    child = aliased(ImageRow)
    made_from_it = (
        select(ParentRow)
        .join(child, child.id == ParentRow.child_id)
        .where(ParentRow.parent_id == ImageRow.id, child.purged_at.is_(None))
        .exists()
    )
    waited_for = (
        select(JobRow)
        .where(
            JobRow.status.in_([JobStatus.QUEUED, JobStatus.RUNNING]),
            func.instr(JobRow.request, ImageRow.id) > 0,
        )
        .exists()
    )
    held = [_held(name, place) for name, place in session.execute(_HOLDING)]
    return select(ImageRow).where(*which, ~or_(made_from_it, waited_for, *held))


def _held(name: str, place: str) -> ColumnElement[bool]:
    """A row of this table points at the picture."""
    return select(table(name, column(place))).where(column(place) == ImageRow.id).exists()
