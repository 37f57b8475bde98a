"""Image files: whole or not there, whatever the disk does."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from pipelines.errors import PictureRefused, StorageFailure
from studio.collection.queries import Filter
from studio.collection.store import ImageStore
from studio.database import Database
from studio.settings import Settings
from tests.studio.fixtures import Durable, encoded, noise, open_durable, picture, save, upload


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(Settings(data_dir=tmp_path))


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_files_are_named_by_their_content(store: ImageStore, tmp_path: Path) -> None:
    sha256 = store.put(b"content", "png")
    assert sha256 == hashlib.sha256(b"content").hexdigest()
    assert store.path(sha256, "png").read_bytes() == b"content"
    assert store.put(b"content", "png") == sha256
    assert files(tmp_path) == [f"images/{sha256[:2]}/{sha256}.png"]
    assert list(store.files()) == [(sha256, "png")]


def test_storing_again_makes_a_damaged_file_whole(store: ImageStore) -> None:
    sha256 = store.put(b"content", "png")
    store.path(sha256, "png").write_bytes(b"cont")
    store.put(b"content", "png")
    assert store.path(sha256, "png").read_bytes() == b"content"


def test_what_is_received_is_gone_unless_kept(store: ImageStore, tmp_path: Path) -> None:
    with store.receive(io.BytesIO(b"content"), 100) as (temp, _):
        assert temp.read_bytes() == b"content"
    assert files(tmp_path) == []


def test_too_many_bytes_are_refused_and_removed(store: ImageStore, tmp_path: Path) -> None:
    with (
        pytest.raises(PictureRefused, match="too large"),
        store.receive(io.BytesIO(b"x" * 2_000_001), 2_000_000),
    ):
        pass
    assert files(tmp_path) == []


def test_a_source_that_breaks_off_leaves_nothing(store: ImageStore, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(StorageFailure), store.receive(Broken(), 100):
        pass
    assert files(tmp_path) == []


def test_leftovers_are_cleared_and_strangers_left_alone(store: ImageStore, tmp_path: Path) -> None:
    sha256 = store.put(b"content", "png")
    for folder in ("images", "thumbnails", "working"):
        (tmp_path / folder / ".incoming").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / ".incoming" / "abandoned").write_bytes(b"half")
    (tmp_path / "images" / sha256[:2] / ".DS_Store").write_bytes(b"")
    for folder in ("model-pictures", "cards", "readings/tiny-captioner-1/ab"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f".a.{'0' * 32}.part").write_bytes(b"half")
        (tmp_path / folder / f".b.{'0' * 32}.part").mkdir()
        (tmp_path / folder / "a").write_bytes(b"whole")
    (tmp_path / "images" / "notes.txt").write_text("mine")
    assert store.clear_incoming() == 6
    for folder in ("model-pictures", "cards", "readings/tiny-captioner-1/ab"):
        assert {each.name for each in (tmp_path / folder).iterdir()} == {"a", f".b.{'0' * 32}.part"}
    assert list(store.files()) == [(sha256, "png")]
    assert (tmp_path / "images" / "notes.txt").exists()


def test_derived_files_come_back_after_they_were_deleted(store: ImageStore, tmp_path: Path) -> None:
    data = encoded(noise(width=800, height=400), "JPEG")
    sha256 = store.put(data, "jpg")
    thumbnail, working = store.thumbnail(sha256, "jpg"), store.working_file(sha256, "jpg", plain=False)
    first = thumbnail.read_bytes(), working.read_bytes()
    for made in (thumbnail, working):
        made.unlink()
    assert store.thumbnail(sha256, "jpg").read_bytes() == first[0]
    assert store.working_file(sha256, "jpg", plain=False).read_bytes() == first[1]
    with Image.open(working) as copy:
        assert (copy.format, copy.mode, copy.size) == ("PNG", "RGB", (800, 400))
    assert store.path(sha256, "jpg").read_bytes() == data


def test_a_thumbnail_that_a_power_cut_left_too_short_is_made_again(store: ImageStore) -> None:
    sha256 = store.put(encoded(noise(width=800, height=400), "JPEG"), "jpg")
    thumbnail = store.thumbnail(sha256, "jpg")
    whole = thumbnail.read_bytes()
    for kept in (0, 7, len(whole) - 1):
        thumbnail.write_bytes(whole[:kept])
        assert store.thumbnail(sha256, "jpg").read_bytes() == whole


def test_a_plain_file_is_its_own_working_file(store: ImageStore) -> None:
    sha256 = store.put(picture(), "png")
    assert store.working_file(sha256, "png", plain=True) == store.path(sha256, "png")


@contextmanager
def no_space() -> Generator[None]:
    """No file can grow beyond 20 kB in here, not even of pytest: what a full disk is like, for any user."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.posix("limits the size of files")
def test_a_disk_without_space_is_said_and_leaves_no_half_file(store: ImageStore, tmp_path: Path) -> None:
    with no_space(), pytest.raises(StorageFailure, match="full"):
        store.put(b"x" * 50_000, "png")
    assert files(tmp_path) == []


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path]:
    """A real file system of 1 MB, empty."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("mounting a file system needs root; tests of the same failures above run everywhere")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("left", [0, 6_000, 30_000, 90_000])
def test_a_full_disk_loses_nothing_that_was_saved(disk: Path, left: int) -> None:
    saved: list[str] = []

    def save_until_full() -> None:
        for number in range(200):
            saved.append(save(durable, job_id=f"job{number}").id)

    with open_durable(disk) as durable:
        saved.append(save(durable, job_id="before").id)
        (disk / "filler").write_bytes(b"x" * (shutil.disk_usage(disk).free - left))
        with pytest.raises(StorageFailure, match="full"):
            save_until_full()
        check(durable, saved)
        (disk / "filler").unlink()
        saved.append(save(durable, job_id="after").id)
        check(durable, saved)
    with open_durable(disk) as durable:
        adopted = durable.collection.reconcile().adopted
        check(durable, [*saved, *adopted])


def check(durable: Durable, saved: list[str]) -> None:
    """The collection holds these pictures and no others, each as it was written."""
    assert {r.id for r in durable.collection.gallery.page(Filter(), None, 500).items} == set(saved)
    for image_id in saved:
        path, record = durable.collection.file(image_id)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == record.sha256


def test_a_read_only_disk_is_said_and_its_pictures_are_still_shown(tmp_path: Path, disk: Path) -> None:
    with open_durable(tmp_path) as durable:
        durable.settings.images_dir.symlink_to(disk)
        record = upload(durable)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(StorageFailure, match="read-only"):
            upload(durable, seed=1)
        with pytest.raises(StorageFailure, match="read-only"):
            save(durable)
        assert durable.collection.file(record.id)[0].read_bytes() == picture()
        assert [r.id for r in durable.collection.gallery.page(Filter(), None, 500).items] == [record.id]


def test_a_studio_on_a_read_only_disk_does_not_start(disk: Path) -> None:
    with open_durable(disk) as durable:
        upload(durable)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StorageFailure, match=r"read-only|cannot be opened"):
        Database(durable.settings.database)


def test_a_folder_that_cannot_be_written_is_said(store: ImageStore, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where the folder should be")
    with pytest.raises(StorageFailure, match="cannot be used"):
        store.put(b"content", "png")
