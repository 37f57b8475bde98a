"""The trash: what emptying deletes, what it keeps for others, and that no crash brings anything back."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, update

from pipelines.errors import Conflict, NotFound, RequestError, StorageFailure
from studio.collection import bulk, trash
from studio.collection.bulk import Action
from studio.collection.expiry import Expiry
from studio.collection.models import ImageRow
from studio.collection.queries import Filter
from studio.jobs import JobQueue
from studio.readings import Readings
from studio.records import Emptied, ImageRecord
from tests.studio.fixtures import Durable, open_durable, picture, request, save, upload


@pytest.fixture
def durable(tmp_path: Path) -> Generator[Durable]:
    with open_durable(tmp_path) as opened:
        yield opened


def listed(durable: Durable, **wanted: bool) -> list[str]:
    return [record.id for record in durable.collection.gallery.page(Filter(**wanted), None, 100).items]


def file_of(durable: Durable, record: ImageRecord) -> Path:
    return durable.collection.store.path(record.sha256, "png")


def empty(durable: Durable, expected: int) -> Emptied:
    return durable.collection.bin.empty(expected)


def test_emptying_deletes_row_file_and_all_that_was_made_from_it(durable: Durable) -> None:
    kept, gone = upload(durable), upload(durable, 1)
    thumbnail = durable.collection.thumbnail(gone.id)
    readings = Readings(durable.collection.store.settings.readings_dir)
    pixels = durable.collection.pixel_hashes([kept.id, gone.id])
    for of in pixels.values():
        readings.keep("captioner", of, "a woman with red hair")
    durable.collection.trash(gone.id)
    assert empty(durable, 1) == Emptied(deleted=1, kept=0)
    assert [readings.get("captioner", pixels[each.id]) is not None for each in (kept, gone)] == [True, False]
    assert (file_of(durable, gone).exists(), thumbnail.exists()) == (False, False)
    assert (listed(durable), listed(durable, trashed=True)) == ([kept.id], [])
    with pytest.raises(NotFound):
        durable.collection.get(gone.id)
    assert durable.collection.gallery.page(Filter(query="portrait"), None, 10).items[0].id == kept.id


def test_a_wrong_count_empties_nothing(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    with pytest.raises(Conflict, match="holds 1 pictures now, not 2") as refused:
        empty(durable, 2)
    assert refused.value.field == "expected_count"
    assert listed(durable, trashed=True) == [record.id]


def test_what_a_picture_was_made_from_stays_for_it_until_it_is_gone_too(durable: Durable) -> None:
    parent = upload(durable)
    child = save(durable, parent)
    durable.collection.trash(parent.id)
    assert empty(durable, 1) == Emptied(deleted=0, kept=1)
    assert listed(durable) == [child.id]
    assert listed(durable, trashed=True) == []
    assert durable.collection.working_file(parent.id).read_bytes() == picture()
    assert durable.collection.parents(child.id)[0].purged_at is not None

    durable.collection.trash(child.id)
    assert empty(durable, 1) == Emptied(deleted=2, kept=0)
    assert not file_of(durable, parent).exists()


def test_a_picture_in_the_trash_still_needs_what_it_was_made_from(durable: Durable) -> None:
    parent = upload(durable)
    child = save(durable, parent)
    durable.collection.trash(parent.id)
    empty(durable, 1)
    durable.collection.trash(child.id)
    durable.collection.bin.expire()
    assert file_of(durable, parent).exists()
    durable.collection.restore(child.id)
    assert durable.collection.working_file(parent.id).exists()


def test_beyond_the_direct_parent_an_edge_keeps_the_pixels_hash(durable: Durable) -> None:
    first = upload(durable)
    second = save(durable, first, job_id="second")
    third = save(durable, second, job_id="third", index=1)
    durable.collection.gallery.bulk([first.id, second.id], Action.TRASH)
    assert empty(durable, 2) == Emptied(deleted=1, kept=1)
    (edge,) = durable.collection.get(second.id).parents
    assert (edge.image_id, edge.pixel_sha256) == (None, first.pixel_sha256)
    assert durable.collection.get(third.id).parents[0].image_id == second.id

    again = upload(durable)
    assert durable.collection.get(second.id).parents[0].image_id == again.id


def test_a_waiting_job_keeps_its_references(durable: Durable) -> None:
    record = upload(durable)
    queue = JobQueue(durable.database)
    job = queue.add(request(record))
    durable.collection.trash(record.id)
    assert empty(durable, 1) == Emptied(deleted=0, kept=1)
    assert durable.collection.working_file(record.id).exists()
    queue.cancel(job.id)
    assert durable.collection.bin.expire() == Emptied(deleted=1, kept=0)


def test_loading_an_emptied_picture_again_brings_it_back(durable: Durable) -> None:
    parent = upload(durable)
    save(durable, parent)
    durable.collection.trash(parent.id)
    empty(durable, 1)
    again, created = durable.collection.add_upload(io.BytesIO(picture()), "again.png")
    assert (again.id, created, again.trashed_at, again.purged_at) == (parent.id, False, None, None)
    assert parent.id in listed(durable)


def test_thirty_days_to_think_better_of_it(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    now = datetime.now(UTC)
    assert [durable.collection.bin.expire(now + timedelta(days=day)).deleted for day in range(30)] == [0] * 30
    assert durable.collection.bin.expire(now + timedelta(days=30)).deleted == 1


def test_a_start_years_ahead_deletes_nothing(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    now = datetime.now(UTC)
    for when in (now, now + timedelta(days=5 * 365), now, now + timedelta(hours=1)):
        assert durable.collection.bin.expire(when).deleted == 0
    assert durable.collection.get(record.id).trashed_at is not None


@pytest.mark.parametrize("wrong", [timedelta(days=-4000), timedelta(days=4000)])
def test_a_picture_thrown_away_while_the_clock_was_wrong_has_its_thirty_days(
    durable: Durable, wrong: timedelta
) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    now = datetime.now(UTC)
    with durable.database.transaction() as session:
        session.execute(update(ImageRow).values(trashed_at=now + wrong))
    assert [durable.collection.bin.expire(now + timedelta(days=day)).deleted for day in range(30)] == [0] * 30
    assert durable.collection.bin.expire(now + timedelta(days=30)).deleted == 1


def test_a_picture_thrown_away_again_begins_its_days_anew(durable: Durable) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    now = datetime.now(UTC)
    for day in range(30):
        durable.collection.bin.expire(now + timedelta(days=day))
    durable.collection.restore(record.id)
    durable.collection.trash(record.id)
    assert durable.collection.bin.expire(now + timedelta(days=31)).deleted == 0


def test_a_studio_that_is_never_closed_counts_its_days(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    enough = threading.Event()

    def expire() -> Emptied:
        looks.append(1)
        if len(looks) == 2:
            enough.set()
        raise StorageFailure("The disk is full.")

    monkeypatch.setattr(durable.collection.bin, "expire", expire)
    expiry = Expiry(durable.collection.bin, every_seconds=0.01)
    expiry.start()
    assert enough.wait(10)
    expiry.stop()


@pytest.mark.parametrize("damage", ["gone", "noise", "a folder"])
def test_a_lost_count_of_days_begins_anew(durable: Durable, damage: str) -> None:
    record = upload(durable)
    durable.collection.trash(record.id)
    now, path = datetime.now(UTC), durable.settings.trash_days
    for day in range(30):
        durable.collection.bin.expire(now + timedelta(days=day))
    path.unlink()
    if damage == "noise":
        path.write_bytes(b"\x00{")
    elif damage == "a folder":
        path.mkdir()
    assert durable.collection.bin.expire(now + timedelta(days=30)).deleted == 0


class PowerCutError(Exception):
    """Stands for a crash."""


@pytest.mark.parametrize("at_file", [0, 1, 2])
def test_a_crash_amid_emptying_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_file: int
) -> None:
    deleted = []
    unlink = Path.unlink

    def failing(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".png" and path.parent.parent.name == "images":
            if len(deleted) == at_file:
                raise PowerCutError
            deleted.append(path)
        unlink(path, missing_ok=missing_ok)

    with open_durable(tmp_path) as durable:
        records = [upload(durable, seed) for seed in range(3)]
        durable.collection.gallery.bulk([record.id for record in records], Action.TRASH)
        monkeypatch.setattr(Path, "unlink", failing)
        with pytest.raises(PowerCutError):
            empty(durable, 3)
        monkeypatch.undo()
    with open_durable(tmp_path) as durable:
        assert durable.collection.reconcile().adopted == ()
        assert listed(durable) + listed(durable, trashed=True) == []
        durable.collection.bin.expire()
        assert list(durable.collection.store.files()) == []
        for record in records:
            with pytest.raises(NotFound):
                durable.collection.get(record.id)


# --- many at once -----------------------------------------------------------------------------


def test_many_are_starred_trashed_and_back_in_one_go(durable: Durable) -> None:
    ids = [upload(durable, seed).id for seed in range(3)]
    change = durable.collection.gallery.bulk
    first = change([*ids, ids[0], "nobody"], Action.STAR)
    assert (first.changed, first.unchanged, first.missing) == (3, 0, 1)
    assert change(ids[:2], Action.UNSTAR).changed == 2
    assert change(ids, Action.STAR).unchanged == 1
    assert change(ids[:2], Action.TRASH).changed == 2
    assert listed(durable) == [ids[2]]
    assert change(ids, Action.RESTORE).changed == 2
    assert len(listed(durable)) == 3


def test_many_are_tagged_and_found_by_the_tag(durable: Durable) -> None:
    ids = [upload(durable, seed).id for seed in range(3)]
    change = durable.collection.gallery.bulk
    durable.collection.update(ids[0], tags=("Hero", "draft"))
    assert change(ids, Action.TAG, " hero ").changed == 2
    assert durable.collection.get(ids[0]).tags == ("Hero", "draft")
    assert sorted(listed(durable, tag="HERO")) == sorted(ids)  # pyright: ignore[reportArgumentType]
    assert durable.collection.gallery.facets().tag == {"Hero": 3, "draft": 1}
    assert change(ids, Action.UNTAG, "hero").changed == 3
    assert durable.collection.get(ids[0]).tags == ("draft",)
    assert durable.collection.gallery.page(Filter(query="hero"), None, 10).items == ()
    with pytest.raises(RequestError, match="which tag"):
        change(ids, Action.TAG, "  ")


def test_a_change_of_many_lets_others_in_between(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_PART", 2)
    monkeypatch.setattr(trash, "_PART", 2)
    ids = [upload(durable, seed).id for seed in range(6)]
    commits: list[object] = []
    event.listen(durable.database.sessions, "after_commit", commits.append)
    assert durable.collection.gallery.bulk(ids, Action.TAG, "red").changed == 6
    assert durable.collection.gallery.bulk(ids, Action.TRASH).changed == 6
    assert len(commits) == 6
    assert empty(durable, 6).deleted == 6
    assert len(commits) >= 12


def test_a_disk_that_refuses_amid_a_change_of_many_says_how_far_it_came(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_PART", 2)
    ids = [upload(durable, seed).id for seed in range(6)]
    left = 2

    def full(_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise sqlite3.OperationalError("database or disk is full")

    event.listen(durable.database._engine, "commit", full)
    with pytest.raises(StorageFailure, match=r"full.* 4 of 6 pictures are changed; then do the same again"):
        durable.collection.gallery.bulk(ids, Action.STAR)
    event.remove(durable.database._engine, "commit", full)
    assert durable.collection.gallery.bulk(ids, Action.STAR).changed == 2


def test_a_tag_too_many_changes_none_of_them(durable: Durable) -> None:
    full, other = upload(durable).id, upload(durable, 1).id
    durable.collection.update(full, tags=tuple(f"t{n}" for n in range(64)))
    with pytest.raises(RequestError, match="64 tags already"):
        durable.collection.gallery.bulk([other, full], Action.TAG, "one more")
    assert durable.collection.get(other).tags == ()
