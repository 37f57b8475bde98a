"""`collection verify` and `rebuild`: what is wrong is found, and the files are enough to begin anew."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from studio.collection.maintenance import rebuild, verify
from studio.collection.models import JobRow
from studio.collection.queries import Filter
from studio.jobs import JobQueue
from studio.records import Category, ImageRecord, JobStatus, Rights
from studio.settings import Settings
from tests.studio.fixtures import encoded, noise, open_durable, picture, request, save, upload


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder with an upload, what was made of it, what was made of that, and marks on them."""
    with open_durable(tmp_path) as durable:
        source = upload(durable, filename="Ana.png")
        first = save(durable, source, job_id="first")
        second = save(durable, first, job_id="second")
        rights = Rights(source="my own photo", consent="release signed 3 May")
        durable.collection.update(source.id, name="Nonna", tags=("red", "hair"), rights=rights, anchor=True)
        durable.collection.update(first.id, starred=True)
        durable.collection.trash(second.id)
        JobQueue(durable.database).add(request(source), ("A notice.",), "tab")
        return durable.settings


def everything(folder: Path) -> dict[str, ImageRecord]:
    with open_durable(folder) as durable:
        pages = [durable.collection.gallery.page(Filter(trashed=t), None, 100) for t in (False, True)]
        return {record.id: record for page in pages for record in page.items}


def image_files(settings: Settings) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in settings.images_dir.rglob("*") if p.is_file()}


def test_a_healthy_collection(settings: Settings) -> None:
    report = verify(settings)
    assert report.healthy
    assert report.lines() == ("3 pictures checked: all of them are unchanged.",)


def test_nothing_at_all_is_healthy_and_stays_nothing(tmp_path: Path) -> None:
    report = verify(Settings(data_dir=tmp_path / "new"))
    assert report.healthy
    assert report.checked == 0
    assert not (tmp_path / "new").exists()


def test_missing_changed_and_unknown_files_are_named(settings: Settings) -> None:
    lost, changed, _ = sorted(settings.images_dir.rglob("*.png"))
    lost.unlink()
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    stranger = "0" * 64 + ".png"
    (settings.images_dir / "00").mkdir(exist_ok=True)
    (settings.images_dir / "00" / stranger).write_bytes(picture(5))
    report = verify(settings)
    assert not report.healthy
    assert (report.missing, report.changed, report.orphans) == ((lost.name,), (changed.name,), (stranger,))
    assert "3 pictures checked: 3 faults found." in report.lines()


def test_rebuild_gives_back_every_record(settings: Settings, tmp_path: Path) -> None:
    before, files = everything(tmp_path), image_files(settings)
    report = rebuild(settings)
    assert report.healthy
    assert (report.generated, report.uploads) == (2, 1)
    assert everything(tmp_path) == before
    assert image_files(settings) == files
    assert verify(settings).healthy
    assert report.kept is not None
    assert report.kept.exists()
    assert str(report.kept) in report.lines()[1]


def test_rebuild_keeps_the_jobs(settings: Settings, tmp_path: Path) -> None:
    rebuild(settings)
    with open_durable(tmp_path) as durable:
        (job,) = JobQueue(durable.database).list(JobStatus.QUEUED)
        assert (job.notices, job.tab, job.request.prompt) == (("A notice.",), "tab", "a woman with red hair")


def damage_database(settings: Settings, damage: str) -> None:
    if damage == "gone":
        settings.database.unlink()
    else:
        content = b"x" * 5000 if damage == "noise" else settings.database.read_bytes()[:6000]
        settings.database.write_bytes(content)


@pytest.mark.parametrize("damage", ["gone", "noise", "truncated"])
def test_rebuild_without_a_readable_database_gives_back_every_record(
    settings: Settings, tmp_path: Path, damage: str
) -> None:
    before = everything(tmp_path)
    damage_database(settings, damage)
    report = rebuild(settings)
    assert (report.generated, report.uploads, report.unusable) == (2, 1, ())
    assert report.marks_lost is None
    assert report.healthy is (damage == "gone")
    assert everything(tmp_path) == before
    assert verify(settings).healthy


@pytest.mark.parametrize("damage", ["gone", "noise", "truncated"])
def test_rebuild_without_database_and_journal_gives_what_the_files_say(
    settings: Settings, tmp_path: Path, damage: str
) -> None:
    before = everything(tmp_path)
    damage_database(settings, damage)
    settings.journal.unlink()
    report = rebuild(settings)
    assert (report.generated, report.uploads, report.unusable) == (2, 1, ())
    assert report.healthy is (damage == "gone")
    assert (report.marks_lost is None) is (damage == "gone")
    after = everything(tmp_path)
    for image_id, record in before.items():
        made = after[image_id]
        assert (made.parents, made.children, made.request) == (
            record.parents,
            record.children,
            record.request,
        )
        assert (made.category, made.job_id, made.seed) == (record.category, record.job_id, record.seed)
        if record.category is not Category.UPLOAD:
            assert (made.created_at, made.label) == (record.created_at, record.label)
        assert not made.starred


def test_a_row_that_cannot_be_read_does_not_stop_a_rebuild(settings: Settings, tmp_path: Path) -> None:
    with sqlite3.connect(settings.database) as connection:
        connection.execute("UPDATE jobs SET request = 'not json'")
    report = rebuild(settings)
    assert report.jobs_lost is not None
    assert report.marks_lost is None
    assert len(everything(tmp_path)) == 3


def test_files_that_cannot_be_used_are_left_where_they_are_and_named(settings: Settings) -> None:
    (settings.images_dir / "00").mkdir(exist_ok=True)
    wrong = settings.images_dir / "00" / ("0" * 64 + ".png")
    wrong.write_bytes(picture(5))
    report = rebuild(settings)
    assert not report.healthy
    assert str(wrong) in report.lines()[0]
    assert wrong.exists()
    assert (report.generated, report.uploads) == (2, 1)


def test_twice_the_same_story_is_one_made_picture_and_one_upload(settings: Settings, tmp_path: Path) -> None:
    from PIL import Image, PngImagePlugin

    with open_durable(tmp_path) as durable:
        made = durable.collection.gallery.page(Filter(category=Category.EDITED), None, 10).items[0]
        with Image.open(durable.collection.file(made.id)[0]) as image:
            chunks = PngImagePlugin.PngInfo()
            chunks.add_itxt("likeness", image.info["likeness"])
            copy = encoded(image, pnginfo=chunks)
        (tmp_path / "copy.png").write_bytes(copy)
        loaded, created = durable.collection.add_upload(tmp_path / "copy.png", "copy.png")
        assert created
    before = everything(tmp_path)
    report = rebuild(settings)
    assert (report.generated, report.uploads) == (2, 2)
    assert everything(tmp_path)[loaded.id].category is Category.UPLOAD
    assert everything(tmp_path)[made.id] == before[made.id]


def test_an_empty_folder_can_be_rebuilt(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    report = rebuild(settings)
    assert report.healthy
    assert report.kept is None
    assert verify(settings).healthy
    with open_durable(tmp_path) as durable, durable.database.reading() as session:
        assert session.scalars(select(JobRow)).all() == []


def test_pictures_larger_than_the_limit_of_today_stay(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        (tmp_path / "large.png").write_bytes(encoded(noise(width=100, height=100)))
        durable.collection.add_upload(tmp_path / "large.png", "large.png")
    report = rebuild(Settings(data_dir=tmp_path / "data", max_pixels=100))
    assert report.uploads == 1
