"""Changes of the queue: whoever applies them has what the queue has, for a small part of the bytes."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from pipelines.events import Completed, Notice, Phase, PhaseChanged, PreviewReady, StepProgress
from pipelines.request import GenerationRequest
from studio.api import events
from studio.api.events import QueueBroadcast
from studio.api.queue_changes import QueueChange, SentQueue
from studio.jobs import JobQueue
from studio.records import JobError, JobStatus, QueueSnapshot, WorkerState
from tests.coroutines import finish
from tests.studio.fixtures import open_durable, running
from tests.studio.test_api_events import CountedQueue


class Reader:
    """What a page does with the events."""

    def __init__(self, snapshot: QueueSnapshot) -> None:
        self.take(snapshot.model_dump(mode="json"))

    def take(self, snapshot: dict[str, Any]) -> None:
        self.version, self.jobs = snapshot["version"], snapshot["jobs"]
        self.fields = {name: value for name, value in snapshot.items() if name not in ("version", "jobs")}

    def apply(self, change: dict[str, Any]) -> None:
        assert change["since"] == self.version
        self.version = change["version"]
        self.fields |= change.get("fields", {})
        known = {job["id"]: job for job in self.jobs}
        for part in change.get("jobs", ()):
            known[part["id"]] = known.get(part["id"], {}) | part
        places = change.get("places", ())
        out = {*change.get("gone", ()), *(job_id for _, job_id in places)}
        order = [job["id"] for job in self.jobs if job["id"] not in out]
        for index, job_id in places:
            order.insert(index, job_id)
        self.jobs = [known[job_id] for job_id in order]
        waiting = iter(range(len(self.jobs)))
        for job in self.jobs:
            job["position"] = next(waiting) if job["status"] == "queued" else None

    def has(self, snapshot: QueueSnapshot) -> None:
        """Exactly, but for the times of waiting jobs, which are about the same."""
        mine, theirs = ([dict(job) for job in jobs] for jobs in (self.jobs, _jobs(snapshot)))
        assert self.fields == snapshot.model_dump(mode="json", exclude={"version", "jobs"})
        for one, other in zip(mine, theirs, strict=True):
            eta, true = one.pop("eta_seconds"), other.pop("eta_seconds")
            if one["status"] != "queued" or true is None:
                assert eta == true
            else:
                assert eta == pytest.approx(true, rel=0.06, abs=1.01)
        assert mine == theirs


def _jobs(snapshot: QueueSnapshot) -> list[dict[str, Any]]:
    return [job.model_dump(mode="json") for job in snapshot.jobs]


def a_request(n: int) -> GenerationRequest:
    words = "a woman with red hair, oil painting, soft light from the left, looking at the viewer"
    return GenerationRequest(
        model="tiny", prompt=f"{words} {n}", seed=n, width=64, height=64, num_inference_steps=20
    )


def something_happens(queue: JobQueue, rng: random.Random, n: int) -> None:
    snapshot = queue.snapshot()
    match rng.randrange(12):
        case 0 | 1:
            queue.add_all([(a_request(n), ("A notice.",)), (a_request(n + 1), ())], rng.choice((None, "tab")))
        case 2 | 3:
            if not any(job.status is JobStatus.RUNNING for job in snapshot.jobs):
                queue.claim(0)
        case 4:
            queue.finish(
                running(queue), rng.choice((JobStatus.DONE, JobStatus.FAILED)), timings={"denoising": 1.0 + n}
            )
        case 5:
            queue.finish(running(queue), JobStatus.FAILED, error=JobError(code="x", message="Words."))
        case 6 if snapshot.jobs:
            queue.cancel(rng.choice(snapshot.jobs).id)
        case 7:
            queue.requeue(running(queue))
        case 8:
            queue.set_worker(WorkerState(state=rng.choice(("busy", "ready")), detail=str(n)))
            queue.hold(rng.choice((None, "The disk is full.")))
        case 9:
            queue.apply(
                running(queue), rng.choice((Notice(str(n)), PhaseChanged(Phase.DECODING), Completed({})))
            )
        case _:
            queue.apply(
                running(queue), rng.choice((StepProgress(rng.randrange(1, 20), 20), PreviewReady(b"RIFF")))
            )


@pytest.mark.parametrize("seed", range(4))
def test_applying_every_change_gives_what_the_queue_has(tmp_path: Path, seed: int) -> None:
    rng, clock = random.Random(seed), [0.0]
    with open_durable(tmp_path) as durable:
        queue = JobQueue(durable.database, clock=lambda: clock[0])
        told = SentQueue(queue.snapshot())
        reader = Reader(told.snapshot)
        for n in range(250):
            clock[0] += rng.random()
            something_happens(queue, rng, n)
            change = told.change_to(queue.snapshot())
            if change is not None:
                reader.apply(json.loads(change.as_json()))
            reader.has(queue.snapshot())


def test_another_order_is_told_whole(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        queue = JobQueue(durable.database)
        queue.add_all([(a_request(n), ()) for n in range(5)])
        told = SentQueue(queue.snapshot())
        reader = Reader(told.snapshot)
        now = queue.snapshot()
        turned = QueueSnapshot(version=now.version + 1, worker=now.worker, jobs=now.jobs[::-1])
        change = told.change_to(turned)
        assert change is not None
        reader.apply(json.loads(change.as_json()))
        assert [job["id"] for job in reader.jobs] == [job.id for job in turned.jobs]


def measured(folder: Path, jobs: int, steps: int) -> tuple[int, int]:
    """Bytes of snapshots and of changes while so many jobs are made one after the other."""
    clock = [0.0]
    with open_durable(folder) as durable:
        queue = JobQueue(durable.database, clock=lambda: clock[0])
        queue.add_all([(a_request(n), ()) for n in range(jobs)])
        told = SentQueue(queue.snapshot())
        whole = changes = 0

        def look() -> None:
            nonlocal whole, changes
            clock[0] += 0.5
            snapshot = queue.snapshot()
            whole += len(snapshot.model_dump_json())
            change = told.change_to(snapshot)
            changes += len(change.as_json()) if change else 0

        for _ in range(jobs):
            queue.claim(0)
            look()
            for step in range(1, steps + 1):
                queue.apply(running(queue), StepProgress(step, steps))
                queue.apply(running(queue), PreviewReady(b"RIFF"))
                look()
            queue.finish(running(queue), JobStatus.DONE, timings={"denoising": steps * 0.5})
            look()
    return whole, changes


def test_a_long_queue_costs_little_at_each_step(tmp_path: Path) -> None:
    whole, changes = measured(tmp_path, 60, 20)
    assert changes * 50 < whole
    assert changes < 60 * 22 * 450


def test_a_job_that_begins_takes_no_times_away(tmp_path: Path) -> None:
    with open_durable(tmp_path) as durable:
        queue = JobQueue(durable.database)
        queue.add_all([(a_request(n), ()) for n in range(3)])
        queue.claim(0)
        queue.finish(running(queue), JobStatus.DONE, timings={"denoising": 5.0})
        queue.claim(0)
        assert [job.eta_seconds for job in queue.snapshot().jobs[:2]] == pytest.approx([5.0, 10.0])


def test_a_listener_to_changes_hears_the_whole_once_and_again_where_it_was_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_ROOM", 3)
    queue = CountedQueue()
    broadcast = QueueBroadcast(queue)  # type: ignore[arg-type]

    async def scenario() -> list[str]:
        broadcast.start()
        stream, plain = broadcast.listen(changes=True), broadcast.listen()
        heard = [await anext(stream)]
        await anext(plain)
        for count in (2, 6):
            for _ in range(count):
                queue.change()
                await asyncio.sleep(0.05)
            for _ in range(2):
                heard.append(await anext(stream))
        broadcast.stop()
        await plain.aclose()
        return heard

    names = [tuple(message.split("\n")[:2]) for message in finish(scenario())]
    assert names == [
        ("id: 1", "event: snapshot"),
        ("id: 2", "event: change"),
        ("id: 3", "event: change"),
        ("id: 7", "event: snapshot"),
        ("id: 8", "event: change"),
    ]


def test_nulls_inside_a_job_are_said() -> None:
    change = QueueChange(version=0, since=0, jobs=({"id": "a", "eta_seconds": None},))
    assert json.loads(change.as_json()) == {
        "version": 0,
        "since": 0,
        "jobs": [{"id": "a", "eta_seconds": None}],
    }
