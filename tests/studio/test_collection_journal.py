"""The journal: whatever changes what is said of a picture is written down, and nothing else is."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from pipelines.errors import StorageFailure
from studio import jsonlines
from studio.collection import recovery, rows
from studio.collection.bulk import Action
from studio.collection.journal import PictureState
from studio.records import Rights
from tests.kill.processes import context
from tests.studio.crashes import crash_at, crash_before_commit
from tests.studio.fixtures import Durable, open_durable, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def state(durable: Durable, sha256: str) -> PictureState:
    return durable.collection.journal.states()[sha256]


def test_an_upload_is_written_down_and_a_made_picture_says_it_all_itself(durable: Durable) -> None:
    loaded = upload(durable, filename="Ana.png")
    made = save(durable)
    assert set(durable.collection.journal.states()) == {loaded.sha256}
    said = state(durable, loaded.sha256)
    assert (said.label, said.category, said.created_at) == ("Ana.png", loaded.category, loaded.created_at)
    durable.collection.update(made.id, starred=True)
    assert state(durable, made.sha256).starred


def test_every_mark_is_written_down(durable: Durable) -> None:
    one = upload(durable)
    rights = Rights(source="my own photo", consent="release signed")
    durable.collection.update(
        one.id, starred=True, name="Nonna", tags=("red", "Hair"), rights=rights, anchor=True
    )
    said = state(durable, one.sha256)
    assert (said.starred, said.name, said.tags, said.rights, said.anchor) == (
        True,
        "Nonna",
        ("red", "Hair"),
        rights,
        True,
    )
    durable.collection.trash(one.id)
    assert state(durable, one.sha256).trashed_at is not None
    durable.collection.restore(one.id)
    assert state(durable, one.sha256).trashed_at is None


def test_changes_of_many_and_past_all_our_code_are_written_down(durable: Durable) -> None:
    pictures = [upload(durable, seed=n) for n in range(3)]
    durable.collection.gallery.bulk([p.id for p in pictures], Action.TAG, "red")
    assert [state(durable, p.sha256).tags for p in pictures] == [("red",)] * 3
    with durable.database.transaction() as session:
        session.execute(text("UPDATE images SET starred = 1"))
        session.execute(text("DELETE FROM image_tags"))
    for picture in pictures:
        said = state(durable, picture.sha256)
        assert (said.starred, said.tags) == (True, ())


def test_what_is_emptied_from_the_trash_is_gone(durable: Durable) -> None:
    one, other = upload(durable, seed=1), upload(durable, seed=2)
    durable.collection.trash(one.id)
    durable.collection.bin.empty(1)
    assert set(durable.collection.journal.states()) == {other.sha256}
    assert upload(durable, seed=1).id == one.id
    assert set(durable.collection.journal.states()) == {one.sha256, other.sha256}


def _star_and_fail(durable: Durable) -> None:
    with durable.database.transaction() as session:
        session.execute(text("UPDATE images SET starred = 1"))
        raise RuntimeError


def test_a_change_that_is_undone_is_not_written_down(durable: Durable) -> None:
    one = upload(durable)
    before = durable.settings.journal.read_bytes()
    with pytest.raises(RuntimeError):
        _star_and_fail(durable)
    durable.collection.costs()
    with durable.database.transaction() as session:
        session.execute(text("UPDATE images SET depth = 3"))
    assert durable.settings.journal.read_bytes() == before
    assert not durable.collection.get(one.id).starred


def test_a_journal_that_cannot_be_written_undoes_the_change(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = upload(durable)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(jsonlines, "begin", full)
        with pytest.raises(StorageFailure, match="full"):
            durable.collection.update(one.id, starred=True)
    assert not durable.collection.get(one.id).starred
    durable.collection.update(one.id, starred=True)
    assert state(durable, one.sha256).starred


def test_an_older_collection_gets_its_journal_at_the_next_start(durable: Durable) -> None:
    one = upload(durable)
    durable.collection.update(one.id, tags=("red",))
    durable.settings.journal.unlink()
    durable.collection.reconcile()
    assert state(durable, one.sha256).tags == ("red",)
    assert durable.collection.journal.disagrees(durable.database) == ()


def test_a_large_older_collection_gets_its_journal_part_by_part(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.collection.journal._PART", 2)
    kept = {upload(durable, seed).sha256 for seed in range(5)}
    durable.settings.journal.unlink()
    durable.collection.reconcile()
    assert set(durable.collection.journal.states()) == kept


@pytest.mark.parametrize("many", [1, 3])
def test_what_a_crash_before_the_commit_left_in_it_is_taken_back(
    durable: Durable, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    ids = [upload(durable, seed=n).id for n in range(3)][:many]
    with crash_before_commit(monkeypatch):
        durable.collection.gallery.bulk(ids, Action.STAR)
    assert len(durable.collection.journal.disagrees(durable.database)) == many
    durable.collection.reconcile()
    assert durable.collection.journal.disagrees(durable.database) == ()
    before = durable.settings.journal.read_bytes()
    durable.collection.reconcile()
    assert durable.settings.journal.read_bytes() == before


def test_what_a_crash_left_is_taken_back_though_files_are_adopted_after_it(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread was putting a picture into the trash while another had stored a file without its row yet."""
    one = upload(durable)
    with crash_at(monkeypatch, rows, "add_loaded"):
        upload(durable, seed=1)
    with crash_before_commit(monkeypatch):
        durable.collection.trash(one.id)
    (adopted,) = durable.collection.reconcile().adopted
    assert durable.collection.journal.disagrees(durable.database) == ()
    assert {one.sha256, durable.collection.get(adopted).sha256} == set(durable.collection.journal.states())


def test_what_was_said_of_a_file_without_a_row_waits_for_its_adoption(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with crash_before_commit(monkeypatch):
        upload(durable, filename="Ana.png")
    with crash_at(monkeypatch, recovery, "read_file"):
        durable.collection.reconcile()
    (adopted,) = durable.collection.reconcile().adopted
    assert durable.collection.get(adopted).label == "Ana.png"


def test_damaged_lines_are_passed_by(durable: Durable) -> None:
    one = upload(durable)
    with durable.settings.journal.open("ab") as file:
        file.write(b'{"picture": 7}\n{"picture": "x", "at": "never"}\n{"picture": "' + b"a" * 40)
    assert set(durable.collection.journal.states()) == {one.sha256}
    durable.collection.update(one.id, starred=True)
    assert state(durable, one.sha256).starred


def _star_all(folder: Path, ids: list[str]) -> None:
    with open_durable(folder) as durable:
        for image_id in ids:
            durable.collection.update(image_id, starred=True)


def test_two_processes_write_into_one_collection(durable: Durable, tmp_path: Path) -> None:
    ids = [upload(durable, seed=n).id for n in range(12)]
    writers = [context.Process(target=_star_all, args=(tmp_path, part)) for part in (ids[:6], ids[6:])]
    for writer in writers:
        writer.start()
    for image_id in ids:
        durable.collection.update(image_id, tags=("red",))
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    said = durable.collection.journal.states().values()
    assert [(one.starred, one.tags) for one in said] == [(True, ("red",))] * 12
    assert durable.collection.journal.disagrees(durable.database) == ()
