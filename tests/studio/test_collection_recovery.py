"""After a crash: what was stored is adopted, what was half done is gone, nothing is there twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from studio.collection import rows
from studio.collection.queries import Filter
from studio.collection.recovery import LOST_NAME
from studio.collection.store import ImageStore
from studio.records import Category
from tests.kill.processes import context
from tests.studio.crashes import crash_at
from tests.studio.fixtures import Durable, encoded, noise, open_durable, picture, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def test_a_made_picture_between_file_and_row_is_adopted_whole(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = upload(durable)
    with crash_at(monkeypatch, rows, "add_generated"):
        save(durable, source, index=1, prompt="ein Häuschen 🎨")
    assert len(durable.collection.gallery.page(Filter(), None, 10).items) == 1

    (adopted,) = durable.collection.reconcile().adopted
    record = durable.collection.get(adopted)
    assert (record.job_id, record.batch_index, record.category) == ("job", 1, Category.EDITED)
    assert record.label == "Tiny Portrait"
    assert record.request is not None
    assert record.request.prompt == "ein Häuschen 🎨"
    assert [p.image_id for p in record.parents] == [source.id]
    assert durable.collection.get(source.id).children == (adopted,)
    assert durable.collection.gallery.page(Filter(query="hauschen"), None, 10).items == (record,)
    assert save(durable, source, index=1) == record
    assert durable.collection.reconcile().adopted == ()


def test_the_adopted_record_is_the_one_that_would_have_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_durable(tmp_path) as durable:
        source = upload(durable)
        would_have_been = save(durable, source)
    with open_durable(tmp_path / "other") as durable:
        upload(durable)
        store = durable.collection.store
        store.put((tmp_path / "data/images" / _name(would_have_been.sha256)).read_bytes(), "png")
        durable.collection.reconcile()
        assert durable.collection.get(would_have_been.id) == would_have_been


def _name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}.png"


def test_an_upload_between_file_and_row_is_adopted(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    with crash_at(monkeypatch, rows, "add_loaded"):
        upload(durable)
    (adopted,) = durable.collection.reconcile().adopted
    record = durable.collection.get(adopted)
    assert (record.category, record.label) == (Category.UPLOAD, LOST_NAME)
    assert durable.collection.file(adopted)[0].read_bytes() == picture()
    assert upload(durable).id == adopted


def test_half_written_files_are_removed(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    with crash_at(monkeypatch, ImageStore, "keep"):
        upload(durable)
    incoming = durable.settings.images_dir / ".incoming"
    (incoming / "half").write_bytes(picture()[:50])
    assert durable.collection.reconcile().leftovers == 1
    assert list(incoming.iterdir()) == []
    assert durable.collection.gallery.page(Filter(), None, 10).items == ()


def test_a_second_picture_of_the_same_place_is_left_alone(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with crash_at(monkeypatch, rows, "add_generated"):
        save(durable)
    kept = save(durable)
    found = durable.collection.reconcile()
    assert found.adopted == ()
    assert "already has" in found.unusable[0]
    assert [r.id for r in durable.collection.gallery.page(Filter(), None, 10).items] == [kept.id]


def test_files_that_are_not_what_their_name_says_are_left_alone(durable: Durable) -> None:
    for content, extension in ((picture(1), "png"), (b"text", "png"), (picture(2), "jpg")):
        path = durable.collection.store.path(durable.collection.store.put(content, extension), extension)
        if extension == "png" and content != b"text":
            path.write_bytes(content[:-20])
    found = durable.collection.reconcile()
    assert found.adopted == ()
    assert len(found.unusable) == 3
    assert len(list(durable.collection.store.files())) == 3


def test_a_picture_changed_elsewhere_is_an_upload_though_it_still_tells_its_old_story(
    durable: Durable,
) -> None:
    made = save(durable)
    with Image.open(durable.collection.file(made.id)[0]) as image:
        story = image.info["likeness"]
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("likeness", story.replace('"batch_index":0', '"batch_index":5'))
    durable.collection.store.put(encoded(noise(99), pnginfo=chunks), "png")
    (adopted,) = durable.collection.reconcile().adopted
    assert durable.collection.get(adopted).category is Category.UPLOAD


def test_parents_are_found_again_by_their_pixels(durable: Durable, tmp_path: Path) -> None:
    with open_durable(tmp_path / "other") as other:
        made = save(other, upload(other))
        data = other.collection.file(made.id)[0].read_bytes()
    durable.collection.store.put(data, "png")
    durable.collection.reconcile()
    assert [p.image_id for p in durable.collection.get(made.id).parents] == [None]
    same_pixels, _ = durable.collection.add_upload(_file(tmp_path, encoded(noise(), "BMP")), "a.bmp")
    assert [p.image_id for p in durable.collection.get(made.id).parents] == [same_pixels.id]
    assert same_pixels.children == (made.id,)


def _file(folder: Path, data: bytes) -> Path:
    (folder / "file").write_bytes(data)
    return folder / "file"


def test_nothing_to_do_reads_no_file(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    save(durable, upload(durable))
    monkeypatch.setattr("studio.images.ingesting", lambda *_: pytest.fail("read a file"))
    monkeypatch.setattr("studio.images.sha256", lambda *_: pytest.fail("read a file"))
    found = durable.collection.reconcile()
    assert (found.adopted, found.leftovers, found.unusable) == ((), 0, ())


def save_and_die(folder: Path, calls: int) -> None:
    """Save pictures; the process is killed at the `calls`-th call of the operating system that matters."""
    left = calls

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*values: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*values, **named)

        setattr(os, name, call)

    with open_durable(folder) as durable:
        source = upload(durable)
        for name in ("fsync", "open", "replace", "unlink", "mkdir"):
            counted(name)
        for index in range(3):
            save(durable, source, index=index)


@pytest.mark.posix("SIGKILL, and processes that fork")
@pytest.mark.kill
@pytest.mark.parametrize("calls", [1, 4, 7, 11])
def test_killed_at_any_call_of_the_system_the_pictures_are_whole(tmp_path: Path, calls: int) -> None:
    with open_durable(tmp_path):
        pass
    process = context.Process(target=save_and_die, args=(tmp_path, calls))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with open_durable(tmp_path) as durable:
        durable.collection.reconcile()
        source = upload(durable)
        records = [save(durable, source, index=index) for index in range(3)]
        assert len({r.id for r in records}) == 3
        assert len(list(durable.collection.store.files())) == 4
        for index, record in enumerate(records):
            with Image.open(durable.collection.file(record.id)[0]) as image:
                assert image.tobytes() == noise(7 + index).tobytes()
