"""The journal beside the images: what artists say about pictures, which no picture file holds.

    {"picture": "<sha256>", "at": "…", "n": 41, "label": "Ana.png", "category": "upload", "tags": ["red"], …}
    {"picture": "<sha256>", "at": "…", "n": 42, "gone": true}

One line per picture and change, holding all there is to say of it: the last line counts, values that are as
usual are left out; `n` is the transaction's (see `numbering`). Lines are written and synced just before the
commit of the rows they speak of, and taken back where that fails. A crash between the two leaves a line too
many, never one too few, which the next start makes good; a journal that cannot be written undoes the change.

Triggers note which pictures a transaction touched, so that no code that changes rows has to think of this.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, event, select, text
from sqlalchemy.orm import Session, selectinload

from studio import jsonlines
from studio.collection import numbering, rows
from studio.collection.models import ImageRow
from studio.collection.store import speaking_of
from studio.database import Database
from studio.records import Category, Rights

_PART = 500
_WATCHED = "label, name, category, created_at, starred, trashed_at, purged_at, rights, anchor"
_NOTE = "INSERT OR IGNORE INTO marked"
_NOTE_TAGGED = f"{_NOTE} SELECT sha256 FROM main.images WHERE id ="
_TRIGGERS = {
    "picture_added": f"AFTER INSERT ON main.images WHEN NEW.job_id IS NULL BEGIN {_NOTE} VALUES (NEW.sha256)",
    "picture_marked": f"AFTER UPDATE OF {_WATCHED} ON main.images BEGIN {_NOTE} VALUES (NEW.sha256)",
    "picture_gone": f"AFTER DELETE ON main.images BEGIN {_NOTE} VALUES (OLD.sha256)",
    "tag_added": f"AFTER INSERT ON main.image_tags BEGIN {_NOTE_TAGGED} NEW.image_id",
    "tag_gone": f"AFTER DELETE ON main.image_tags BEGIN {_NOTE_TAGGED} OLD.image_id",
}
_log = logging.getLogger(__name__)


class PictureState(BaseModel):
    """All that is said of one picture. Unknown keys of later writers are left out."""

    model_config = ConfigDict(frozen=True)

    picture: str
    at: datetime
    n: int = 0
    gone: bool = False
    """The picture was deleted for good."""
    label: str = ""
    name: str | None = None
    category: Category | None = None
    created_at: datetime | None = None
    starred: bool = False
    trashed_at: datetime | None = None
    purged_at: datetime | None = None
    rights: Rights | None = None
    anchor: bool = False
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: ImageRow, at: datetime, n: int = 0) -> PictureState:
        """What the row says, in the transaction of this number."""
        rights = None if row.rights is None else Rights.model_validate(row.rights)
        return cls(
            picture=row.sha256,
            at=at,
            n=n,
            label=row.label,
            name=row.name,
            category=Category(row.category),
            created_at=row.created_at,
            starred=row.starred,
            trashed_at=row.trashed_at,
            purged_at=row.purged_at,
            rights=rights,
            anchor=row.anchor,
            tags=tuple(tag.tag for tag in row.tags),
        )

    def says(self, row: ImageRow) -> bool:
        """It says what the row says."""
        return not self.gone and _agree(PictureState.of(row, self.at).line(), self)

    def line(self) -> dict[str, Any]:
        """As it is written."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def apply(self, session: Session, row: ImageRow) -> None:
        """Let the row say it."""
        row.label = self.label or row.label
        row.category = self.category or row.category
        row.starred, row.anchor = self.starred, self.anchor
        row.trashed_at, row.purged_at = self.trashed_at, self.purged_at
        row.rights = None if self.rights is None else self.rights.model_dump(exclude_none=True)
        rows.set_name(row, self.name)
        rows.set_tags(session, row, self.tags)
        if self.created_at is not None and self.created_at != row.created_at:
            rows.set_created_at(session, row, self.created_at)
        rows.marked(session, [row.id])


class Journal:
    """The journal of one data folder. Several processes may write it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def follow(self, database: Database) -> None:
        """Write down every change that is committed through `database` from now on."""
        numbering.follow(database)
        event.listen(database.sessions, "after_begin", _watch)
        event.listen(database.sessions, "before_commit", self._write)

    def states(self) -> dict[str, PictureState]:
        """What was last said of each picture that is not gone, by SHA-256. Raises StorageFailure."""
        found: dict[str, PictureState] = {}
        for state in _valid(numbering.read(self._path)):
            found[state.picture] = state
        return {sha256: state for sha256, state in found.items() if not state.gone}

    def exists(self) -> bool:
        """Anything was ever written down."""
        return self._path.exists()

    def changes(self, since: int) -> dict[str, PictureState]:
        """What transactions after the one of this number last said of each picture, those gone included."""
        found = _valid(numbering.newest(self._path, since + 1))
        return {state.picture: state for state in found}

    def last_number(self) -> int:
        """The newest transaction it knows. Raises StorageFailure."""
        return numbering.last_written(self._path)

    def write_anew(self, database: Database) -> None:
        """Replace it by one line per picture of which anything is said. Raises StorageFailure.

        What is said of pictures that the database does not know stays: their files may come back.
        """
        kept = self.states()
        with database.reading() as session, speaking_of(self._path.parent):
            known = set(session.scalars(select(ImageRow.sha256)))
            unknown = [state.line() for sha256, state in kept.items() if sha256 not in known]
            jsonlines.replace(self._path, chain(unknown, _lines_of_all(session)))

    def settle(self, database: Database) -> None:
        """Make good what the last lines say too much, where their commit failed or never came.

        Only those of the newest transaction can do so. What is said of pictures that the database does not
        know stays: their files may wait for a row, and no file, no picture. Raises StorageFailure.
        """
        with database.reading() as session:
            number = numbering.last_committed(session)
            last = self.changes(number - 1)
            number = max((number, *(state.n for state in last.values())))
            now = [line for line in _lines(session, tuple(last), number) if "gone" not in line]
        self._append(line for line in now if not _agree(line, last[line["picture"]]))

    def complete(self, database: Database) -> None:
        """Add what the database says and it does not. Raises StorageFailure."""
        states = self.states()
        with database.reading() as session:
            lines = list(_lines_of_all(session))
        self._append(
            line
            for line in lines
            if (state := states.get(line["picture"])) is None or not _agree(line, state)
        )

    def disagrees(self, database: Database) -> tuple[str, ...]:
        """SHA-256 of pictures of which it does not say what the database says. Raises StorageFailure."""
        states = self.states()
        with database.reading() as session:
            wanted = {line["picture"]: line for line in _lines_of_all(session)}
        wrong = (
            sha256
            for sha256, line in wanted.items()
            if sha256 not in states or not _agree(line, states[sha256])
        )
        return tuple(sorted(wrong))

    def _append(self, lines: Iterable[dict[str, Any]]) -> None:
        with speaking_of(self._path.parent):
            jsonlines.append(self._path, lines)

    def _write(self, session: Session) -> None:
        session.flush()
        touched = session.execute(text("SELECT sha256 FROM temp.marked")).scalars().all()
        if touched:
            numbering.write(session, self._path, _lines(session, touched, numbering.number_of(session)))
            session.execute(text("DELETE FROM temp.marked"))


def _watch(_: Session, __: object, connection: Connection) -> None:
    """Triggers live in the connection, not in the database: other versions and tools never meet them."""
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS marked (sha256 TEXT PRIMARY KEY)")
    for name, what in _TRIGGERS.items():
        connection.exec_driver_sql(f"CREATE TEMP TRIGGER IF NOT EXISTS {name} {what}; END")


def _lines(session: Session, touched: Sequence[str], number: int) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for start in range(0, len(touched), _PART):
        part = touched[start : start + _PART]
        found = {row.sha256: row for row in _rows(session, part)}
        for sha256 in part:
            row = found.get(sha256)
            gone = PictureState(picture=sha256, at=now, n=number, gone=True)
            yield (gone if row is None else PictureState.of(row, now, number)).line()


def _rows(session: Session, part: Sequence[str]) -> Iterable[ImageRow]:
    """As they are now in this transaction, also where they were changed past the session."""
    chosen = select(ImageRow).where(ImageRow.sha256.in_(part)).options(selectinload(ImageRow.tags))
    return session.scalars(chosen.execution_options(populate_existing=True)).all()


def _lines_of_all(session: Session) -> Iterator[dict[str, Any]]:
    """Not of pictures made here that nobody has said anything of: their files say it all."""
    now, number = datetime.now(UTC), numbering.last_committed(session)
    chosen = select(ImageRow).options(selectinload(ImageRow.tags)).order_by(ImageRow.number)
    for part in session.scalars(chosen.execution_options(yield_per=_PART)).partitions():
        yield from (PictureState.of(row, now, number).line() for row in part if not _unmarked(row))


def _valid(lines: Iterable[dict[str, Any]]) -> Iterator[PictureState]:
    for line in lines:
        try:
            yield PictureState.model_validate(line)
        except ValidationError as error:
            _log.warning("A line of the journal is left out: %s", error.errors()[0]["msg"])


def _unmarked(row: ImageRow) -> bool:
    marks = (row.name, row.starred, row.trashed_at, row.purged_at, row.rights, row.anchor, row.tags)
    return row.job_id is not None and not any(marks)


def _agree(line: dict[str, Any], state: PictureState) -> bool:
    return _said(line) == _said(state.line())


def _said(line: dict[str, Any]) -> dict[str, Any]:
    """Without when, and in which transaction, it was said."""
    return {key: value for key, value in line.items() if key not in ("at", "n")}
