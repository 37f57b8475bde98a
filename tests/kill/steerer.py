"""The process that gets killed while its queue is steered: verbs of the queue and of sweeps, at random.

Goes on until it is killed. On stdout it says `begin VERB SUBJECT` before each verb, and `state JSON` once it
is promised: the switches, the waiting jobs in their order, which of them repeat, and the states of all jobs.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from pipelines.events import ImageReady
from pipelines.request import CompleteRequest, GenerationRequest
from studio.collection.collection import Collection
from studio.database import Database
from studio.jobs import JobQueue
from studio.records import JobStatus
from studio.service import StudioService
from studio.settings import Settings
from studio.sweeps.axes import Axis
from studio.sweeps.records import Sweep, SweepRequest
from tests.kill.caster import open_studio
from tests.studio.fixtures import noise, running

MOST_WAITING = 12
SIDE = 48
CELLS = 4
"""Pictures of a sweep."""


class Steerer:
    """One studio without an engine, and what was cleared last."""

    def __init__(self, collection: Collection, queue: JobQueue, service: StudioService) -> None:
        self._collection = collection
        self._queue = queue
        self._service = service
        self._cleared: tuple[str, ...] = ()
        self._verbs: tuple[Callable[[], None], ...] = (
            self.add, self.switch, self.move, self.clear, self.restore, self.retry, self.repeat, self.make,
            self.make, self.sweep, self.cancel_sweep, self.resume_sweep,
        )  # fmt: skip

    def step(self) -> None:
        """One verb that there is something to do for."""
        random.choice(self._verbs)()
        self.tell()

    def tell(self) -> None:
        """What is promised now."""
        _say(f"state {json.dumps(self.state(), separators=(',', ':'))}")

    def state(self) -> dict[str, Any]:
        """As memory has it: `switches`, `waiting` in order, `repeats`, `status` of each job, `sweeps`."""
        now = self._queue.snapshot()
        waiting = [job for job in now.jobs if job.status is JobStatus.QUEUED]
        return {
            "switches": {"paused": now.paused, "loaded_first": now.loaded_first},
            "waiting": [job.id for job in waiting],
            "repeats": sorted(job.id for job in waiting if job.repeat),
            "status": {job.id: job.status.value for job in self._queue.list(limit=100_000)},
            "sweeps": {each.id: [cell.job_id for cell in each.cells] for each in self._sweeps()},
        }

    # --- the queue's verbs ------------------------------------------------------------------

    def add(self) -> None:
        if len(self._waiting()) < MOST_WAITING:
            _begin("add")
            self._service.submit(_request(random.randrange(2**32)))

    def switch(self) -> None:
        wanted = random.random() < 0.3
        _begin("switch")
        self._service.steering.switch(**{random.choice(("paused", "loaded_first")): wanted})

    def move(self) -> None:
        waiting = self._waiting()
        if len(waiting) < 2:
            return
        job, other = random.sample(waiting, 2)
        _begin("move", job)
        match random.randrange(3):
            case 0:
                self._service.steering.move(job, before=other)
            case 1:
                self._service.steering.move(job, to="front")
            case _:
                self._service.steering.move(job, to="back")

    def clear(self) -> None:
        if self._waiting():
            _begin("clear")
            self._cleared = self._service.steering.clear()

    def restore(self) -> None:
        if self._cleared:
            _begin("restore")
            self._service.steering.restore(self._cleared)
            self._cleared = ()

    def retry(self) -> None:
        ended = [job.id for job in self._queue.list(JobStatus.CANCELLED)]
        if ended and len(self._waiting()) < MOST_WAITING:
            job = random.choice(ended)
            _begin("retry", job)
            self._service.steering.retry(job)

    def repeat(self) -> None:
        if waiting := self._waiting():
            job = random.choice(waiting)
            _begin("repeat", job)
            self._service.steering.repeat(job, random.random() < 0.5)

    def make(self) -> None:
        """The next one is made, or fails; one in three is asked to be cancelled while it runs."""
        waiting = self._waiting()
        if not waiting or self._queue.snapshot().paused:
            return
        _begin("make")
        job = self._queue.claim(timeout=0)
        if job is None:
            return
        assert isinstance(job.request, CompleteRequest)
        if random.random() < 0.3:
            self._queue.cancel(job.id)
        seed = job.request.seed
        image = ImageReady(0, seed, SIDE, SIDE, noise(seed % 10_000, SIDE, SIDE).tobytes())
        self._collection.save_generated(
            job_id=job.id, request=job.request, image=image, notices=(), provenance={}
        )
        self._queue.finish(running(self._queue), JobStatus.DONE)

    # --- sweeps -----------------------------------------------------------------------------

    def sweep(self) -> None:
        if len(self._waiting()) < MOST_WAITING:
            _begin("sweep")
            steps = Axis(field="num_inference_steps", values=tuple(range(1, CELLS + 1)))
            request = _request(random.randrange(2**32))
            self._service.sweeps.start(SweepRequest(request=request, x=steps))

    def cancel_sweep(self) -> None:
        if sweeps := self._sweeps():
            chosen = random.choice(sweeps).id
            _begin("cancel_sweep", chosen)
            self._service.sweeps.cancel(chosen)

    def resume_sweep(self) -> None:
        sweeps = self._sweeps()
        if sweeps and len(self._waiting()) < MOST_WAITING:
            chosen = random.choice(sweeps).id
            _begin("resume_sweep", chosen)
            self._service.sweeps.resume(chosen)

    # --- inside -----------------------------------------------------------------------------

    def _waiting(self) -> list[str]:
        return [job.id for job in self._queue.snapshot().jobs if job.status is JobStatus.QUEUED]

    def _sweeps(self) -> tuple[Sweep, ...]:
        return self._service.sweeps.newest(6).items


def _request(seed: int) -> GenerationRequest:
    return GenerationRequest(prompt="a portrait", seed=seed, width=SIDE, height=SIDE, num_inference_steps=2)


def _begin(verb: str, subject: str = "-") -> None:
    _say(f"begin {verb} {subject}")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main(data_dir: str, models: str, seed: str) -> None:
    """Until killed."""
    random.seed(int(seed))
    settings = Settings(data_dir=Path(data_dir), models=Path(models))
    with closing(Database(settings.database)) as database:
        steerer = Steerer(*open_studio(settings, database))
        _say("open")
        steerer.tell()
        while True:
            steerer.step()
