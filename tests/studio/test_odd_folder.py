"""A data folder in which somebody, or a disk, has been: the studio starts, or `doctor` says what stops it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.errors import StorageFailure
from studio import doctor
from studio.collection.maintenance import verify
from studio.collection.queries import Filter
from studio.exchange.importing import Importer
from studio.jobs import JobQueue
from studio.settings import Settings
from tests.studio.characters.conftest import as_cast
from tests.studio.fixtures import open_durable, picture, upload


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with open_durable(tmp_path) as durable:
        for seed in range(3):
            upload(durable, seed)
        as_cast(durable).character("Mara", 7)
        durable.collection.trash(upload(durable, 8).id)
        return durable.settings


def start(settings: Settings) -> int:
    """As a start opens it; returns how many pictures there are."""
    with open_durable(settings.data_dir.parent) as durable:
        durable.collection.reconcile()
        JobQueue(durable.database)
        Importer(durable.collection).stop()
        return len(durable.collection.gallery.page(Filter(), None, 100).items)


def _any_picture(settings: Settings) -> Path:
    return min(settings.images_dir.glob("??/*.png"))


def a_picture_that_is_a_folder(settings: Settings) -> None:
    path = _any_picture(settings)
    path.unlink()
    (path / "inside").mkdir(parents=True)


def an_unknown_picture_that_is_a_folder(settings: Settings) -> None:
    (settings.images_dir / "00" / ("0" * 64 + ".png") / "inside").mkdir(parents=True)


def an_unfinished_file_that_is_a_folder(settings: Settings) -> None:
    (settings.images_dir / ".incoming" / "folder" / "inside").mkdir(parents=True)


def a_link_into_nothing(settings: Settings) -> None:
    (settings.images_dir / "00").mkdir(exist_ok=True)
    (settings.images_dir / "00" / ("0" * 64 + ".png")).symlink_to("nowhere")


def half_signs_in_the_journals(settings: Settings) -> None:
    sha256 = _any_picture(settings).stem
    with settings.journal.open("ab") as file:
        file.write(f'{{"picture":"{sha256}","at":"2026-01-01T00:00:00Z","n":900,'.encode())
        file.write(b'"label":"a\\ud800"}\n')
        file.write(b'{"picture":"\\udfff","at":"2026-01-01T00:00:00Z","n":900}\n')
    with settings.character_journal.open("ab") as file:
        file.write(b'{"table":"characters","at":"x","n":900,"gone":{"id":"\\ud800"}}\n')
        row = '"id":"x","name":"\\udc00","position":9,"description":"","versions_made":0'
        times = '"created_at":"2026-01-01 00:00:00.000000","updated_at":"2026-01-01 00:00:00.000000"'
        file.write(f'{{"table":"characters","at":"x","n":900,"row":{{{row},{times}}}}}\n'.encode())


def half_signs_and_no_database(settings: Settings) -> None:
    half_signs_in_the_journals(settings)
    for part in settings.data_dir.glob("likeness.db*"):
        part.unlink()


ODD = [
    a_picture_that_is_a_folder,
    an_unknown_picture_that_is_a_folder,
    an_unfinished_file_that_is_a_folder,
    pytest.param(a_link_into_nothing, marks=pytest.mark.posix("Windows lets few make links")),
    half_signs_in_the_journals,
    half_signs_and_no_database,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: getattr(odd, "__name__", None))
def test_the_studio_starts_and_can_be_examined(settings: Settings, odd: Callable[[Settings], None]) -> None:
    odd(settings)
    verify(settings)
    assert start(settings) >= 3
    assert start(settings) >= 3
    verify(settings)
    with open_durable(settings.data_dir.parent) as durable:
        for day in range(32):  # what is in the trash, and what is not what it seems, can be let go of
            durable.collection.bin.expire(datetime.now(UTC) + timedelta(days=day))


def test_a_folder_in_the_place_of_a_picture_is_told_and_kept(settings: Settings) -> None:
    path = _any_picture(settings)
    a_picture_that_is_a_folder(settings)
    assert verify(settings).missing == (path.name,)
    with open_durable(settings.data_dir.parent) as durable:
        (image_id,) = [
            r.id
            for t in (False, True)
            for r in durable.collection.gallery.page(Filter(trashed=t), None, 9).items
            if r.sha256 == path.stem
        ]
        durable.collection.trash(image_id)
        durable.collection.bin.empty(durable.collection.gallery.facets().trashed)
    assert (path / "inside").is_dir()


@pytest.mark.parametrize("name", ["journal.jsonl", "characters.jsonl"])
@pytest.mark.parametrize("database", [True, False])
def test_doctor_finds_a_journal_that_would_stop_the_start(
    settings: Settings, name: str, database: bool
) -> None:
    (settings.data_dir / name).unlink()
    (settings.data_dir / name).mkdir()
    if not database:
        settings.database.unlink()
    (finding,) = doctor._collection(settings)
    assert finding.level == "fail"
    with pytest.raises(StorageFailure):
        start(settings)


@pytest.mark.posix("Windows has no modes")
def test_doctor_says_that_everybody_may_look_into_a_folder_of_an_earlier_version(settings: Settings) -> None:
    def words() -> str:
        return " ".join(finding.words for finding in doctor._data_folder(settings))

    settings.data_dir.chmod(0o755)
    assert f"chmod 700 {settings.data_dir}" in words()
    settings.data_dir.chmod(0o700)
    assert "chmod" not in words()


def test_unfinished_copies_of_the_database_go_at_the_next_start(settings: Settings) -> None:
    left = [
        "likeness.db.0003-20261128-101112.4711.unfinished",
        "likeness.db.0003-20261128-101112.4711.unfinished-journal",
        "likeness.db.rebuilding",
        "likeness.db.rebuilding-wal",
        "likeness.db.reading",
        f".characters.jsonl.{'a' * 32}.part",
        "known-files.json.4711.new",
    ]
    kept = ["likeness.db.0003-20261128-101112.backup", "likeness.db.20261128-101112.before-rebuild"]
    for name in (*left, *kept):
        (settings.data_dir / name).write_bytes(picture())
    start(settings)
    assert not [name for name in left if (settings.data_dir / name).exists()]
    assert all((settings.data_dir / name).exists() for name in kept)
