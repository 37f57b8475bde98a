"""Files where systems differ: what Windows and macOS do is played here, what POSIX does is real."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import stat
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from studio import durable, jsonlines
from studio.exchange.import_log import ImportLog
from studio.models.ledger import Ledger
from studio.readings import Readings
from studio.settings import ROOT, Settings
from studio.startup import claim_data_folder, empty_temp_folder
from tests.studio.fixtures import make_catalog, open_durable, picture, upload


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals are taken for a moment's, and the moment is short."""
    monkeypatch.setattr(durable, "_WINDOWS", True)
    monkeypatch.setattr(durable, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(durable, "_PAUSE_SECONDS", 0.001)


def refuse(monkeypatch: pytest.MonkeyPatch, place: object, name: str, times: int) -> None:
    """The call is refused so many times, as where another program has the file open."""
    real: Callable[..., object] = getattr(place, name)
    left = times

    def call(*values: object, **named: object) -> object:
        nonlocal left
        left -= 1
        if left >= 0:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return real(*values, **named)

    monkeypatch.setattr(place, name, call)


# --- locking ------------------------------------------------------------------------------------


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with durable.Lock(path), pytest.raises(durable.LockedElsewhere):
        durable.Lock(path, wait=False)
    durable.Lock(path, wait=False).close()


WITHOUT_FCNTL = """
import sys
sys.modules["fcntl"] = None
import studio.startup, studio.jsonlines, studio.durable, studio.collection.collection, studio.models.library
print("imported")
"""


def test_the_studio_can_be_imported_where_there_is_no_fcntl() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_FCNTL], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "imported\n", done.stderr


_OF_ONE_SYSTEM = {
    "fsync",
    "fdatasync",
    "flock",
    "lockf",
    "chmod",
    "fchmod",
    "rmtree",
    "unlink",
    "rename",
    "pread",
    "mkdir",
    "makedirs",
}
_ELSEWHERE = {
    ("studio/models/hub.py", "mkdir"),  # the cache of another program, made as that makes it
    ("studio/characters/references.py", "unlink"),  # a character from a picture
}


def test_what_differs_between_systems_is_done_in_one_module() -> None:
    found = {
        (str(path.relative_to(ROOT)), node.attr)
        for path in (ROOT / "studio").rglob("*.py")
        if path.name != "durable.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in _OF_ONE_SYSTEM
    }
    assert found == _ELSEWHERE


# --- making -------------------------------------------------------------------------------------


@pytest.mark.posix("modes of files")
def test_what_is_made_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    from studio.collection.collection import Collection
    from studio.database import Database

    settings = Settings(data_dir=tmp_path / "new" / "data")
    before = os.umask(0)
    try:
        with claim_data_folder(settings):
            empty_temp_folder(settings)
            database = Database(settings.database)
            collection = Collection(settings, database, make_catalog(tmp_path / "models"))
            (tmp_path / "a.png").write_bytes(picture())
            record, _ = collection.add_upload(tmp_path / "a.png", "a.png")
            collection.thumbnail(record.id)
            collection.store.keep_sidecar(record.sha256, "a.txt", "words")
            jsonlines.replace(settings.journal, [])
            ImportLog.new(settings.imports_dir, "one", tmp_path)
            Readings(settings.readings_dir).keep("reader", "ab12", (1.0,))
            Ledger(settings.data_dir / "models.json").change(lambda known: known.hold("a", {"b": "c"}))
            modes = {
                path: stat.S_IMODE(path.stat().st_mode)
                for path in (tmp_path / "new", *(tmp_path / "new").rglob("*"))
            }
            database.close()
    finally:
        os.umask(before)
    assert len(modes) > 20
    wrong = {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)}
    assert wrong == {}


@pytest.mark.posix("Windows has no modes")
def test_what_is_there_already_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    durable.make_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_folder_cannot_take_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        durable.make_folder(tmp_path / "file" / "folder")
    with pytest.raises(FileExistsError):
        durable.make_folder(tmp_path / "file")


def test_a_file_is_written_whole_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_whole(path, [b"a", b"b"])
    with pytest.raises(TypeError):
        durable.write_whole(path, [b"half", None])  # pyright: ignore[reportArgumentType]
    assert path.read_bytes() == b"ab"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_a_crash_left_half_written_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f".file.{'a' * 32}.part").write_bytes(b"half")
    for stranger in (".mine.part", "file.part", "file"):
        (tmp_path / stranger).write_bytes(b"")
    assert durable.clear_unfinished(tmp_path) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == [".mine.part", "file", "file.part"]


# --- syncing ------------------------------------------------------------------------------------


def test_a_mac_is_asked_for_the_disk_and_not_for_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    macs = types.SimpleNamespace(F_FULLFSYNC=51, fcntl=lambda handle, what: asked.append(what))
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setitem(sys.modules, "fcntl", macs)
    monkeypatch.setattr(os, "fsync", lambda handle: asked.append("fsync"))
    with (tmp_path / "file").open("wb") as file:
        durable.sync(file)
    assert asked == [51]

    def unknown(handle: int, what: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    macs.fcntl = unknown
    with (tmp_path / "file").open("wb") as file:
        durable.sync(file)
    assert asked == [51, "fsync"]


@pytest.mark.posix("Windows syncs no folders")
@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_synced_is_passed_by_and_a_failing_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, passes: bool
) -> None:
    def failing(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    if passes:
        durable.sync_folder(tmp_path)
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            durable.sync_folder(tmp_path)


# --- replacing and deleting ---------------------------------------------------------------------


@pytest.mark.usefixtures("windows")
def test_what_is_open_for_a_moment_is_replaced_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "new", tmp_path / "old"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    refuse(monkeypatch, Path, "replace", 3)
    durable.replace(source, target)
    assert target.read_bytes() == b"new"
    refuse(monkeypatch, Path, "unlink", 3)
    durable.delete(target)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    refuse(monkeypatch, shutil, "rmtree", 3)
    durable.delete_tree(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
    durable.delete_tree(tmp_path / "folder")


@pytest.mark.usefixtures("windows")
def test_a_whole_file_that_stays_open_may_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "new", tmp_path / "old"
    source.write_bytes(b"same")
    target.write_bytes(b"same")
    refuse(monkeypatch, Path, "replace", 10**9)
    durable.replace(source, target, same=True)
    assert [each.name for each in tmp_path.iterdir()] == ["old"]
    source.write_bytes(b"else")
    with pytest.raises(PermissionError):
        durable.replace(source, target, same=True)
    assert (source.read_bytes(), target.read_bytes()) == (b"else", b"same")


@pytest.mark.usefixtures("windows")
def test_a_picture_that_another_program_has_open_leaves_the_trash_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_durable(tmp_path) as studio:
        held, other = upload(studio, 1), upload(studio, 2)
        for record in (held, other):
            studio.collection.trash(record.id)
        unlink = Path.unlink

        def refusing(path: Path, missing_ok: bool = False) -> None:
            if path.stem == held.sha256 and path.suffix == ".png":
                raise PermissionError(errno.EACCES, "The process cannot access the file")
            unlink(path, missing_ok=missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refusing)
            assert studio.collection.bin.empty(2).deleted == 1
            assert studio.collection.reconcile().unusable == ()
        assert list(studio.collection.store.files()) == [(held.sha256, "png")]
        assert studio.collection.bin.expire().deleted == 1
        assert list(studio.collection.store.files()) == []


@pytest.mark.posix("Windows is asked again")
def test_elsewhere_a_refusal_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, Path, "unlink", 1)
    with pytest.raises(PermissionError):
        durable.delete(tmp_path / "file")
