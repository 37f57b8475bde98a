"""Journals against the database: whoever knows more is believed, and what was refused is in neither."""

from __future__ import annotations

import errno
import gc
import io
import os
import shutil
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from pipelines.errors import StorageFailure
from studio import jsonlines
from studio.collection import numbering
from studio.collection.ingesting import FolderIngest
from studio.collection.maintenance import mend, rebuild, verify
from studio.collection.queries import Filter
from studio.database import Database
from studio.settings import Settings
from tests.studio.characters.conftest import as_cast
from tests.studio.characters.test_durable import everything, live
from tests.studio.crashes import crash_before_commit
from tests.studio.fixtures import Durable, _empty_database, open_durable, picture, upload


def drop(settings: Settings, how: str) -> None:
    for part in settings.data_dir.glob("likeness.db*"):
        part.unlink()
    if how == "emptied":
        settings.database.write_bytes(b"")


def start(settings: Settings) -> None:
    """What a start does to the data folder, the database made anew where it isn't there."""
    Database(settings.database).close()
    with open_durable(settings.data_dir.parent) as durable:
        durable.collection.reconcile()


def repair(settings: Settings, step: str) -> None:
    match step:
        case "start":
            start(settings)
        case "rebuild":
            assert rebuild(settings).healthy
        case "mend":
            assert mend(settings, verify(settings), ()).healthy
        case _:
            drop(settings, step)


def all_said(durable: Durable) -> list[Any]:
    marks = {sha: (s.label, s.starred, s.tags) for sha, s in durable.collection.journal.states().items()}
    return [*everything(as_cast(durable)), marks]


@pytest.mark.parametrize("how", ["deleted", "emptied"])
@pytest.mark.parametrize(
    "steps",
    [
        ("start",),
        ("rebuild",),
        ("start", "rebuild"),
        ("start", "mend"),
        ("mend",),
        ("start", "deleted", "rebuild"),
        ("start", "deleted", "start", "start"),
    ],
    ids="-".join,
)
def test_a_lost_database_costs_nothing_that_the_journals_know(
    tmp_path: Path, how: str, steps: tuple[str, ...]
) -> None:
    with open_durable(tmp_path) as durable:
        live(as_cast(durable))
        star = upload(durable, 40, "Ana.png")
        durable.collection.update(star.id, starred=True, tags=("red",))
        before, settings = all_said(durable), durable.settings
    drop(settings, how)
    for step in steps:
        repair(settings, step)
    with open_durable(tmp_path) as durable:
        assert all_said(durable) == before
    assert verify(settings).healthy


@pytest.mark.parametrize("step", ["start", "rebuild", "mend"])
def test_a_database_out_of_a_backup_is_brought_up_to_the_journals(tmp_path: Path, step: str) -> None:
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        kept, gone = studio.character("Mara", 1), studio.character("Gone", 2)
        one, other, thrown = (upload(durable, seed) for seed in (40, 41, 42))
        settings = durable.settings
    shutil.copy(settings.database, tmp_path / "backup.db")
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        durable.collection.update(one.id, starred=True)
        durable.collection.update(other.id, name="Nonna")
        durable.collection.trash(thrown.id)
        durable.collection.bin.empty(1)
        studio.characters.delete(gone.id)
        studio.characters.change(kept.id, name="Nora", description="later")
        studio.character("Later", 3)
        before = all_said(durable)
    drop(settings, "deleted")
    shutil.copy(tmp_path / "backup.db", settings.database)
    repair(settings, step)
    with open_durable(tmp_path) as durable:
        assert all_said(durable) == before
    assert verify(settings).healthy


def test_a_repair_keeps_the_journals_as_they_were(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        as_cast(durable).character("Mara", 1)
        settings = durable.settings
    was = [path.read_bytes() for path in (settings.journal, settings.character_journal)]
    rebuild(settings)
    kept = sorted(settings.data_dir.glob("*.before-rebuild"))
    assert [path.read_bytes() for path in kept if ".jsonl." in path.name] == was[::-1]


def test_what_is_said_of_a_damaged_file_outlives_a_rebuild(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        one = upload(durable)
        durable.collection.update(one.id, starred=True)
        path, settings = durable.collection.file(one.id)[0], durable.settings
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert not rebuild(settings).healthy
    path.write_bytes(whole)
    with open_durable(tmp_path) as durable:
        durable.collection.reconcile()
        assert durable.collection.get(one.id).starred


def test_a_journal_that_lost_lines_gets_them_back(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        studio = as_cast(durable)
        studio.character("Mara", 1)
        settings = durable.settings
        before = [path.read_bytes() for path in (settings.journal, settings.character_journal)]
        studio.character("Later", 2)
    settings.journal.write_bytes(before[0])
    settings.character_journal.write_bytes(before[1])
    assert not verify(settings).healthy
    start(settings)
    assert verify(settings).healthy


def test_a_folder_of_an_earlier_version_that_lost_its_cast_has_it_back(tmp_path: Path) -> None:
    """Transactions had no numbers; a start beside the journals made a database without characters."""
    with open_durable(tmp_path) as durable:
        as_cast(durable).character("Mara", 1)
        before, settings = everything(as_cast(durable)), durable.settings
    for path in (settings.journal, settings.character_journal):
        lines = [{k: v for k, v in line.items() if k != "n"} for line in jsonlines.read(path)]
        jsonlines.replace(path, lines)
    with sqlite3.connect(settings.database) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM characters")
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    start(settings)
    with open_durable(tmp_path) as durable:
        assert everything(as_cast(durable)) == before


# --- what is refused ------------------------------------------------------------------------------


@contextmanager
def full(durable: Durable) -> Generator[None]:
    """Lines can be written, commits cannot."""

    def refuse(_: Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    engine = durable.database._engine
    event.listen(engine, "commit", refuse)
    try:
        yield
    finally:
        event.remove(engine, "commit", refuse)


def _changes(durable: Durable, ids: list[str], character_id: str) -> list[Callable[[], object]]:
    studio = as_cast(durable)
    return [
        lambda: durable.collection.update(ids[0], starred=True, tags=("ghost",)),
        lambda: durable.collection.trash(ids[1]),
        lambda: durable.collection.trash(ids[2]),
        lambda: studio.characters.create("Ghost"),
        lambda: studio.characters.delete(character_id),
    ]


def _refused(durable: Durable) -> None:
    ids = [upload(durable, seed).id for seed in range(3)]
    kept = as_cast(durable).character("Real", 4)
    changes = _changes(durable, ids, kept.id)
    with full(durable):
        for change in changes:
            with pytest.raises(StorageFailure, match="full"):
                change()


def test_what_was_refused_leaves_no_line(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        _refused(durable)
        before, settings = all_said(durable), durable.settings
    assert verify(settings).healthy
    drop(settings, "deleted")
    rebuild(settings)
    with open_durable(tmp_path) as durable:
        assert all_said(durable) == before


def _meanwhile(durable: Durable) -> None:
    """Somebody else takes the same in; then the own row is refused."""
    durable.collection.add_upload(io.BytesIO(picture(21)), "imported.png")
    raise StorageFailure("The disk is full.")


def test_pictures_that_were_refused_are_not_taken_in_by_the_next_start(tmp_path: Path) -> None:
    """Nor are those taken away that another upload of the same keeps."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    folder.joinpath("imported.png").write_bytes(picture(21))
    with open_durable(tmp_path) as durable:
        known = upload(durable, 20)
        ingest = FolderIngest(
            durable.collection.store, durable.collection.database, durable.collection.placing
        )
        prepared = ingest.prepare(folder / "imported.png")
        assert prepared is not None
        with full(durable):
            with pytest.raises(StorageFailure, match="full"):
                upload(durable, 22)
            with pytest.raises(StorageFailure, match="full"):
                ingest.keep([prepared])
        assert verify(durable.settings).healthy
        with pytest.raises(StorageFailure), durable.collection.placing.of([prepared.file.name]):
            _meanwhile(durable)
    with open_durable(tmp_path) as durable:
        assert len(durable.collection.reconcile().adopted) == 0
        shown = durable.collection.gallery.page(Filter(), None, 10).items
        assert [one.label for one in shown] == ["imported.png", known.label]
        assert durable.collection.file(shown[0].id)


def test_lines_that_could_not_be_taken_back_at_once_are_void(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with open_durable(tmp_path) as durable:
        one = upload(durable)
        before = durable.settings.journal.read_bytes()
        with monkeypatch.context() as patch, full(durable):
            patch.setattr(os, "ftruncate", fail)
            with pytest.raises(StorageFailure):
                durable.collection.update(one.id, starred=True)
            assert durable.settings.journal.read_bytes() != before
            with pytest.raises(StorageFailure, match="cannot be used"):
                durable.collection.update(one.id, starred=True)
        durable.collection.update(one.id, name="Nonna")
        assert not durable.collection.journal.states()[one.sha256].starred
        assert verify(durable.settings).healthy


def test_every_database_that_a_process_opens_is_followed(tmp_path: Path) -> None:
    """One may lie in memory where another lay that is gone."""
    gc.freeze()  # what is collected sixty times is what is made here
    for number in range(60):
        shutil.copy(_empty_database(), tmp_path / f"{number}.db")
        database = Database(tmp_path / f"{number}.db")
        numbering.follow(database)
        session: Any = database.sessions()
        listeners = [each.__name__ for each in session.dispatch.after_rollback]
        session.close()
        database.close()
        assert numbering._take_back.__name__ in listeners
        del database, session
        gc.collect()
    gc.unfreeze()


def test_void_lines_of_the_last_process_are_made_good_in_both_journals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_durable(tmp_path) as durable:
        one = upload(durable)
        studio = as_cast(durable)
        with crash_before_commit(monkeypatch):
            durable.collection.update(one.id, starred=True)
        with crash_before_commit(monkeypatch):
            durable.collection.update(one.id, starred=True, tags=("ghost",))
        studio.characters.create("Later")  # the same number, in the other journal
        settings = durable.settings
    start(settings)
    assert verify(settings).healthy
    drop(settings, "deleted")
    start(settings)
    with open_durable(tmp_path) as durable:
        assert not durable.collection.get(one.id).starred
        assert [each.name for each in as_cast(durable).characters.list()] == ["Later"]
