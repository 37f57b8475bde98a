"""A database that knows less than the journals is brought up to them: a new one, or one out of a backup.

What the journals say of later transactions is done once more, and what the database says otherwise stays.
Before that, files without a row must have theirs. Nobody else may be at work.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from studio.collection import character_journal, character_links, numbering, queries
from studio.collection.character_journal import TABLES, Changes, CharacterJournal, Rows
from studio.collection.journal import Journal, PictureState
from studio.collection.models import ImageRow
from studio.collection.store import ImageStore
from studio.database import Database

EVERYTHING = -1
"""Also what was written down before transactions were numbered."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The database knows transactions up to `known` (`EVERYTHING`: none), the journals up to `last`."""

    known: int
    last: int


def behind(database: Database, journal: Journal, characters: CharacterJournal) -> Backlog | None:
    """How far it is behind; None where the two are in step, or the journals have lost lines."""
    with database.reading() as session:
        known, empty = numbering.last_committed(session), is_empty(session)
    last = max(journal.last_number(), characters.last_number())
    if empty and known == 0 and (journal.exists() or characters.exists()):
        return Backlog(EVERYTHING, last)
    return Backlog(known, last) if last > known + 1 else None


def is_empty(session: Session) -> bool:
    """No pictures, characters and designs."""
    tables = ("images", *TABLES)
    return not any(session.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).first() for table in tables)


def catch_up(
    database: Database, store: ImageStore, journal: Journal, characters: CharacterJournal, found: Backlog
) -> None:
    """Do what the journals know and the database does not, all or nothing. Raises StorageFailure."""
    states, changes = journal.changes(found.known), characters.changes(found.known)
    with database.transaction() as session:
        rows = merged(character_journal.rows_of(session), changes)
        _empty(session)
        _mark_pictures(session, store, states)
        character_journal.restore(session, rows)
        character_links.link_all(session)
        numbering.caught_up(session, found.last)
    _log.warning(
        "The database knew less than the journals: they told of %d pictures and %d rows of characters",
        len(states),
        len(changes),
    )


def add_missing(database: Database, characters: CharacterJournal) -> None:
    """Give a database whose transactions were never numbered the rows of characters that it lacks.

    An earlier version may have made it anew beside a journal.
    """
    said = characters.rows()
    with database.reading() as session:
        known = character_journal.rows_of(session)
    if said.keys() - known.keys():
        with database.transaction() as session:
            _empty(session)
            character_journal.restore(session, said | known)
            character_links.link_all(session)


def merged(rows: Rows, changes: Changes) -> Rows:
    """Rows after these changes."""
    wanted: Mapping[tuple[str, str], dict[str, object] | None] = {**rows, **changes}
    return {key: row for key, row in wanted.items() if row is not None}


def _empty(session: Session) -> None:
    for table in reversed(tuple(TABLES)):
        session.execute(text(f"DELETE FROM {table}"))


def _mark_pictures(session: Session, store: ImageStore, states: Mapping[str, PictureState]) -> None:
    for row in session.scalars(select(ImageRow)).all() if states else ():
        state = states.get(row.sha256)
        if state is None or state.says(row):
            continue
        if not state.gone:
            state.apply(session, row)
        elif not store.path(row.sha256, row.extension).exists():
            queries.drop_from_index(session, row)
            session.execute(delete(ImageRow).where(ImageRow.number == row.number))
