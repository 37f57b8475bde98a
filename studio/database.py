"""The SQLite file: connections, transactions, schema upgrades.

Durable before fast: WAL with `synchronous=FULL`, so a committed row survives power loss. Knows how
to open, upgrade and talk to the database; knows none of its tables.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from pipelines.errors import StorageFailure
from studio import copies, durable
from studio.settings import PROGRAM
from studio.turns import FairLock

SCHEMA = "0008"
"""Revision the code works with: the newest file in `collection/migrations/versions`."""

BUSY_SECONDS = 20
_BEGIN = "likeness_begin"
_log = logging.getLogger(__name__)


class Database:
    """One SQLite file, brought to the current schema when opened.

    Thread-safe: every block gets its own connection. Raises StorageFailure where the file cannot be
    opened, written or read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._turns = FairLock()
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self.sessions = sessionmaker(self._writer, expire_on_commit=False)
        """Sessions that write; whoever wants to know of every change listens to their events."""
        with _spoken(path):
            _upgrade(path, self._engine, self._writer)

    @contextmanager
    def transaction(self) -> Generator[Session]:
        """A block that writes: all of it is kept, durably, or nothing.

        Takes the write lock at once, so what is read inside cannot change before the commit. Threads of
        this program take turns, however long that takes; another program is waited for BUSY_SECONDS. Blocks
        of one thread must not be nested.
        """
        with self._turns, _spoken(self.path), self.sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Generator[Session]:
        """A block that only reads, from one consistent state; never waits for writers."""
        with _spoken(self.path), Session(self._engine) as session:
            yield session

    def close(self) -> None:
        """Give the connections back; the last one folds the write-ahead log into the file."""
        self._engine.dispose()


def schema_of(connection: Connection) -> str | None:
    """Revision the file's schema is at; None for an empty file."""
    known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
    if known is None:
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _engine(path: Path) -> Engine:
    try:
        durable.make_folder(path.parent)
    except OSError as error:
        raise StorageFailure(f"The data folder {path.parent} cannot be made: {error.strerror}.") from error
    with contextlib.suppress(OSError):  # SQLite will say it
        durable.ensure(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=8,
        max_overflow=56,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS, as in `durable`; elsewhere it is nothing
    connection.execute("PRAGMA foreign_keys = ON")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _upgrade(path: Path, reader: Engine, writer: Engine) -> None:
    with reader.connect() as connection:
        found = schema_of(connection)
    if found == SCHEMA:
        return
    # Imported here: it takes longer than everything else of a start, and most starts need no upgrade.
    from studio.collection.migrations import knows, upgrade

    if found is not None:
        if not knows(found):
            raise StorageFailure(f"{path} was made by a later version of the studio. Update this one.")
        backup = _back_up(path, found)
        _log.info("Upgrading the database from %s to %s; a copy is kept as %s", found, SCHEMA, backup.name)
    with writer.begin() as connection:
        if schema_of(connection) == found:  # nobody else upgraded it while we waited for the lock
            upgrade(connection, SCHEMA)
    with contextlib.suppress(OSError):  # the next upgrade will
        copies.prune(path.parent)


def _back_up(path: Path, revision: str) -> Path:
    """A copy beside the database; under its name only once it is whole and on the disk."""
    target = path.with_name(f"{path.name}.{revision}-{copies.stamp()}.backup")
    unfinished = target.with_suffix(f".{os.getpid()}.unfinished")
    durable.ensure(unfinished)
    source, copy = sqlite3.connect(path), sqlite3.connect(unfinished)
    try:
        copy.execute("PRAGMA synchronous = FULL")
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    durable.replace(unfinished, target)
    durable.sync_folder(target.parent)
    return target


@contextmanager
def _spoken(path: Path) -> Generator[None]:
    """Turn SQLite's failures of disk and file into words; programming errors pass."""
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        words = _words(path, str(cause))
        if words is None:
            raise
        raise StorageFailure(words) from error


def _words(path: Path, message: str) -> str | None:
    folder = path.parent
    damaged = f"{path} is damaged. Stop the studio and run: {PROGRAM} collection rebuild"
    sentences = {
        "full": f"The disk of {folder} is full. Free some space and try again.",
        "readonly": f"The data folder {folder} is read-only. Make it writable or choose another --data-dir.",
        "unable to open": f"The database in {folder} cannot be opened. Check that the folder is writable.",
        "disk I/O error": f"The disk of {folder} cannot be written. Check its health and its free space.",
        "locked": "The database is busy with another program. Try again in a moment.",
        "malformed": damaged,
        "not a database": damaged,
    }
    return next((words for key, words in sentences.items() if key in message), None)
