"""Queue, engine and collection together: real rows, files and processes; only the pixels are scripted."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import event, text

from pipelines.catalog.catalog import load_catalog
from pipelines.errors import StorageFailure
from pipelines.events import Event, ImageReady, Reading, ReadOrder, WorkOrder
from pipelines.memory.plan import MemoryChoice
from pipelines.request import CompleteRequest, Mode, Reference
from studio.collection.collection import Collection
from studio.database import Database
from studio.dispatcher import Dispatcher
from studio.engine import NotBegun, Place
from studio.engine.local import LocalEngine
from studio.jobs import JobQueue
from studio.models.records import LoadOptions
from studio.records import ImageRecord, JobRecord, JobStatus, WorkerState
from studio.settings import Settings
from tests.studio import scripted_worker
from tests.studio.scripted_worker import SIDE, control_image, pixels

MODELS = """\
models:
  - {id: m, label: Scripted, family: stable-diffusion, source: nowhere, licence: none,
     modes: [text_to_image, img2img]}
"""


class Studio:
    """The inner studio over one data folder."""

    def __init__(self, folder: Path, **engine: Any) -> None:
        models = folder / "models.yaml"
        models.write_text(MODELS)
        settings = Settings(data_dir=folder / "data", models=models)
        self.database = Database(settings.database)
        self.collection = Collection(settings, self.database, load_catalog(models))
        self.queue = JobQueue(self.database)
        options = {"main": scripted_worker.main, "args": (str(folder),), "restart_delays": (0.0, 0.05, 0.05)}
        self.engine = LocalEngine(models, "cpu", **(options | engine))
        self.dispatcher = Dispatcher(self.queue, self.engine, self.collection)

    def add(self, prompt: str = "", **values: object) -> JobRecord:
        fields = {"model": "m", "seed": 7, "width": SIDE, "height": SIDE, "num_inference_steps": 3}
        return self.queue.add(CompleteRequest.model_validate(fields | {"prompt": prompt} | values))

    def until(self, job: JobRecord, true: Callable[[JobRecord], bool]) -> JobRecord:
        deadline = time.monotonic() + 30
        snapshot = self.queue.snapshot()
        while not true(self.queue.get(job.id)):
            assert time.monotonic() < deadline, self.queue.get(job.id)
            snapshot = self.queue.watch(snapshot.version, 1.0)
        return self.queue.get(job.id)

    def ended(self, job: JobRecord) -> JobRecord:
        return self.until(job, lambda now: now.finished_at is not None)

    def in_phase(self, job: JobRecord, phase: str) -> JobRecord:
        return self.until(job, lambda now: now.phase == phase)

    def pixels(self, image_id: str) -> bytes:
        path, _ = self.collection.file(image_id)
        return Image.open(path).convert("RGB").tobytes()

    def stop(self) -> None:
        self.dispatcher.stop()
        self.database.close()


@pytest.fixture
def open_studio(tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    opened: list[Studio] = []

    def open_studio(*, start: bool = True, **engine: Any) -> Studio:
        studio = Studio(tmp_path, **engine)
        if start:
            studio.dispatcher.start()
            opened.append(studio)
        return studio

    yield open_studio
    for studio in opened:
        studio.stop()


@pytest.fixture
def studio(open_studio: Callable[..., Studio]) -> Studio:
    return open_studio()


def test_a_job_becomes_pictures_in_the_collection(studio: Studio) -> None:
    job = studio.ended(studio.add("notice control", num_images=2))
    assert job.status is JobStatus.DONE
    records = [studio.collection.get(image) for image in job.images]
    assert [(r.job_id, r.batch_index, r.seed) for r in records] == [(job.id, 0, 7), (job.id, 1, 8)]
    assert [studio.pixels(image) for image in job.images] == [pixels(7), pixels(8)]
    assert records[0].notes == ("Something was cut.",)
    assert records[0].provenance["device"] == "scripted"
    assert studio.queue.control_image(job.id) == control_image()
    kept = [link.image_id for record in records for link in record.parents if link.role == "control"]
    assert kept == [kept[0]] * 2
    assert studio.pixels(kept[0] or "") == b"\xff" * (SIDE * SIDE * 3)
    assert job.timings["saving"] > 0


def test_two_jobs_are_done_in_order(studio: Studio) -> None:
    first, second = studio.add("slow"), studio.add()
    studio.ended(second)
    ended = [studio.queue.get(job.id).finished_at for job in (first, second)]
    assert ended[0] is not None
    assert ended[1] is not None
    assert ended[0] <= ended[1]


@pytest.mark.parametrize("phase", ["loading", "encoding", "denoising", "decoding"])
def test_cancel_in_each_phase(studio: Studio, phase: str) -> None:
    job = studio.add(f"hang-{phase}")
    studio.in_phase(job, phase)
    studio.queue.cancel(job.id)
    assert studio.ended(job).status is JobStatus.CANCELLED
    assert studio.ended(studio.add()).status is JobStatus.DONE


def test_cancel_of_a_waiting_job(studio: Studio) -> None:
    running, waiting = studio.add("hang-denoising"), studio.add()
    studio.in_phase(running, "denoising")
    assert studio.queue.cancel(waiting.id).status is JobStatus.CANCELLED
    studio.queue.cancel(running.id)
    assert studio.ended(running).status is JobStatus.CANCELLED


def test_kill_9_of_the_worker_gives_the_same_picture(studio: Studio) -> None:
    job = studio.ended(studio.add("die-once"))
    assert job.status is JobStatus.DONE
    assert [studio.pixels(image) for image in job.images] == [pixels(7)]


def test_pictures_saved_before_the_worker_died_are_kept(studio: Studio, tmp_path: Path) -> None:
    job = studio.ended(studio.add("stop-after-one", num_images=3))
    assert job.status is JobStatus.DONE
    assert [studio.pixels(image) for image in job.images] == [pixels(7), pixels(8), pixels(9)]
    assert (tmp_path / "order.log").read_text().splitlines() == [job.id, job.id]


def test_a_job_that_kills_the_worker_twice_fails_and_the_next_works(studio: Studio) -> None:
    job, after = studio.add("die"), studio.add()
    failed = studio.ended(job)
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert "stopped twice" in failed.error.message
    assert studio.ended(after).status is JobStatus.DONE


@pytest.mark.parametrize(("prompt", "code"), [("refuse", "model_unavailable"), ("crash", "error")])
def test_a_failure_has_words_and_the_next_job_works(studio: Studio, prompt: str, code: str) -> None:
    failed = studio.ended(studio.add(prompt))
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert failed.error.code == code
    assert studio.ended(studio.add()).status is JobStatus.DONE


def test_an_engine_that_is_down_fails_the_job_with_its_reason(
    open_studio: Callable[..., Studio], tmp_path: Path
) -> None:
    studio = open_studio(main=scripted_worker.main_that_cannot_start)
    failed = studio.ended(studio.add())
    assert failed.error is not None
    assert "key 'family' is missing" in failed.error.message
    assert studio.queue.snapshot().worker.state == "down"
    (tmp_path / "mended").touch()
    assert studio.ended(studio.add()).status is JobStatus.DONE


def test_a_reference_reaches_the_worker_as_a_file(studio: Studio) -> None:
    picture = BytesIO()
    Image.new("RGB", (SIDE, SIDE), "red").save(picture, "PNG")
    picture.seek(0)
    upload, _ = studio.collection.add_upload(picture, "red.png")
    reference = Reference(image_id=upload.id)
    job = studio.ended(studio.add(mode=Mode.IMG2IMG, references=(reference,)))
    assert job.status is JobStatus.DONE
    assert [parent.image_id for parent in studio.collection.get(job.images[0]).parents] == [upload.id]


def test_a_reference_that_is_gone_fails_the_job_with_words(studio: Studio) -> None:
    failed = studio.ended(studio.add(mode=Mode.IMG2IMG, references=(Reference(image_id="gone"),)))
    assert failed.error is not None
    assert failed.error.code == "not_found"
    assert studio.ended(studio.add()).status is JobStatus.DONE


FULL = "The disk is full. Free some space."


class Refusing:
    """The real collection on a disk that refuses while `full`, or refuses one seed alone."""

    def __init__(self, collection: Collection, *, full: bool = True, seed: int = -1) -> None:
        self.full = full
        self._seed = seed
        self._collection = collection

    def working_file(self, image_id: str) -> Path:
        return self._collection.working_file(image_id)

    def mask_file(self, image_id: str) -> Path:
        return self._collection.mask_file(image_id)

    def original_file(self, image_id: str) -> Path:
        return self._collection.original_file(image_id)

    def own_file(self, image_id: str) -> Path | None:
        return self._collection.own_file(image_id)

    def try_disk(self, size: int) -> None:
        if self.full:
            raise StorageFailure(FULL)
        self._collection.try_disk(size)

    def save_generated(self, **picture: Any) -> ImageRecord:
        if self.full or picture["image"].seed == self._seed:
            raise StorageFailure(FULL)
        return self._collection.save_generated(**picture)


@pytest.fixture
def refusing(open_studio: Callable[..., Studio]) -> Iterator[tuple[Studio, Refusing]]:
    studio = open_studio(start=False)
    disk = Refusing(studio.collection)
    studio.dispatcher = Dispatcher(studio.queue, studio.engine, disk, hold_seconds=0.05)
    studio.dispatcher.start()
    yield studio, disk
    studio.stop()


def held(studio: Studio) -> None:
    snapshot = studio.queue.snapshot()
    deadline = time.monotonic() + 30
    while snapshot.held is None:
        assert time.monotonic() < deadline
        snapshot = studio.queue.watch(snapshot.version, 1.0)
    assert "full" in snapshot.held


def refuse_commits(studio: Studio) -> Callable[[], None]:
    """The database takes nothing until what is returned is called."""

    def refuse(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    event.listen(studio.database._engine, "commit", refuse)
    return lambda: event.remove(studio.database._engine, "commit", refuse)


def test_a_full_disk_holds_the_queue_and_no_picture_is_made_twice(
    refusing: tuple[Studio, Refusing],
) -> None:
    studio, disk = refusing
    jobs = [studio.add(num_images=2), *(studio.add() for _ in range(3))]
    held(studio)
    assert [studio.queue.get(job.id).status for job in jobs] == [JobStatus.RUNNING, *[JobStatus.QUEUED] * 3]
    disk.full = False
    for job in jobs:
        assert studio.ended(job).status is JobStatus.DONE
    assert studio.queue.snapshot().held is None
    assert studio.pixels(studio.queue.get(jobs[0].id).images[0]) == pixels(7)


def test_a_database_that_takes_nothing_holds_the_queue_and_memory_says_what_the_rows_say(
    studio: Studio,
) -> None:
    studio.dispatcher._hold_seconds = 0.05
    jobs = [studio.add("slow"), studio.add(), studio.add()]
    studio.until(jobs[0], lambda now: now.status is JobStatus.RUNNING)
    again = refuse_commits(studio)
    held(studio)
    with pytest.raises(StorageFailure):
        studio.queue.cancel(jobs[2].id)
    assert [studio.queue.get(job.id).finished_at for job in jobs] == [None] * 3
    again()
    assert [studio.ended(job).status for job in jobs] == [JobStatus.DONE] * 3
    with studio.database.reading() as session:
        rows = session.execute(text("SELECT status, attempts FROM jobs ORDER BY number")).all()
    assert [tuple(row) for row in rows] == [("done", 1)] * 3


def test_a_held_job_can_be_cancelled(refusing: tuple[Studio, Refusing]) -> None:
    studio, disk = refusing
    job, other = studio.add(), studio.add()
    held(studio)
    studio.queue.cancel(job.id)
    assert studio.ended(job).status is JobStatus.CANCELLED
    disk.full = False
    assert studio.ended(other).status is JobStatus.DONE


def test_a_studio_that_closes_while_held_begins_again_where_it_was(
    open_studio: Callable[..., Studio],
) -> None:
    studio = open_studio(start=False)
    studio.dispatcher = Dispatcher(studio.queue, studio.engine, Refusing(studio.collection))
    studio.dispatcher.start()
    jobs = [studio.add(), studio.add()]
    held(studio)
    studio.stop()
    again = open_studio()
    assert [again.ended(job).status for job in jobs] == [JobStatus.DONE] * 2


def test_what_only_one_job_is_refused_fails_it_and_the_next_works(
    refusing: tuple[Studio, Refusing],
) -> None:
    studio, disk = refusing
    disk.full, disk._seed = False, 5
    failed = studio.ended(studio.add(seed=5))
    assert failed.error is not None
    assert failed.error.message == FULL
    assert studio.ended(studio.add()).status is JobStatus.DONE


@pytest.mark.posix("sends signals to a process")
def test_stop_puts_the_running_job_back_and_leaves_no_process(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(start=False)
    studio.dispatcher.start()
    running, waiting = studio.add("hang-denoising"), studio.add()
    studio.in_phase(running, "denoising")
    pid = studio.engine.pid
    assert pid is not None
    studio.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    again = open_studio()
    assert [job.id for job in again.queue.snapshot().jobs] == [running.id, waiting.id]
    again.in_phase(running, "denoising")
    again.queue.cancel(running.id)
    assert again.ended(waiting).status is JobStatus.DONE


def test_a_job_whose_pictures_are_all_saved_is_done_without_the_worker(
    open_studio: Callable[..., Studio],
) -> None:
    studio = open_studio(start=False, main=scripted_worker.main_that_cannot_start)
    job = studio.add()
    image = ImageReady(0, 7, SIDE, SIDE, pixels(7))
    studio.collection.save_generated(
        job_id=job.id, request=job.request, image=image, notices=(), provenance={}
    )
    studio.dispatcher.start()
    try:
        assert studio.ended(job).status is JobStatus.DONE
    finally:
        studio.stop()


@pytest.mark.posix("sends signals to a process")
def test_a_killed_worker_shows_as_restarting_and_comes_back(studio: Studio) -> None:
    job = studio.add("hang-denoising")
    studio.in_phase(job, "denoising")
    pid = studio.engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    studio.until(job, lambda now: now.status is JobStatus.QUEUED or studio.engine.pid not in (None, pid))
    studio.in_phase(job, "denoising")
    studio.until(job, lambda now: studio.queue.snapshot().worker.state == "busy")
    studio.queue.cancel(job.id)
    assert studio.ended(job).status is JobStatus.CANCELLED


def test_a_job_takes_along_how_its_model_shall_be_kept(
    open_studio: Callable[..., Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = open_studio(start=False)
    orders: list[WorkOrder] = []
    run = studio.engine.run

    def listening(order: WorkOrder, worker: str) -> Generator[Event]:
        orders.append(order)
        return run(order, worker)

    monkeypatch.setattr(studio.engine, "run", listening)
    held = {"owner/name": "a" * 40}
    wanted = {"m": LoadOptions(choice=MemoryChoice.MODEL_OFFLOAD, warm_up=True, tiling=True, revisions=held)}
    studio.dispatcher = Dispatcher(studio.queue, studio.engine, studio.collection, wanted.__getitem__)
    studio.dispatcher.start()
    try:
        assert studio.ended(studio.add()).status is JobStatus.DONE
    finally:
        studio.stop()
    said = [(order.memory, order.warm_up, order.tiling, order.revisions) for order in orders]
    assert said == [("model_offload", True, True, held)]


class TwoWorkers:
    """An engine of two worker processes."""

    def __init__(self, folder: Path) -> None:
        models = folder / "models.yaml"
        self.workers = {
            name: LocalEngine(models, "cpu", main=scripted_worker.main, args=(str(folder),)) for name in "ab"
        }

    def places(self) -> list[Place]:
        return [Place(name, model=worker.model) for name, worker in self.workers.items()]

    def run(self, order: WorkOrder, worker: str = "") -> Generator[Event]:
        return self.workers[worker].run(order)

    def read(self, order: ReadOrder, patience: float = 5.0) -> tuple[Reading, ...]:
        return self.workers["a"].read(order, patience)

    def cancel(self, job_id: str) -> None:
        for worker in self.workers.values():
            worker.cancel(job_id)

    def on_state(self, listener: Callable[[WorkerState], None]) -> None:
        for worker in self.workers.values():
            worker.on_state(listener)

    def stop(self) -> None:
        for worker in self.workers.values():
            worker.stop()


def test_two_workers_make_two_jobs_at_a_time_and_cancels_reach_the_right_one(
    open_studio: Callable[..., Studio], tmp_path: Path
) -> None:
    studio = open_studio(start=False)
    studio.engine.stop()
    studio.dispatcher = Dispatcher(studio.queue, TwoWorkers(tmp_path), studio.collection)
    studio.dispatcher.start()
    try:
        first, second = (studio.add("hang-denoising", seed=seed) for seed in (1, 2))
        running = [studio.in_phase(job, "denoising") for job in (first, second)]
        assert {job.worker for job in running} == {"a", "b"}
        studio.queue.cancel(second.id)
        assert studio.ended(second).status is JobStatus.CANCELLED
        assert studio.queue.get(first.id).status is JobStatus.RUNNING
        third = studio.ended(studio.add(seed=3))
        assert [studio.pixels(image) for image in third.images] == [pixels(3)]
    finally:
        studio.stop()
    assert JobQueue(Database(tmp_path / "data" / "likeness.db")).get(first.id).status is JobStatus.QUEUED


def test_a_job_lost_with_one_worker_is_made_by_the_other(
    open_studio: Callable[..., Studio], tmp_path: Path
) -> None:
    studio = open_studio(start=False)
    studio.engine.stop()
    studio.dispatcher = Dispatcher(studio.queue, TwoWorkers(tmp_path), studio.collection)
    studio.dispatcher.start()
    seen: set[str] = set()
    try:
        job = studio.add("die-once slow")
        studio.until(job, lambda now: bool(seen.add(now.worker)) or now.finished_at is not None)
        assert [studio.pixels(image) for image in studio.queue.get(job.id).images] == [pixels(7)]
        assert seen >= {"a", "b"}
    finally:
        studio.stop()


def test_a_job_that_another_worker_took_is_not_taken_from_it(
    open_studio: Callable[..., Studio], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread of the first worker comes to its end only when the second is at work already."""
    studio = open_studio(start=False)
    studio.engine.stop()
    studio.dispatcher = Dispatcher(studio.queue, TwoWorkers(tmp_path), studio.collection)
    requeue = studio.queue.requeue

    def requeue_and_wait(job_id: str) -> None:
        requeue(job_id)
        studio.until(studio.queue.get(job_id), lambda now: now.status is JobStatus.RUNNING)

    monkeypatch.setattr(studio.queue, "requeue", requeue_and_wait)
    studio.dispatcher.start()
    try:
        job = studio.add("die-once slow")
        assert [studio.pixels(image) for image in studio.ended(job).images] == [pixels(7)]
        assert (tmp_path / "order.log").read_text().splitlines() == [job.id, job.id]
    finally:
        studio.stop()


def test_a_job_whose_worker_was_gone_before_it_began_has_not_been_tried(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, gone = studio.engine.run, iter(range(3))

    def going(order: WorkOrder, worker: str) -> Generator[Event]:
        if next(gone, None) is not None:
            raise NotBegun("a has left the cluster.")
        yield from run(order, worker)

    monkeypatch.setattr(studio.engine, "run", going)
    job = studio.ended(studio.add())
    assert job.status is JobStatus.DONE
    assert [studio.pixels(image) for image in job.images] == [pixels(7)]
