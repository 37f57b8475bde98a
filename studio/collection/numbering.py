"""Transactions that write into a journal are numbered, so that a start sees which of the two knows more.

The number is in the lines (`n`) and, committed with the rows, in the database (SQLite's `user_version`).
Lines are written just before the commit and taken back where it fails. After a crash the journals are at most
one number ahead: those lines are void. Further ahead, the database is an older one, or a new one, and the
journals know better. Behind, journals lost lines.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session, sessionmaker

from studio import jsonlines
from studio.collection.store import speaking_of
from studio.database import Database

_NUMBER = "journal number"
_WRITTEN = "journal lines"
_TAIL_BYTES = 2**20
_LIMIT = 2**31
"""SQLite keeps the number in 32 bits, one for the sign."""
Lines = Iterable[Mapping[str, Any]]
_followed: weakref.WeakSet[sessionmaker[Session]] = weakref.WeakSet()


def follow(database: Database) -> None:
    """Keep what `write` wrote when its transaction is committed, and take it back when it is not."""
    if database.sessions not in _followed:  # `event.contains` takes one for another that was there before it
        _followed.add(database.sessions)
        event.listen(database.sessions, "after_commit", _keep)
        event.listen(database.sessions, "after_rollback", _take_back)


def number_of(session: Session) -> int:
    """This transaction's; the same for all that is written in it."""
    if _NUMBER not in session.info:
        session.info[_NUMBER] = last_committed(session) + 1
        _set(session, session.info[_NUMBER])
    return session.info[_NUMBER]


def write(session: Session, path: Path, lines: Lines) -> None:
    """Append lines that stay if the transaction does. Raises StorageFailure."""
    with speaking_of(path.parent):
        if appended := jsonlines.begin(path, lines):
            session.info.setdefault(_WRITTEN, []).append(appended)


def last_committed(session: Session) -> int:
    """The number of the newest transaction that this database knows; 0: none was ever numbered."""
    return session.execute(text("PRAGMA user_version")).scalar_one()


def last_written(path: Path) -> int:
    """The highest number in a journal; 0 where there is none. Raises StorageFailure."""
    with speaking_of(path.parent):
        said = jsonlines.tail(path, _TAIL_BYTES)
        return max(map(number, said or jsonlines.read(path)), default=0)


def newest(path: Path, since: int) -> list[dict[str, Any]]:
    """The lines of transactions from `since` on, in order; few, mostly. Raises StorageFailure."""
    with speaking_of(path.parent):
        said = jsonlines.tail(path, _TAIL_BYTES)
        if all(number(line) >= since for line in said):
            said = list(jsonlines.read(path))
    return [_storable(line) for line in said if number(line) >= since]


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of a journal, in order, its texts such that they can be stored. Raises StorageFailure."""
    with speaking_of(path.parent):
        yield from map(_storable, jsonlines.read(path))


def _storable(line: dict[str, Any]) -> dict[str, Any]:
    """Half of a surrogate pair can be written in JSON and is no text."""
    try:
        json.dumps(line, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.loads(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace"))
    return line


def number(line: Mapping[str, Any]) -> int:
    """Of a line; 0 where it has none."""
    found = line.get("n")
    return found if isinstance(found, int) and 0 < found < _LIMIT else 0


@contextmanager
def held(database: Database, number: int) -> Generator[None]:
    """What is written in the block has this number, which the database does not take over.

    So that a crash amid bringing a database up to its journals leaves it as old as it was.
    """
    database.sessions.configure(info={_NUMBER: number})
    try:
        yield
    finally:
        database.sessions.configure(info={})


def caught_up(session: Session, number: int) -> None:
    """With this transaction, the database knows all up to `number`."""
    _set(session, number)


def _set(session: Session, number: int) -> None:
    session.execute(text(f"PRAGMA user_version = {int(number)}"))


def _written(session: Session) -> Iterator[jsonlines.Appended]:
    yield from session.info.pop(_WRITTEN, ())


def _keep(session: Session) -> None:
    for appended in _written(session):
        appended.keep()


def _take_back(session: Session) -> None:
    for appended in _written(session):
        appended.take_back()
