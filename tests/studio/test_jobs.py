"""The queue on a real SQLite file; restarts are a second queue on the same file."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pipelines.errors import NotFound
from pipelines.events import ControlImage, Notice, Phase, PhaseChanged, PreviewReady, StepProgress
from pipelines.request import CompleteRequest
from studio.collection.models import ImageRow
from studio.database import Database
from studio.jobs import SHOWN_FINISHED, JobQueue
from studio.records import JobError, JobRecord, JobStatus, WorkerState
from tests.studio.fixtures import running


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "likeness.db")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(database: Database, clock: Clock) -> JobQueue:
    return JobQueue(database, clock=clock)


def request(prompt: str = "a portrait", **values: object) -> CompleteRequest:
    settings = {
        "model": "m",
        "seed": 1,
        "width": 64,
        "height": 64,
        "num_inference_steps": 4,
        "prompt": prompt,
    }
    return CompleteRequest.model_validate(settings | {"prompt": prompt} | values)


def claimed(queue: JobQueue) -> JobRecord:
    job = queue.claim(timeout=0)
    assert job is not None
    return job


def picture_row(database: Database, job_id: str, index: int) -> str:
    """The row the collection would write for a job's picture."""
    digest = hashlib.sha256(f"{job_id}-{index}".encode()).hexdigest()
    with database.transaction() as session:
        session.add(
            ImageRow(
                id=f"{job_id}-{index}",
                sha256=digest,
                pixel_sha256=digest,
                extension="png",
                mime="image/png",
                size_bytes=1,
                width=64,
                height=64,
                plain=True,
                category="generated",
                label="m",
                created_at=datetime.now(UTC),
                job_id=job_id,
                batch_index=index,
            )
        )
    return f"{job_id}-{index}"


def test_a_job_keeps_its_request_and_its_place(queue: JobQueue) -> None:
    first = queue.add(request("one"), ("size rounded",), "tab-1")
    second = queue.add(request("two"))
    assert (first.position, second.position) == (0, 1)
    assert first.request == request("one")
    assert (first.notices, first.tab, first.status) == (("size rounded",), "tab-1", JobStatus.QUEUED)
    assert claimed(queue).id == first.id
    assert queue.get(second.id).position == 0


def test_an_unknown_job_is_not_found(queue: JobQueue) -> None:
    for verb in (queue.get, queue.cancel):
        with pytest.raises(NotFound):
            verb("nothing")
    assert queue.preview("nothing") is None
    assert queue.control_image("nothing") is None


def test_events_of_the_running_job_are_shown(queue: JobQueue) -> None:
    job = queue.add(request())
    claimed(queue)
    assert queue.get(job.id).phase == "loading"
    queue.apply(running(queue), PhaseChanged(Phase.DENOISING))
    queue.apply(running(queue), ControlImage(b"\x89PNG control", "canny"))
    queue.apply(running(queue), Notice("cut"))
    queue.apply(running(queue), Notice("cut"))
    queue.apply(running(queue), StepProgress(1, 4))
    queue.apply(running(queue), PreviewReady(b"RIFF first"))
    queue.apply(running(queue), StepProgress(2, 4))
    shown = queue.get(job.id)
    assert (shown.phase, shown.step, shown.total_steps, shown.preview) == ("denoising", 2, 4, 1)
    assert (shown.notices, shown.has_control_image) == (("cut",), True)
    assert queue.preview(job.id) == (b"RIFF first", "image/webp")
    assert queue.control_image(job.id) == b"\x89PNG control"


def test_done_keeps_pictures_timings_and_control_image(queue: JobQueue, database: Database) -> None:
    job = queue.add(request())
    claimed(queue)
    queue.apply(running(queue), ControlImage(b"\x89PNG", "canny"))
    queue.add_image(running(queue), picture_row(database, job.id, 0))
    queue.finish(running(queue), JobStatus.DONE, timings={"denoising": 2.0, "decoding": 1.0})
    for seen in (queue.get(job.id), JobQueue(database).get(job.id), queue.list(JobStatus.DONE)[0]):
        assert (seen.status, seen.images, seen.phase) == (JobStatus.DONE, (f"{job.id}-0",), None)
        assert seen.timings["denoising"] == 2.0
    assert queue.control_image(job.id) == b"\x89PNG"
    with database.reading() as session:
        assert session.execute(text("SELECT seconds FROM jobs")).scalar() == pytest.approx(3.0)


def test_failure_keeps_its_words(queue: JobQueue, database: Database) -> None:
    job = queue.add(request())
    claimed(queue)
    error = JobError(code="out_of_memory", message="Use a smaller size.")
    queue.finish(running(queue), JobStatus.FAILED, error=error)
    assert JobQueue(database).get(job.id).error == error
    assert queue.snapshot().jobs[0].error == error


def test_cancel_of_a_queued_job_ends_it_at_once(queue: JobQueue, database: Database) -> None:
    queue.add(request("first"))
    job = queue.add(request())
    assert queue.cancel(job.id).status is JobStatus.CANCELLED
    assert queue.cancel(job.id).status is JobStatus.CANCELLED
    claimed(queue)
    assert queue.claim(timeout=0) is None
    assert JobQueue(database).get(job.id).status is JobStatus.CANCELLED


def test_cancel_of_a_running_job_reaches_the_listener_and_wins(queue: JobQueue) -> None:
    heard: list[str] = []
    queue.on_cancel(heard.append)
    job = queue.add(request())
    claimed(queue)
    assert queue.cancel(job.id).cancel_requested
    assert queue.get(job.id).status is JobStatus.RUNNING
    assert heard == [job.id]
    queue.finish(running(queue), JobStatus.FAILED, error=JobError(code="error", message="too late"))
    ended = queue.get(job.id)
    assert (ended.status, ended.error) == (JobStatus.CANCELLED, None)


def test_a_lost_worker_queues_the_job_again_once(queue: JobQueue) -> None:
    job = queue.add(request())
    later = queue.add(request())
    claimed(queue)
    queue.apply(running(queue), StepProgress(2, 4))
    queue.apply(running(queue), PreviewReady(b"RIFF"))
    queue.requeue(running(queue))
    again = queue.get(job.id)
    assert (again.status, again.position, again.step, again.preview) == (JobStatus.QUEUED, 0, 0, 0)
    assert claimed(queue).id == job.id
    queue.requeue(running(queue))
    failed = queue.get(job.id)
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert "stopped twice" in failed.error.message
    assert claimed(queue).id == later.id


def test_a_lost_worker_of_a_cancelled_job_ends_it(queue: JobQueue) -> None:
    job = queue.add(request())
    claimed(queue)
    queue.cancel(job.id)
    queue.requeue(running(queue))
    assert queue.get(job.id).status is JobStatus.CANCELLED


def test_a_crash_queues_the_running_job_again_once(database: Database) -> None:
    queue = JobQueue(database)
    job, later = queue.add(request()), queue.add(request("later"))
    for _ in range(2):
        assert claimed(queue).id == job.id
        queue = JobQueue(database)  # the process died here
    failed = queue.get(job.id)
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert claimed(queue).id == later.id


def test_a_clean_stop_is_no_attempt(database: Database) -> None:
    queue = JobQueue(database)
    job = queue.add(request())
    for _ in range(5):
        claimed(queue)
        queue.release(running(queue), "")
        queue = JobQueue(database)
    assert queue.get(job.id).status is JobStatus.QUEUED


def test_a_crash_after_cancel_ends_the_job_as_cancelled(database: Database) -> None:
    queue = JobQueue(database)
    job = queue.add(request())
    claimed(queue)
    queue.cancel(job.id)
    assert JobQueue(database).get(job.id).status is JobStatus.CANCELLED


def test_pictures_saved_before_a_crash_are_known(database: Database) -> None:
    queue = JobQueue(database)
    job = queue.add(request(num_images=3))
    claimed(queue)
    for index in (0, 2):
        picture_row(database, job.id, index)
    queue = JobQueue(database)
    assert queue.saved(job.id) == {0, 2}
    assert claimed(queue).images == (f"{job.id}-0", f"{job.id}-2")


def test_the_snapshot_is_made_once_per_change_and_in_order(queue: JobQueue) -> None:
    done, begun, first, second = (queue.add(request(name)) for name in "drab")
    claimed(queue)
    queue.finish(running(queue), JobStatus.DONE)
    claimed(queue)
    snapshot = queue.snapshot()
    assert queue.snapshot() is snapshot
    assert [job.id for job in snapshot.jobs] == [begun.id, first.id, second.id, done.id]
    assert [job.position for job in snapshot.jobs] == [None, 0, 1, None]
    queue.set_worker(WorkerState(state="busy", device="cpu"))
    assert queue.snapshot().version > snapshot.version
    assert queue.snapshot().worker.state == "busy"


def test_the_snapshot_holds_the_last_finished_only(queue: JobQueue, database: Database) -> None:
    jobs = [queue.add(request(str(number))) for number in range(SHOWN_FINISHED + 2)]
    for job in jobs:
        queue.cancel(job.id)
    for again in (queue, JobQueue(database)):
        assert [job.id for job in again.snapshot().jobs] == [job.id for job in reversed(jobs[2:])]
        assert again.get(jobs[0].id).status is JobStatus.CANCELLED
    assert len(queue.list(limit=5)) == 5
    assert queue.list()[0].id == jobs[-1].id


def test_watch_wakes_at_a_change_and_gives_up_in_time(queue: JobQueue) -> None:
    before = queue.snapshot().version
    assert queue.watch(before, timeout=0.01).version == before
    threading.Timer(0.05, lambda: queue.add(request())).start()
    assert queue.watch(before, timeout=30).version > before


def test_many_threads_may_add_claim_and_look(queue: JobQueue) -> None:
    taken: list[str] = []

    def add() -> None:
        for number in range(10):
            queue.add(request(str(number)))

    def take() -> None:
        while len(taken) < 40:
            job = queue.claim(timeout=0.05)
            if job is not None:
                taken.append(job.id)
                queue.finish(running(queue), JobStatus.DONE)

    threads = [threading.Thread(target=what) for what in (add, add, add, add, take)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        statuses = [job.status for job in queue.snapshot().jobs]
        assert statuses.count(JobStatus.RUNNING) <= 1
        threads[-1].join(0.01)
    assert len(set(taken)) == 40


def run_through(queue: JobQueue, clock: Clock, *, step: float = 2.0, **values: object) -> list[float | None]:
    """Run a job of four steps; its ETA at each event."""
    job = queue.add(request(**values))
    claimed(queue)
    seen: list[float | None] = []

    def then(seconds: float, event: PhaseChanged | StepProgress) -> None:
        clock.passes(seconds)
        queue.apply(running(queue), event)
        seen.append(queue.get(job.id).eta_seconds)

    then(30.0, PhaseChanged(Phase.ENCODING))
    then(1.0, PhaseChanged(Phase.DENOISING))
    for number in range(1, 5):
        then(step, StepProgress(number, 4))
    then(0.0, PhaseChanged(Phase.DECODING))
    clock.passes(3.0)
    queue.finish(running(queue), JobStatus.DONE)
    return seen


def test_eta_is_measured_and_unknown_where_nothing_is_known(queue: JobQueue, clock: Clock) -> None:
    assert run_through(queue, clock) == [None, None, 6.0, 4.0, 2.0, None, None]


def test_eta_learns_from_past_runs(queue: JobQueue, clock: Clock) -> None:
    run_through(queue, clock)
    assert run_through(queue, clock) == [12.0, 11.0, 9.0, 7.0, 5.0, 3.0, 3.0]


def test_eta_learns_across_a_restart(database: Database, clock: Clock) -> None:
    run_through(JobQueue(database, clock=clock), clock)
    assert run_through(JobQueue(database, clock=clock), clock)[0] == 12.0


@pytest.mark.parametrize("other", [{"model": "n"}, {"mode": "img2img"}, {"quick_draft": True}])
def test_eta_does_not_learn_from_others(queue: JobQueue, clock: Clock, other: dict[str, Any]) -> None:
    run_through(queue, clock)
    assert run_through(queue, clock, **other)[0] is None


def test_queued_jobs_wait_for_those_before_them(queue: JobQueue, clock: Clock) -> None:
    run_through(queue, clock)
    assert [queue.add(request()).eta_seconds for _ in range(2)] == [12.0, 24.0]
    assert queue.add(request(model="unknown")).eta_seconds is None
    assert queue.add(request()).eta_seconds is None


def test_eta_grows_with_the_work(queue: JobQueue, clock: Clock) -> None:
    run_through(queue, clock)
    encoding, denoising, decoding = 1.0, 8.0, 3.0
    twice = queue.add(request(num_inference_steps=8))
    assert twice.eta_seconds == encoding + 2 * denoising + decoding
    queue.cancel(twice.id)
    both = queue.add(request(num_images=2))
    assert both.eta_seconds == encoding + 2 * denoising + 2 * decoding


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DONE])
@pytest.mark.parametrize(
    "kept",
    ['{"prompt": "a knight", "of_later": 3}', '{"prompt": "a knight", "seed": "soon"}', "[]", "12", "null"],
)
def test_a_job_that_another_version_wrote_stops_no_start(
    queue: JobQueue, database: Database, kept: str, status: JobStatus
) -> None:
    other, job = queue.add(request("another")), queue.add(request())
    with database.transaction() as session:
        values = {"kept": kept, "id": job.id, "status": status}
        session.execute(text("UPDATE jobs SET request = :kept, status = :status WHERE id = :id"), values)
    again = JobQueue(database)
    found = again.get(job.id)
    assert found.status is (JobStatus.DONE if status is JobStatus.DONE else JobStatus.FAILED)
    assert found.request.prompt == ("a knight" if "knight" in kept else "")
    if found.error:
        assert "another version" in found.error.message
    assert [each.id for each in again.snapshot().jobs if each.status is JobStatus.QUEUED] == [other.id]
