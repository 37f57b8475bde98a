"""Which worker makes a job, on places alone; and the queue, whose jobs wait for different models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.request import CompleteRequest
from studio.choosing import chooser
from studio.database import Database
from studio.engine import Place
from studio.jobs import JobQueue
from studio.records import JobStatus


def only(*models: str) -> Callable[[str | None], bool]:
    return lambda model: model in models


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(Database(tmp_path / "likeness.db"))


def add(queue: JobQueue, *models: str) -> list[str]:
    fields = {"seed": 1, "width": 64, "height": 64, "num_inference_steps": 4}
    wanted = [CompleteRequest.model_validate(fields | {"model": model}) for model in models]
    return [queue.add(request).id for request in wanted]


def worker(
    places: tuple[Place, ...], *busy: str, model: str = "m", lost_with: str | None = None
) -> str | None:
    choice = chooser(places, busy)(model, lost_with)
    return choice.worker if choice else None


def test_a_job_goes_where_its_model_is_else_where_nothing_has_to_leave() -> None:
    places = (Place("a", model="n"), Place("b"), Place("c", model="m", orders=9))
    assert worker(places) == "c"
    assert worker(places, "c") == "b"
    assert worker(places, "c", "b") == "a"
    assert worker(places, "a", "b", "c") is None


def test_among_equals_the_one_that_did_least() -> None:
    assert worker((Place("a", orders=2), Place("b", orders=1))) == "b"


def test_a_worker_that_has_no_such_model_or_is_not_ready_is_passed_over() -> None:
    places = (Place("a", takes=only("n")), Place("b", free=False), Place("c"))
    assert worker(places) == "c"
    assert worker(places[:2]) is None


def test_a_lost_job_goes_elsewhere_where_there_is_an_elsewhere() -> None:
    places = (Place("a", model="m"), Place("b", takes=only("m")))
    assert worker(places, lost_with="a") == "b"
    assert worker(places, "b", lost_with="a") is None
    assert worker((places[0], Place("b", takes=only("n"))), lost_with="a") == "a"


def test_a_job_for_a_busy_worker_keeps_nobody_else_waiting(queue: JobQueue) -> None:
    add(queue, "m", "m", "n")
    choose = chooser((Place("a", takes=only("m")), Place("b", takes=only("n"))), {"a"})
    job = queue.claim(0, choose)
    assert job is not None
    assert (job.request.model, job.worker) == ("n", "b")
    assert queue.claim(0, choose) is None


def test_a_job_that_avoids_a_worker_does_not_keep_those_behind_it_waiting(queue: JobQueue) -> None:
    first, second = add(queue, "m", "m")
    both = (Place("a"), Place("b"))
    assert queue.claim(0, chooser(both, {"b"})) is not None
    queue.requeue(first)
    job = queue.claim(0, chooser(both, {"b"}))
    assert job is not None
    assert (job.id, job.worker) == (second, "a")
    again = queue.claim(0, chooser(both, {"a"}))
    assert again is not None
    assert (again.id, again.worker) == (first, "b")


def test_several_run_and_each_ends_by_itself(queue: JobQueue) -> None:
    ids = add(queue, "m", "m", "m")
    for name in "ab":
        queue.claim(0, chooser((Place("a"), Place("b")), {"b"} if name == "a" else {"a"}))
    assert [(job.id, job.worker) for job in queue.snapshot().jobs[:2]] == [(ids[0], "a"), (ids[1], "b")]
    queue.finish(ids[1], JobStatus.DONE)
    assert queue.get(ids[1]).status is JobStatus.DONE
    assert queue.get(ids[0]).status is JobStatus.RUNNING
    queue.requeue(ids[0])
    assert [job.id for job in queue.snapshot().jobs[:2]] == [ids[0], ids[2]]
    assert queue.get(ids[0]).worker == ""


def test_of_very_many_the_first_are_listed_and_all_are_counted(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.shown_jobs.SHOWN_QUEUED", 2)
    ids = add(queue, "m", "m", "m")
    snapshot = queue.snapshot()
    assert ([job.id for job in snapshot.jobs], snapshot.waiting) == (ids[:2], 3)
    assert queue.get(ids[2]).status is JobStatus.QUEUED
