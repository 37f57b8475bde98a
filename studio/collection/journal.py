"""The journal beside the images: what artists say about pictures, which no picture file holds.

    {"picture": "<sha256>", "at": "…", "label": "Ana.png", "category": "upload", "tags": ["red"], …}
    {"picture": "<sha256>", "at": "…", "gone": true}

One line per picture and change, holding all there is to say of it: the last line counts, values that are as
usual are left out. Lines are written and synced just before the commit of the rows they speak of. A crash
between the two leaves a line too many, never one too few, which the next start takes back; a journal that
cannot be written undoes the change.

Triggers note which pictures a transaction touched, so that no code that changes rows has to think of this.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, event, select, text
from sqlalchemy.orm import Session, selectinload

from studio import jsonlines
from studio.collection import rows
from studio.collection.models import ImageRow
from studio.collection.store import speaking_of
from studio.database import Database
from studio.records import Category, Rights

_PART = 500
_TAIL_BYTES = 2**20
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
    def of(cls, row: ImageRow, at: datetime) -> PictureState:
        """What the row says."""
        rights = None if row.rights is None else Rights.model_validate(row.rights)
        return cls(
            picture=row.sha256,
            at=at,
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
        event.listen(database.sessions, "after_begin", _watch)
        event.listen(database.sessions, "before_commit", self._write)

    def states(self) -> dict[str, PictureState]:
        """What was last said of each picture that is not gone, by SHA-256. Raises StorageFailure."""
        found: dict[str, PictureState] = {}
        with speaking_of(self._path.parent):
            for state in _valid(jsonlines.read(self._path)):
                found[state.picture] = state
        return {sha256: state for sha256, state in found.items() if not state.gone}

    def exists(self) -> bool:
        """Anything was ever written down."""
        return self._path.exists()

    def write_anew(self, database: Database) -> None:
        """Replace it by one line per picture of which anything is said. Raises StorageFailure."""
        with database.reading() as session, speaking_of(self._path.parent):
            jsonlines.replace(self._path, _lines_of_all(session))

    def settle(self, database: Database, coming: Collection[str] = ()) -> None:
        """Take back what the last line says too much, where a crash came before its commit.

        Only the lines of one transaction can do so: who writes rows has the database's lock. What is said
        of pictures that are `coming` (SHA-256: their files wait for a row) stays. Raises StorageFailure.
        """
        with speaking_of(self._path.parent):
            said = list(_valid(jsonlines.tail(self._path, _TAIL_BYTES)))
            if said and all(state.at == said[-1].at for state in said):
                said = list(_valid(jsonlines.read(self._path)))
            speaks = (state for state in said if state.at == said[-1].at)
            last = {state.picture: state for state in speaks if state.picture not in coming}
            with database.reading() as session:
                now = {line["picture"]: line for line in _lines(session, tuple(last))}
            wrong = [line for line in now.values() if not _agree(line, last[line["picture"]])]
            jsonlines.append(self._path, wrong)

    def disagrees(self, database: Database) -> tuple[str, ...]:
        """SHA-256 of pictures of which it does not say what the database says. Raises StorageFailure."""
        states = self.states()
        with database.reading() as session:
            rows_said = {line["picture"]: line for line in _lines_of_all(session)}
        said = {sha256: _without_time(state.line()) for sha256, state in states.items()}
        wanted = {sha256: _without_time(line) for sha256, line in rows_said.items()}
        return tuple(sorted(sha for sha, line in wanted.items() if said.get(sha) != line))

    def _write(self, session: Session) -> None:
        session.flush()
        touched = session.execute(text("SELECT sha256 FROM temp.marked")).scalars().all()
        if touched:
            with speaking_of(self._path.parent):
                jsonlines.append(self._path, _lines(session, touched))
            session.execute(text("DELETE FROM temp.marked"))


def _watch(_: Session, __: object, connection: Connection) -> None:
    """Triggers live in the connection, not in the database: other versions and tools never meet them."""
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS marked (sha256 TEXT PRIMARY KEY)")
    for name, what in _TRIGGERS.items():
        connection.exec_driver_sql(f"CREATE TEMP TRIGGER IF NOT EXISTS {name} {what}; END")


def _lines(session: Session, touched: Sequence[str]) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for start in range(0, len(touched), _PART):
        part = touched[start : start + _PART]
        found = {row.sha256: row for row in _rows(session, part)}
        for sha256 in part:
            row = found.get(sha256)
            state = (
                PictureState(picture=sha256, at=now, gone=True) if row is None else PictureState.of(row, now)
            )
            yield state.line()


def _rows(session: Session, part: Sequence[str]) -> Iterable[ImageRow]:
    """As they are now in this transaction, also where they were changed past the session."""
    chosen = select(ImageRow).where(ImageRow.sha256.in_(part)).options(selectinload(ImageRow.tags))
    return session.scalars(chosen.execution_options(populate_existing=True)).all()


def _lines_of_all(session: Session) -> Iterator[dict[str, Any]]:
    """Not of pictures made here that nobody has said anything of: their files say it all."""
    now = datetime.now(UTC)
    chosen = select(ImageRow).options(selectinload(ImageRow.tags)).order_by(ImageRow.number)
    for part in session.scalars(chosen.execution_options(yield_per=_PART)).partitions():
        yield from (PictureState.of(row, now).line() for row in part if not _unmarked(row))


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
    return _without_time(line) == _without_time(state.line())


def _without_time(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "at"}
