"""The database file: pragmas, transactions of several writers, upgrades, and words for what goes wrong."""

from __future__ import annotations

import multiprocessing
import re
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from pipelines.errors import StorageFailure
from studio import database as database_module
from studio.collection import migrations
from studio.collection.models import Base, ImageRow, JobRow, TagRow
from studio.database import SCHEMA, Database


def job(name: str) -> JobRow:
    return JobRow(
        id=name, status="queued", request={}, model="m", mode="img2img", created_at=datetime.now(UTC)
    )


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(JobRow)) or 0


def test_connections_are_durable_and_strict(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")
    with database.reading() as session:
        pragma = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}


def test_migrations_make_what_the_models_say(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")
    with database.reading() as session:
        differences = compare_metadata(
            MigrationContext.configure(
                session.connection(), opts={"compare_type": True, "include_name": _is_not_search}
            ),
            Base.metadata,
        )
    assert differences == []


def _is_not_search(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and (name or "").startswith("image_search"))


def test_the_code_knows_the_newest_migration() -> None:
    assert migrations.newest() == SCHEMA


@pytest.mark.parametrize("name", ["with space", "50%", "a?b#c", "ärger 🎨", "%20", "a:b@c"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    database = Database(tmp_path / name / "likeness.db")
    with database.transaction() as session:
        session.add(job("a"))
    assert (tmp_path / name / "likeness.db").is_file()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")

    def fail_halfway() -> None:
        with database.transaction() as session:
            session.add(job("a"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert count(database) == 0


def test_committed_rows_are_there_for_the_next_start(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")
    when = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC)
    with database.transaction() as session:
        row = job("a")
        row.created_at, row.request = when, {"prompt": "ä 🎨 \"'"}
        session.add(row)
    database.close()
    with Database(tmp_path / "likeness.db").reading() as session:
        row = session.scalars(select(JobRow)).one()
        assert (row.created_at, row.request) == (when, {"prompt": "ä 🎨 \"'"})
        assert row.created_at.tzinfo is UTC


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")
    with database.transaction() as session:
        session.add(job("a"))
        session.flush()
        assert count(database) == 0
    assert count(database) == 1


def test_threads_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")

    def count_up() -> None:
        for _ in range(20):
            with database.transaction() as session:
                row = session.scalars(select(JobRow)).first() or job("counter")
                row.attempts = (row.attempts or 0) + 1
                session.add(row)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalars(select(JobRow.attempts)).one() == 80


def add_jobs(path: Path, prefix: str) -> None:
    database = Database(path)
    for number in range(20):
        with database.transaction() as session:
            session.add(job(f"{prefix}{number}"))
    database.close()


def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "likeness.db"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=add_jobs, args=(path, prefix)) for prefix in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert count(Database(path)) == 40


def test_foreign_keys_and_unique_pictures_are_enforced(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")
    with (
        pytest.raises(Exception, match="FOREIGN KEY constraint failed"),
        database.transaction() as session,
    ):
        session.add(TagRow(image_id="nobody", tag="x", position=0))
    with pytest.raises(Exception, match="UNIQUE constraint failed"), database.transaction() as session:
        session.add_all([job("a"), job("a")])


@pytest.fixture
def later_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The studio one version on: its next migration adds a column to `jobs`."""
    versions = Path(migrations.__file__).parent / "versions"
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "later.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        "revision = 'later'\n"
        f"down_revision = '{SCHEMA}'\n"
        "def upgrade():\n"
        "    op.add_column('jobs', sa.Column('mood', sa.String))\n"
    )
    plain_config = migrations._config

    def config() -> object:
        made = plain_config()
        made.set_main_option("path_separator", "newline")
        made.set_main_option("version_locations", f"{versions}\n{tmp_path / 'versions'}")
        return made

    monkeypatch.setattr(migrations, "_config", config)
    monkeypatch.setattr(database_module, "SCHEMA", "later")


def columns(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {line[1] for line in connection.execute("PRAGMA table_info(jobs)")}


def test_an_older_database_is_upgraded_and_a_copy_kept(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "likeness.db"
    database = Database(path)
    with database.transaction() as session:
        session.add(job("a"))
    database.close()

    request.getfixturevalue("later_schema")
    upgraded = Database(path)
    assert "mood" in columns(path)
    assert count(upgraded) == 1
    (backup,) = tmp_path.glob("likeness.db.*.backup")
    assert re.fullmatch(rf"likeness\.db\.{SCHEMA}-\d+-\d+\.backup", backup.name)
    assert "mood" not in columns(backup)
    upgraded.close()
    Database(path).close()
    assert len(list(tmp_path.glob("*.backup"))) == 1


@pytest.mark.usefixtures("later_schema")
def test_an_empty_database_goes_through_all_migrations(tmp_path: Path) -> None:
    Database(tmp_path / "likeness.db")
    assert "mood" in columns(tmp_path / "likeness.db")
    assert not list(tmp_path.glob("*.backup"))


def test_the_database_of_a_later_studio_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "likeness.db"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(StorageFailure, match="later version"):
        Database(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"This is my diary. " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_said_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "likeness.db").write_bytes(content)
    with pytest.raises(StorageFailure, match="collection rebuild"):
        Database(tmp_path / "likeness.db")


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailure, match="cannot be made"):
        Database(tmp_path / "file" / "data" / "likeness.db")


def test_rows_keep_their_defaults(tmp_path: Path) -> None:
    database = Database(tmp_path / "likeness.db")
    with database.transaction() as session:
        session.add(
            ImageRow(
                id="a", sha256="a", pixel_sha256="p", extension="png", mime="image/png", size_bytes=1,
                width=1, height=1, plain=True, category="upload", label="x", created_at=datetime.now(UTC),
            )
        )  # fmt: skip
    with database.reading() as session:
        row = session.scalars(select(ImageRow)).one()
        assert (row.starred, row.notes, row.provenance, row.request, row.trashed_at) == (
            False, [], {}, None, None,
        )  # fmt: skip
