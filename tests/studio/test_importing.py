"""Importing folders: everything readable comes in once, everything else is told, nothing there is changed."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, update

from pipelines.errors import NotFound, RequestError, StorageFailure
from studio import images
from studio.collection import store
from studio.collection.ingesting import FolderIngest, IngestOutcome
from studio.collection.maintenance import rebuild, verify
from studio.collection.models import ImageRow
from studio.collection.queries import Filter
from studio.exchange import importing
from studio.exchange.exchange import Exchange
from studio.exchange.import_log import ImportLog
from studio.exchange.importing import Importer
from studio.exchange.records import ImportProgress
from studio.records import Category, ImageRecord
from tests.studio import foreign_files
from tests.studio.fixtures import Durable, encoded, noise, open_durable, picture, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


@pytest.fixture
def importer(durable: Durable) -> Iterator[Importer]:
    one = Importer(durable.collection)
    yield one
    one.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders with five pictures, one of them twice, and what is none."""
    below = tmp_path / "pictures" / "below"
    below.mkdir(parents=True)
    (below / "a.png").write_bytes(foreign_files.png(parameters=foreign_files.A1111))
    (below / "b.jpg").write_bytes(encoded(noise(2), "JPEG"))
    (below / "b.txt").write_text("a woman in a red coat")
    top = below.parent
    (top / "c.webp").write_bytes(encoded(noise(3), "WEBP", lossless=True))
    (top / "d.PNG").write_bytes(picture(4))
    (top / "again.png").write_bytes(picture(4))
    (top / "notes.md").write_text("no picture")
    (top / ".hidden.png").write_bytes(picture(9))
    return top


def run(importer: Importer, folder: Path) -> ImportProgress:
    started = importer.start(folder)
    importer.wait(60)
    return importer.get(started.id)


def pictures(durable: Durable) -> dict[str, ImageRecord]:
    return {one.label: one for one in durable.collection.gallery.page(Filter(), None, 500).items}


def test_a_folder_comes_in(durable: Durable, importer: Importer, folder: Path) -> None:
    done = run(importer, folder)
    assert (done.status, done.found, done.done) == ("done", 5, 5)
    assert (done.added, done.duplicates, done.failed, done.problems) == (4, 1, 0, ())
    here = pictures(durable)
    assert {one.category for one in here.values()} == {Category.IMPORTED}
    assert set(here) >= {"a.png", "b.jpg", "c.webp"}
    assert here["a.png"].provenance["said"]["tool"] == "AUTOMATIC1111"
    assert here["b.jpg"].provenance["said"]["prompt"] == "a woman in a red coat"
    found = durable.collection.gallery.page(Filter(query="red coat"), None, 10).items
    assert [one.label for one in found] == ["b.jpg"]


def test_both_thumbnails_are_there_at_once(durable: Durable, importer: Importer, folder: Path) -> None:
    run(importer, folder)
    for one in pictures(durable).values():
        for name in (f"{one.sha256}.webp", f"{one.sha256}.192.webp"):
            assert (durable.settings.thumbnails_dir / one.sha256[:2] / name).is_file()
        with Image.open(durable.collection.thumbnail(one.id, 192)) as small:
            assert small.format == "WEBP"


def test_the_folder_itself_is_not_touched(importer: Importer, folder: Path) -> None:
    def seen() -> list[tuple[Path, int, int]]:
        return sorted((p, p.lstat().st_mtime_ns, p.lstat().st_ino) for p in folder.rglob("*"))

    before, contents = seen(), {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    run(importer, folder)
    assert seen() == before
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == contents


@pytest.mark.posix("symbolic links and named pipes")
def test_what_cannot_be_imported_is_told_and_the_rest_comes_in(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    (folder / "broken.png").write_bytes(picture()[:60])
    (folder / "empty.jpg").touch()
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "loop").symlink_to(folder)
    (folder / "turning").symlink_to(folder / "turning")
    os.mkfifo(folder / "pipe.png")
    done = run(importer, folder)
    assert (done.status, done.added, done.failed) == ("done", 4, 2)
    told = {Path(problem.path).name: problem.reason for problem in done.problems}
    assert set(told) >= {"broken.png", "empty.jpg", "gone.png", "loop", "pipe.png"}
    assert "back" in told["loop"]
    assert len(pictures(durable)) == 4


def test_a_folder_that_cannot_be_read_is_told(
    importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "below":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    done = run(importer, folder)
    assert (done.status, done.added) == ("done", 2)
    assert [(Path(p.path).name, p.reason) for p in done.problems] == [("below", "Permission denied")]


def test_the_same_folder_again_adds_nothing(durable: Durable, importer: Importer, folder: Path) -> None:
    first = run(importer, folder)
    again = run(importer, folder)
    assert again.id != first.id
    assert (again.added, again.duplicates) == (0, 5)
    assert len(pictures(durable)) == 4


def test_a_picture_of_the_trash_gets_the_text_that_lies_beside_it_now(tmp_path: Path, folder: Path) -> None:
    with open_durable(tmp_path) as durable:
        before = durable.collection.add_upload(folder / "below" / "b.jpg", "b.jpg")[0]
        durable.collection.trash(before.id)
        run(Importer(durable.collection), folder)
        after = pictures(durable)
        assert [one.id for one in durable.collection.gallery.page(Filter(query="coat"), None, 9).items] == [
            before.id
        ]
        settings = durable.settings
    settings.database.unlink()
    rebuild(settings)
    with open_durable(tmp_path) as durable:
        assert pictures(durable) == after


def test_what_was_loaded_before_stays_what_it_was_and_leaves_the_trash(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    before = upload(durable, seed=4)
    durable.collection.trash(before.id)
    done = run(importer, folder)
    assert (done.added, done.restored, done.duplicates) == (3, 1, 1)
    assert durable.collection.get(before.id).category is Category.UPLOAD
    assert durable.collection.get(before.id).trashed_at is None
    assert importer.list()[0].restored == 1


@pytest.mark.parametrize("left", [b"", b"\x89PNG\r\n\x1a\nhalf", None])
def test_a_file_that_was_cut_or_taken_away_is_made_whole(
    durable: Durable, importer: Importer, folder: Path, left: bytes | None
) -> None:
    before = upload(durable, seed=4)
    stored = durable.collection.file(before.id)[0]
    stored.unlink()
    if left is not None:
        stored.write_bytes(left)
    assert run(importer, folder).added == 3
    assert stored.read_bytes() == picture(4)


def test_a_control_image_that_is_brought_in_is_a_picture_of_the_artists(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    before = upload(durable, seed=4)
    with durable.database.transaction() as session:
        session.execute(update(ImageRow).where(ImageRow.id == before.id).values(category="control"))
    assert run(importer, folder).added == 4
    assert durable.collection.get(before.id).category is Category.IMPORTED
    (state,) = [one for key, one in durable.collection.journal.states().items() if key == before.sha256]
    assert state.category is Category.IMPORTED


def test_copies_in_one_folder_leave_nothing_behind(
    durable: Durable, importer: Importer, tmp_path: Path
) -> None:
    (tmp_path / "copies").mkdir()
    for number in range(20):
        (tmp_path / "copies" / f"{number}.png").write_bytes(picture(4))
        (tmp_path / "copies" / f"{number}.txt").write_text(f"said {number}")
    done = run(importer, tmp_path / "copies")
    assert (done.added, done.duplicates, done.done) == (1, 19, 20)
    assert list((durable.settings.images_dir / ".incoming").iterdir()) == []
    assert durable.collection.reconcile().leftovers == 0


def test_a_text_that_cannot_be_kept_leaves_nothing_behind(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    durable.settings.sidecars_dir.mkdir(parents=True)
    sha256 = images.sha256((folder / "below/b.jpg").read_bytes())
    (durable.settings.sidecars_dir / sha256[:2]).write_text("a file where a folder should be")
    assert run(importer, folder).status == "failed"
    assert list((durable.settings.images_dir / ".incoming").iterdir()) == []


def test_pictures_come_in_where_thumbnails_cannot_be_kept(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    durable.settings.thumbnails_dir.write_text("a file where a folder should be")
    done = run(importer, folder)
    assert (done.status, done.added, done.problems) == ("done", 4, ())
    assert durable.collection.add_upload(folder / "c.webp", "c.webp")[0].label == "c.webp"
    with pytest.raises(StorageFailure, match=str(durable.settings.thumbnails_dir)):
        durable.collection.thumbnail(pictures(durable)["c.webp"].id)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names that are no text")
def test_a_name_that_is_no_text_is_told_and_goes_on_later(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"n\xe4chste")
    folder.mkdir()
    for name, data in ((b"M\xfcller.png", b"not a picture"), (b"fine\xff.png", picture(4))):
        (folder / os.fsdecode(name)).write_bytes(data)
    with open_durable(tmp_path) as durable:
        done = run(Importer(durable.collection), folder)
        assert (done.added, done.failed) == (1, 1)
        assert [Path(one.path).name for one in done.problems] == ["M\ufffdller.png"]
        assert "M\ufffdller" in done.model_dump_json()
        (log,) = durable.settings.imports_dir.glob("*.jsonl")
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    with open_durable(tmp_path) as durable:
        importer = Importer(durable.collection)
        again = run(importer, folder)
        assert (again.id, again.done, again.duplicates) == (done.id, 2, 0)  # nothing is read twice


_SAID = "a woman, Mädchen\nNegative prompt: bad\nSteps: 20, Sampler: Euler, Seed: 7"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_text_beside_a_picture_is_read_as_it_was_written(
    durable: Durable, importer: Importer, folder: Path, encoding: str
) -> None:
    (folder / "below" / "b.txt").write_bytes(_SAID.encode(encoding))
    run(importer, folder)
    said = durable.collection.store.sidecar(pictures(durable)["b.jpg"].sha256)
    assert said == ("b.txt", _SAID)


@pytest.mark.parametrize("encoding", ["gbk", "big5", "euc-jp", "cp1251"])
def test_a_text_in_an_encoding_that_is_not_known_is_told_and_read_anew_once_it_is_utf_8(
    durable: Durable, importer: Importer, folder: Path, encoding: str
) -> None:
    known = {"gbk": "红发女人", "big5": "紅髮女人", "euc-jp": "赤い髪の女性", "cp1251": "рыжая женщина"}
    words = known[encoding]
    (folder / "below" / "b.txt").write_bytes(f"{words}, 1girl\nSteps: 20, Seed: 7".encode(encoding))
    first = run(importer, folder)
    ((path, reason),) = [(one.path, one.reason) for one in first.problems]
    assert (Path(path).name, first.added, first.failed) == ("b.txt", 4, 0)
    assert "The encoding of b.txt is not known. It was read as Western European" in reason
    record = pictures(durable)["b.jpg"]
    notes = Exchange(durable.collection, durable.catalog).metadata(record.id).notes
    assert [note for note in notes if "encoding of b.txt" in note]

    (folder / "below" / "b.txt").write_text(f"{words}, 1girl\nSteps: 20, Seed: 7", encoding="utf-8")
    assert run(importer, folder).problems == ()
    again = Exchange(durable.collection, durable.catalog).metadata(record.id)
    assert (again.settings["prompt"], again.notes) == (f"{words}, 1girl", ())
    found = durable.collection.gallery.page(Filter(query=words[:2]), None, 9).items
    assert [one.id for one in found] == [record.id]


def test_a_text_that_came_to_lie_beside_a_picture_that_is_shown_is_read(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    run(importer, folder)
    before = pictures(durable)["c.webp"]
    assert "said" not in before.provenance
    (folder / "c.txt").write_text("a knight\nSteps: 11, Sampler: Euler a, CFG scale: 5, Seed: 77")
    done = run(importer, folder)
    assert (done.added, done.duplicates) == (0, 5)
    after = pictures(durable)["c.webp"]
    assert after.provenance["said"]["prompt"] == "a knight"
    assert after.category == before.category
    assert durable.collection.store.sidecar(after.sha256) is not None
    assert [one.id for one in durable.collection.gallery.page(Filter(query="knight"), None, 10).items] == [
        after.id
    ]
    (folder / "c.txt").write_text("something else")
    run(importer, folder)
    assert pictures(durable)["c.webp"] == after


def test_json_beside_a_picture_may_begin_with_a_mark(
    durable: Durable, importer: Importer, folder: Path
) -> None:
    (folder / "below" / "b.json").write_bytes(b'\xef\xbb\xbf{"prompt": "json with a mark", "seed": 5}')
    run(importer, folder)
    assert pictures(durable)["b.jpg"].provenance["said"]["prompt"] == "json with a mark"


@pytest.mark.posix("symbolic links, which few may make on Windows")
def test_a_link_out_of_the_folder_is_named_and_not_read(
    durable: Durable, importer: Importer, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("token hf_abc")
    (folder / "c.txt").symlink_to(tmp_path / "secret")
    (folder / "d.txt").symlink_to(folder / "below" / "b.txt")  # stays inside
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.png").write_bytes(picture(30))
    (tmp_path / "elsewhere" / "e.txt").write_text("beside its own picture")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    done = run(importer, folder)
    here, kept = pictures(durable), durable.collection.store
    assert kept.sidecar(here["c.webp"].sha256) is None
    assert kept.sidecar(here["d.PNG"].sha256) == ("d.txt", "a woman in a red coat")
    assert kept.sidecar(here["e.png"].sha256) == ("e.txt", "beside its own picture")
    assert [(Path(one.path).name, "out of the folder" in one.reason) for one in done.problems] == [
        ("c.txt", True)
    ]


def test_a_data_folder_that_cannot_be_written_is_told(
    importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refusing)
    with pytest.raises(StorageFailure, match="read-only"):
        importer.start(folder)


def test_what_was_deleted_for_good_comes_in_again(durable: Durable, importer: Importer, folder: Path) -> None:
    run(importer, folder)
    for one in pictures(durable).values():
        durable.collection.trash(one.id)
    durable.collection.bin.empty(4)
    assert run(importer, folder).added == 4


def many(folder: Path, count: int = 40) -> Path:
    folder.mkdir()
    for n in range(count):
        (folder / f"{n:03}.png").write_bytes(picture(100 + n))
    return folder


def test_an_import_is_cancelled_and_goes_on(
    durable: Durable, importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(tmp_path / "many")
    monkeypatch.setattr(importing, "_PART", 8)
    monkeypatch.setattr(importing, "_AHEAD", 8)
    keep, read = FolderIngest.keep, FolderIngest.prepare

    def keep_and_cancel(ingest: FolderIngest, part: object) -> dict[str, IngestOutcome]:
        importer.cancel(importer.list()[0].id)
        return keep(ingest, part)  # pyright: ignore[reportArgumentType]

    with monkeypatch.context() as patch:
        patch.setattr(FolderIngest, "keep", keep_and_cancel)
        cancelled = run(importer, tmp_path / "many")
    assert cancelled.status == "cancelled"
    assert 8 <= cancelled.added < 40
    assert len(pictures(durable)) == cancelled.added
    assert list((durable.settings.images_dir / ".incoming").glob("*")) == []
    opened: list[Path] = []
    monkeypatch.setattr(FolderIngest, "prepare", lambda ingest, *a: opened.append(a[0]) or read(ingest, *a))
    done = run(importer, tmp_path / "many")
    assert (done.id, done.status, done.added) == (cancelled.id, "done", 40)
    assert len(opened) == 40 - cancelled.added


def test_whoever_hears_of_the_end_can_begin_the_next(
    importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = ImportLog.end

    def slow_end(log: ImportLog, status: str, reason: str) -> None:
        end(log, status, reason)
        time.sleep(0.2)  # told, and its thread still alive

    monkeypatch.setattr(ImportLog, "end", slow_end)
    first = importer.start(folder)
    while importer.get(first.id).status != "done":
        importer.wait(0.01)
    assert importer.start(folder).id != first.id
    importer.stop()


def test_a_studio_that_ended_amid_an_import_goes_on_with_it(tmp_path: Path, folder: Path) -> None:
    with open_durable(tmp_path) as durable:
        done = run(Importer(durable.collection), folder)
    (log,) = durable.settings.imports_dir.glob("*.jsonl")
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0] + b'{"done": [["/torn')
    with open_durable(tmp_path) as durable:
        importer = Importer(durable.collection)
        assert [(one.id, one.status) for one in importer.list()] == [(done.id, "interrupted")]
        again = run(importer, folder)
        assert (again.id, again.status, again.duplicates) == (done.id, "done", 5)


def test_a_full_disk_ends_it_with_words_and_it_goes_on_later(
    durable: Durable, importer: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_write", full)
        failed = run(importer, folder)
    assert failed.status == "failed"
    assert "full" in failed.problems[-1].reason
    assert pictures(durable) == {}
    done = run(importer, folder)
    assert (done.id, done.status, done.added) == (failed.id, "done", 4)


@pytest.mark.parametrize("where", ["nowhere", "data", "data/images", "relative"])
def test_folders_that_cannot_be_imported(importer: Importer, tmp_path: Path, where: str) -> None:
    (tmp_path / "data/images").mkdir(exist_ok=True)
    with pytest.raises(RequestError):
        importer.start(Path("relative") if where == "relative" else tmp_path / where)


def test_the_data_folder_inside_an_imported_folder_is_left_out(
    durable: Durable, importer: Importer, tmp_path: Path, folder: Path
) -> None:
    upload(durable, seed=50)
    assert run(importer, tmp_path).found == 5


def test_only_one_at_a_time(
    importer: Importer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FolderIngest, "prepare", lambda *_: importer.start(tmp_path) and None)
        failed = run(importer, folder)
    assert failed.status == "failed"
    assert "Another folder" in failed.problems[0].reason
    with pytest.raises(NotFound):
        importer.get("nothing")


def test_a_rebuild_gives_back_what_was_imported(tmp_path: Path, folder: Path) -> None:
    with open_durable(tmp_path) as durable:
        run(Importer(durable.collection), folder)
        durable.collection.update(pictures(durable)["a.png"].id, tags=("kept",), starred=True)
        before = pictures(durable)
    durable.settings.database.unlink()
    assert rebuild(durable.settings).healthy
    assert verify(durable.settings).healthy
    with open_durable(tmp_path) as durable:
        assert pictures(durable) == before
        assert durable.collection.store.sidecar(before["b.jpg"].sha256) == ("b.txt", "a woman in a red coat")


def test_pictures_of_one_moment_stand_side_by_side(
    durable: Durable, importer: Importer, tmp_path: Path
) -> None:
    moment = 1_700_000_000_000_000  # microseconds
    for part in range(2):
        folder = tmp_path / f"unpacked{part}"
        folder.mkdir()
        for number in range(5):
            path = folder / f"{number}.png"
            path.write_bytes(picture(10 * part + number))
            later = 2 if number == 4 else 0
            os.utime(path, ns=(0, 1000 * (moment + later)))
        assert run(importer, folder).added == 5
    with durable.database.reading() as session:
        numbers = session.scalars(select(ImageRow.number).order_by(ImageRow.number)).all()
    assert numbers == list(range(moment, moment + 10))


def test_a_lost_parent_that_comes_in_again_takes_its_place(tmp_path: Path, folder: Path) -> None:
    with open_durable(tmp_path) as durable:
        parent = upload(durable, 4)
        child = save(durable, parent)
        settings = durable.settings
    for path in (settings.database, settings.images_dir / parent.sha256[:2] / f"{parent.sha256}.png"):
        path.unlink()
    rebuild(settings)
    with open_durable(tmp_path) as durable:
        assert durable.collection.get(child.id).parents[0].image_id is None
        run(Importer(durable.collection), folder)
        orphan = durable.collection.get(child.id)
        assert (orphan.parents[0].image_id, orphan.depth) == (pictures(durable)["d.PNG"].id, 1)


def test_a_trash_that_is_emptied_between_file_and_row_takes_no_file_of_an_import(
    durable: Durable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture(5)
    (tmp_path / "one.png").write_bytes(data)
    record = upload(durable, 5)
    durable.collection.trash(record.id)
    ingest = FolderIngest(durable.collection.store, durable.collection.database, durable.collection.placing)
    prepared = ingest.prepare(tmp_path / "one.png")
    assert prepared is not None
    keep_all, emptied = durable.collection.store.keep_all, list[int]()

    def keep_all_then_empty(received: Iterable[tuple[Path, str, str]]) -> None:
        keep_all(received)
        if not emptied:  # the first time, before the row is looked at
            emptied.append(1)
            durable.collection.bin.empty(1)

    monkeypatch.setattr(durable.collection.store, "keep_all", keep_all_then_empty)
    assert ingest.keep([prepared]) == {prepared.file.sha256: "added"}
    assert durable.collection.store.path(prepared.file.sha256, "png").read_bytes() == data
    assert verify(durable.settings).healthy
