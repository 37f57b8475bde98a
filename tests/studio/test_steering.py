"""Steering the queue on a real SQLite file; restarts are a second queue on the same file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import Conflict, NotFound
from pipelines.request import CompleteRequest
from studio.database import Database
from studio.job_table import MOST_OVERTAKEN, Choice
from studio.jobs import JobQueue
from studio.records import JobError, JobRecord, JobStatus
from tests.studio.fixtures import running


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "likeness.db")


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database, draw_seed=iter(range(1000, 2000)).__next__)


def request(prompt: str, **values: object) -> CompleteRequest:
    settled = {"model": "m", "seed": 1, "width": 64, "height": 64, "num_inference_steps": 4, "prompt": prompt}
    return CompleteRequest.model_validate(settled | values)


def add(queue: JobQueue, *prompts: str, model: str = "m") -> list[str]:
    return [queue.add(request(prompt, model=model)).id for prompt in prompts]


def waiting(queue: JobQueue) -> list[str]:
    return [job.request.prompt for job in queue.snapshot().jobs if job.status is JobStatus.QUEUED]


def claim(queue: JobQueue, loaded: str = "") -> JobRecord:
    """The next one, for a worker that has the model `loaded` in memory."""
    job = queue.claim(0, lambda model, lost_with: Choice("", model == loaded))
    assert job is not None
    return job


def test_a_paused_queue_lets_nothing_begin_also_after_a_restart(database: Database, queue: JobQueue) -> None:
    add(queue, "a", "b")
    claim(queue)
    queue.steering.switch(paused=True)
    queue.finish(running(queue), JobStatus.DONE)
    assert queue.claim(timeout=0) is None
    again = JobQueue(database)
    assert again.snapshot().paused
    assert again.claim(timeout=0) is None
    again.steering.switch(paused=False)
    assert claim(again).request.prompt == "b"
    assert not JobQueue(database).snapshot().paused


def test_a_pause_under_a_running_job_that_a_crash_ends_holds_it_back(
    database: Database, queue: JobQueue
) -> None:
    add(queue, "a")
    claim(queue)
    queue.steering.switch(paused=True)
    again = JobQueue(database)
    assert waiting(again) == ["a"]
    assert again.claim(timeout=0) is None


@pytest.mark.parametrize(
    ("moved", "where", "wanted"),
    [
        (3, {"to": "front"}, "dabc"),
        (0, {"to": "back"}, "bcda"),
        (3, {"before": 1}, "adbc"),
        (0, {"before": 3}, "bcad"),
        (1, {"before": 1}, "abcd"),
    ],
)
def test_moved_jobs_stay_where_they_were_put(
    database: Database, queue: JobQueue, moved: int, where: dict[str, object], wanted: str
) -> None:
    ids = add(queue, *"abcd")
    before = where.get("before")
    queue.steering.move(ids[moved], where.get("to"), ids[before] if isinstance(before, int) else None)  # type: ignore[arg-type]
    assert waiting(queue) == list(wanted)
    assert waiting(JobQueue(database)) == list(wanted)
    add(queue, "e")
    assert waiting(JobQueue(database)) == [*wanted, "e"]


@settings(max_examples=25, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_any_moves_leave_the_same_order_in_memory_and_on_disk(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int]]
) -> None:
    database = Database(tmp_path_factory.mktemp("moves") / "likeness.db")
    queue = JobQueue(database)
    ids = add(queue, *"abcdef")
    expected = list(ids)
    for moved, before in moves:
        queue.steering.move(ids[moved], None, ids[before])
        if moved != before:
            expected.remove(ids[moved])
            expected.insert(expected.index(ids[before]), ids[moved])
    for shown in (queue, JobQueue(database)):
        assert [job.id for job in shown.snapshot().jobs] == expected
    database.close()


def test_a_job_that_crashed_runs_before_one_that_was_moved_to_the_front(
    database: Database, queue: JobQueue
) -> None:
    ids = add(queue, *"abc")
    claim(queue)
    queue.steering.move(ids[2], "front")
    assert waiting(JobQueue(database)) == ["a", "c", "b"]


def test_what_does_not_wait_cannot_be_moved(queue: JobQueue) -> None:
    ids = add(queue, "a", "b")
    claim(queue)
    with pytest.raises(Conflict):
        queue.steering.move(ids[0], "back")
    with pytest.raises(Conflict):
        queue.steering.move(ids[1], None, ids[0])


def test_a_failed_job_is_tried_again_as_itself_and_last(database: Database, queue: JobQueue) -> None:
    failed, _ = add(queue, "a", "b")
    claim(queue)
    queue.finish(running(queue), JobStatus.FAILED, error=JobError(code="error", message="no"))
    queue.steering.retry(failed)
    for shown in (queue, JobQueue(database)):
        assert waiting(shown) == ["b", "a"]
        record = shown.get(failed)
        assert (record.status, record.error, record.finished_at) == (JobStatus.QUEUED, None, None)
        assert len(shown.snapshot().jobs) == 2
    claim(queue)
    queue.finish(running(queue), JobStatus.DONE)
    assert claim(queue).id == failed
    queue.finish(running(queue), JobStatus.DONE)
    with pytest.raises(Conflict):
        queue.steering.retry(failed)
    with pytest.raises(NotFound):
        queue.steering.retry("nothing")


def test_what_is_asked_for_after_a_retry_waits_behind_it(database: Database, queue: JobQueue) -> None:
    (failed,) = add(queue, "a")
    for _ in range(3):
        claim(queue)
        queue.finish(running(queue), JobStatus.FAILED)
        queue.steering.retry(failed)
    add(queue, "b")
    for shown in (queue, JobQueue(database)):
        assert waiting(shown) == ["a", "b"]


def test_a_retried_job_has_all_its_attempts_before_it(database: Database, queue: JobQueue) -> None:
    (job,) = add(queue, "a")
    for _ in range(2):
        claim(queue)
        queue.requeue(running(queue))
    assert queue.get(job).status is JobStatus.FAILED
    queue.steering.retry(job)
    claim(queue)
    queue.requeue(running(queue))
    assert queue.get(job).status is JobStatus.QUEUED
    assert JobQueue(database).get(job).status is JobStatus.QUEUED


def test_cleared_jobs_come_back_where_they_waited(database: Database, queue: JobQueue) -> None:
    ids = add(queue, *"abcd")
    claim(queue)
    queue.steering.move(ids[3], "front")
    cleared = queue.steering.clear()
    assert cleared == (ids[3], ids[1], ids[2])
    assert waiting(queue) == waiting(JobQueue(database, clock=lambda: 0.0))[1:] == []
    assert all(job.finished_at for job in queue.snapshot().jobs if job.status is JobStatus.CANCELLED)
    late = add(queue, "e")
    assert queue.steering.restore([*cleared, ids[0], "nothing"]) == cleared
    assert waiting(queue) == ["d", "b", "c", "e"]
    assert queue.steering.restore(late) == ()


def test_clearing_an_empty_queue_changes_nothing(queue: JobQueue) -> None:
    version = queue.snapshot().version
    assert queue.steering.clear() == ()
    assert queue.snapshot().version == version


def test_a_repeated_job_is_asked_for_again_until_it_is_told_to_stop(
    database: Database, queue: JobQueue
) -> None:
    (first,) = add(queue, "a")
    queue.steering.repeat(first, True)
    claim(queue)
    queue.finish(running(queue), JobStatus.DONE)
    second = claim(queue)
    assert (second.request.prompt, second.request.seed, second.repeat) == ("a", 1000, True)
    again = JobQueue(database).get(second.id)
    assert again.repeat
    queue.steering.repeat(second.id, False)
    queue.finish(running(queue), JobStatus.DONE)
    assert queue.claim(timeout=0) is None
    with pytest.raises(Conflict):
        queue.steering.repeat(first, True)


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_what_does_not_end_well_is_not_repeated(queue: JobQueue, status: JobStatus) -> None:
    (job,) = add(queue, "a")
    queue.steering.repeat(job, True)
    claim(queue)
    queue.finish(running(queue), status)
    assert waiting(queue) == []


def test_jobs_of_the_model_in_memory_go_first_but_not_for_ever(queue: JobQueue) -> None:
    add(queue, "a")
    claim(queue)
    add(queue, "other", model="n")
    add(queue, *map(str, range(MOST_OVERTAKEN + 2)))
    queue.steering.switch(loaded_first=True)
    order = []
    for _ in range(MOST_OVERTAKEN + 3):
        queue.finish(running(queue), JobStatus.DONE)
        order.append(claim(queue, loaded="m").request.prompt)
    assert order.index("other") == MOST_OVERTAKEN
    rest = [prompt for prompt in order if prompt != "other"]
    assert rest == list(map(str, range(MOST_OVERTAKEN + 2)))


def test_the_order_is_the_queues_unless_that_is_allowed(queue: JobQueue) -> None:
    add(queue, "a")
    claim(queue)
    add(queue, "other", model="n")
    add(queue, "b")
    queue.finish(running(queue), JobStatus.DONE)
    assert claim(queue, loaded="m").request.prompt == "other"
