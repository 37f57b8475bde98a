"""The journal of characters and designs: no picture file holds them, and a lost database would lose them.

    {"table": "characters", "at": "…", "n": 41, "row": {"id": "…", "name": "Mara", …}}
    {"table": "character_versions", "at": "…", "n": 42, "gone": {"id": "…"}}

One line per row and change, holding the row as SQLite has it: the last line counts. As with the journal of
pictures, triggers note what a transaction touched, lines are written and synced just before its commit and
taken back where that fails; a crash between the two leaves lines too many, which the next start makes good.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from studio import jsonlines
from studio.collection import numbering
from studio.collection.store import speaking_of
from studio.database import Database
from studio.json_values import is_object

TABLES: Mapping[str, tuple[str, ...]] = {
    "designs": ("id",),
    "design_references": ("design_id", "image_id"),
    "characters": ("id",),
    "blueprints": ("character_id",),
    "character_versions": ("id",),
    "character_references": ("character_id", "image_id"),
    "character_runs": ("id",),
    "character_jobs": ("job_id",),
}
"""What is written down, each with its key; rows come after those they point at."""
_Row = dict[str, Any]
_Key = tuple[str, str]
"""Table, and the row's key as JSON."""
Rows = dict[_Key, _Row]
Changes = dict[_Key, _Row | None]


class CharacterJournal:
    """The journal of one data folder. Methods raise StorageFailure where the disk fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def follow(self, database: Database) -> None:
        """Write down every change that is committed through `database` from now on."""
        numbering.follow(database)
        event.listen(database.sessions, "after_begin", _watch)
        event.listen(database.sessions, "before_commit", self._write)

    def rows(self) -> Rows:
        """What was last said of each row that is not gone."""
        said = _last(numbering.read(self._path))
        return {key: line["row"] for key, line in said.items() if "row" in line}

    def changes(self, since: int) -> Changes:
        """What transactions after the one of this number last said of each row; None: it is gone."""
        said = _last(numbering.newest(self._path, since + 1))
        return {key: line.get("row") for key, line in said.items()}

    def exists(self) -> bool:
        """Anything was ever written down."""
        return self._path.exists()

    def last_number(self) -> int:
        """The newest transaction it knows."""
        return numbering.last_written(self._path)

    def write_anew(self, database: Database) -> None:
        """Replace it by one line per row."""
        now = _now()
        with database.reading() as session, speaking_of(self._path.parent):
            number = numbering.last_committed(session)
            lines = (_line(table, row, now, number) for table in TABLES for row in _all(session, table))
            jsonlines.replace(self._path, lines)

    def settle(self, database: Database) -> None:
        """Make good what the last lines say too much, where their commit failed or never came.

        Only for a database that knows every transaction but the newest: of an older one, it would write down
        as gone what that does not know.
        """
        with database.reading() as session:
            number = numbering.last_committed(session)
            last = _last(numbering.newest(self._path, number))
            number = max((number, *map(numbering.number, last.values())))
            now = {key: _said(session, *key, number) for key in last}
        self._append(line for key, line in now.items() if not _agree(line, last[key]))

    def complete(self, database: Database) -> None:
        """Add what the database says and it does not: of rows that are gone, too, as `settle`."""
        said = self.rows()
        with database.reading() as session:
            number = numbering.last_committed(session)
            keys = said.keys() | rows_of(session).keys()
            now = {key: _said(session, *key, number) for key in sorted(keys)}
        self._append(line for key, line in now.items() if line.get("row") != said.get(key))

    def disagrees(self, database: Database) -> tuple[str, ...]:
        """Rows of which it does not say what the database says, as “table key”."""
        said = self.rows()
        with database.reading() as session:
            wanted = rows_of(session)
        wrong = {key for key in said.keys() | wanted.keys() if said.get(key) != wanted.get(key)}
        return tuple(sorted(" ".join(key) for key in wrong))

    def _write(self, session: Session) -> None:
        session.flush()
        touched = session.execute(text("SELECT kind, key FROM temp.marked_rows ORDER BY rowid")).all()
        if touched:
            number = numbering.number_of(session)
            numbering.write(session, self._path, [_said(session, kind, key, number) for kind, key in touched])
            session.execute(text("DELETE FROM temp.marked_rows"))

    def _append(self, lines: Iterable[_Row]) -> None:
        with speaking_of(self._path.parent):
            jsonlines.append(self._path, lines)


def rows_of(session: Session) -> Rows:
    """All rows of a database, as the journal would say them."""
    return {_key(table, row): row for table in TABLES for row in _all(session, table)}


def restore(session: Session, rows: Rows) -> None:
    """Put rows into a database that has none of them; what points at pictures that are gone is left out.

    Columns that this schema does not know are left out, too.
    """
    session.execute(text("PRAGMA defer_foreign_keys = ON"))
    for table in TABLES:
        known = {column.name for column in session.execute(text(f"PRAGMA table_info({table})"))}
        for row in (row for (kind, _), row in rows.items() if kind == table):
            _insert(session, table, {name: value for name, value in row.items() if name in known})
    for table in TABLES:
        _drop_dangling(session, table)


def _watch(_: Session, __: object, connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TEMP TABLE IF NOT EXISTS marked_rows (kind TEXT, key TEXT, PRIMARY KEY (kind, key))"
    )
    for table, key in TABLES.items():
        for what, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            values = ", ".join(f"{row}.{column}" for column in key)
            connection.exec_driver_sql(
                f"CREATE TEMP TRIGGER IF NOT EXISTS {table}_{what} AFTER {what} ON main.{table} BEGIN "
                f"INSERT OR IGNORE INTO marked_rows VALUES ('{table}', json_array({values})); END"
            )


def _insert(session: Session, table: str, row: _Row) -> None:
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    session.execute(text(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"), row)


def _drop_dangling(session: Session, table: str) -> None:
    """Where a row points at nothing: without that, where it can be without, else no row."""
    needed = {
        column.name for column in session.execute(text(f"PRAGMA table_info({table})")) if column.notnull
    }
    columns = {key.id: key[3] for key in session.execute(text(f"PRAGMA foreign_key_list({table})"))}
    for fault in session.execute(text(f"PRAGMA foreign_key_check({table})")).all():
        column = columns[fault.fkid]
        change = f"DELETE FROM {table}" if column in needed else f"UPDATE {table} SET {column} = NULL"
        session.execute(text(f"{change} WHERE rowid = :row"), {"row": fault.rowid})


def _all(session: Session, table: str) -> Iterator[_Row]:
    for row in session.execute(text(f"SELECT * FROM {table}")).mappings():
        yield dict(row)


def _said(session: Session, table: str, key: str, number: int) -> _Row:
    values = dict(zip(TABLES[table], json.loads(key), strict=True))
    where = " AND ".join(f"{column} = :{column}" for column in values)
    row = session.execute(text(f"SELECT * FROM {table} WHERE {where}"), values).mappings().first()
    if row is None:
        return {"table": table, "at": _now(), "n": number, "gone": values}
    return _line(table, dict(row), _now(), number)


def _line(table: str, row: _Row, at: str, number: int) -> _Row:
    return {"table": table, "at": at, "n": number, "row": row}


def _last(lines: Iterable[_Row]) -> Rows:
    found: Rows = {}
    for line in lines:
        said = line.get("row", line.get("gone"))
        table = str(line.get("table"))
        if is_object(said) and table in TABLES and all(name in said for name in TABLES[table]):
            found[_key(table, said)] = line
    return found


def _key(table: str, row: _Row) -> _Key:
    return table, json.dumps([row[column] for column in TABLES[table]], separators=(",", ":"))


def _agree(line: _Row, other: _Row) -> bool:
    return line.get("row") == other.get("row")


def _now() -> str:
    return datetime.now(UTC).isoformat()
