"""Databases of every released schema become today's, with a copy of the old one beside them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from studio import database as database_module
from studio.collection import lineage, listings, queries
from studio.collection.models import Base
from studio.collection.queries import Filter
from studio.database import SCHEMA, Database
from studio.records import Sort

_PICTURE = (
    "INSERT INTO images (id, sha256, pixel_sha256, extension, mime, size_bytes, width, height, plain, "
    "category, label, name, model, created_at, starred, trashed_at, job_id, batch_index, seed, request, "
    "notes, provenance) "
    "VALUES (:id, :id, :id, 'png', 'image/png', 10, 8, 8, 1, :category, :label, :name, :model, :created_at, "
    ":starred, :trashed_at, :job_id, 0, 5, :request, '[]', '{}')"
)


def make_first_schema(path: Path, monkeypatch: pytest.MonkeyPatch, pictures: int = 6) -> None:
    """A database as the first release left it: an upload, and edits each of the one before."""
    monkeypatch.setattr(database_module, "SCHEMA", "0001")
    Database(path).close()
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(pictures):
            _add(connection, number)
        connection.execute("INSERT INTO image_tags VALUES ('p1', 'Hero', 0)")


def _add(connection: sqlite3.Connection, number: int) -> None:
    request = {"mode": "img2img", "model": "tiny", "prompt": f"moonlit number{number}"} if number else None
    connection.execute(
        _PICTURE,
        {
            "id": f"p{number}",
            "category": "edited" if number else "upload",
            "label": f"Label {number}",
            "name": "Zoë" if number == 2 else None,
            "model": "tiny" if number else None,
            "created_at": f"2026-01-01 00:00:{min(number, 3):02d}.000000",
            "starred": number == 1,
            "trashed_at": "2026-02-01 00:00:00.000000" if number == 4 else None,
            "job_id": f"job{number}" if number else None,
            "request": json.dumps(request) if request else None,
        },
    )
    if number:
        edge = (f"p{number}", 0, "source", 1.0, f"p{number - 1}", f"p{number - 1}")
        connection.execute("INSERT INTO image_parents VALUES (?, ?, ?, ?, ?, ?)", edge)


def check(path: Path, pictures: int = 6) -> None:
    """Everything is there, in order, searchable, and as the models say."""
    with closing(Database(path)) as database, database.reading() as session:
        page = listings.page(session, Filter(), None, 1000, Sort.NEWEST)
        assert [record.id for record in page.items[-3:]] == ["p2", "p1", "p0"]
        assert len(page.items) == pictures - 1
        found = listings.page(session, Filter(query="hero moonlit"), None, 10, Sort.NEWEST)
        assert [(record.id, record.tags, record.starred) for record in found.items] == [
            ("p1", ("Hero",), True)
        ]
        assert found.items[0].mode == "img2img"
        assert listings.ids(session, Filter(query="zoe"), Sort.NAME).ids == ("p2",)
        assert listings.ids(session, Filter(trashed=True), Sort.NEWEST).ids == ("p4",)
        assert listings.ids(session, Filter(has_references=False), Sort.NEWEST).ids == ("p0",)
        last = queries.row(session, f"p{pictures - 1}")
        assert last.depth == pictures - 1
        assert len(lineage.line(session, last)) == pictures
        same = {row.number for row in lineage.line(session, last)}
        assert len(same) == pictures
        context = MigrationContext.configure(
            session.connection(),
            opts={
                "compare_type": True,
                "include_name": lambda n, k, _: not (n or "").startswith("image_search"),
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_the_first_schema_becomes_todays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "likeness.db"
    make_first_schema(path, monkeypatch)
    before = _dump(path)
    check(path)
    (backup,) = tmp_path.glob("likeness.db.0001-*.backup")
    assert _dump(backup) == before
    assert _revision(path) == SCHEMA


def test_the_second_schema_becomes_todays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "likeness.db"
    make_first_schema(path, monkeypatch)
    monkeypatch.setattr(database_module, "SCHEMA", "0002")
    Database(path).close()
    monkeypatch.undo()
    check(path)
    copies = {_revision(copy) for copy in tmp_path.glob("*.backup")}
    assert copies == {"0001", "0002"}
    assert _revision(path) == SCHEMA


def test_sweeps_of_before_are_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "likeness.db"
    monkeypatch.setattr(database_module, "SCHEMA", "0007")
    Database(path).close()
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO sweeps VALUES ('s', '2026-01-01', '{}', '[\"one\", \"other\"]')")
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT job_id, sweep_id, position FROM sweep_jobs").fetchall()
    assert rows == [("one", "s", 0), ("other", "s", 1)]


def test_an_empty_first_schema_becomes_todays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "likeness.db"
    monkeypatch.setattr(database_module, "SCHEMA", "0001")
    Database(path).close()
    monkeypatch.undo()
    with closing(Database(path)) as database, database.reading() as session:
        assert listings.ids(session, Filter(), Sort.NEWEST).total == 0


@pytest.mark.kill
def test_kills_amid_a_migration_leave_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first.db"
    make_first_schema(first, monkeypatch, pictures=40)
    opening = [sys.executable, "-c", _OPEN]
    path = tmp_path / "0" / "likeness.db"
    seconds = _time_of(opening, _copy(first, path))
    check(path, 40)
    for number in range(1, 4):
        path = tmp_path / str(number) / "likeness.db"
        process = subprocess.Popen([*opening, str(_copy(first, path))], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds * number / 4)
        process.kill()
        process.wait()
        process.stdout.close()
        assert _revision(path) in ("0001", SCHEMA)
        check(path, 40)
        assert [_revision(each) for each in path.parent.glob("*.backup")][:1] == ["0001"]


_OPEN = (
    "import sys, pathlib, studio.database as d, studio.collection.migrations\n"
    "print('now', flush=True)\n"
    "d.Database(pathlib.Path(sys.argv[1])).close()\n"
)


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir()
    target.write_bytes(source.read_bytes())
    return target


def _time_of(opening: list[str], path: Path) -> float:
    with subprocess.Popen([*opening, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        assert process.wait() == 0
        return time.monotonic() - began


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def _revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
