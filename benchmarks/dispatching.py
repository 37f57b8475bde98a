"""What the queue itself costs with very many jobs and workers: `python -m benchmarks.dispatching`.

Real rows in a real SQLite file, simulated workers: each job is begun for one of them, tells of its steps, and
is ended, while all others are at work and the rest of the jobs wait. One thread does all of it, so that what
is measured is the cost of one job: by the clock, and of the processor alone, which is what counts where a
machine is busy with something else. `--models`: for how many models jobs wait; each worker has half of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.events import Phase, PhaseChanged, StepProgress
from pipelines.request import CompleteRequest
from studio.choosing import chooser
from studio.database import Database
from studio.engine import Place
from studio.jobs import JobQueue
from studio.records import JobRecord, JobStatus

_STEPS = 4


def takes(models: frozenset[str]) -> Callable[[str | None], bool]:
    """Of a worker that has these models."""
    return lambda model: model in models


def fill(queue: JobQueue, jobs: int, models: list[str], rng: random.Random) -> float:
    """Queue so many jobs; seconds for it."""
    began = time.perf_counter()
    fields = {"width": 64, "height": 64, "num_inference_steps": _STEPS, "prompt": "a portrait"}
    for start in range(0, jobs, 5000):
        wanted = [
            (CompleteRequest.model_validate(fields | {"model": rng.choice(models), "seed": seed}), ())
            for seed in range(start, min(start + 5000, jobs))
        ]
        queue.add_all(wanted)
    return time.perf_counter() - began


class Simulation:
    """Workers that have each a job, and one that has just become free."""

    def __init__(self, queue: JobQueue, workers: int, models: list[str], rng: random.Random) -> None:
        self._queue = queue
        self._rng = rng
        each = max(1, len(models) // 2)
        held = [frozenset(rng.sample(models, each)) for _ in range(workers)]
        self._held = {f"worker {number}": takes(each) for number, each in enumerate(held)}
        self._jobs: dict[str, JobRecord] = {}
        self._model: dict[str, str | None] = {}
        self._orders = dict.fromkeys(self._held, 0)

    def begin(self) -> bool:
        """Give the next job to a free worker, as the dispatcher does."""
        places = [
            Place(name, True, self._model.get(name), takes, self._orders[name])
            for name, takes in self._held.items()
        ]
        job = self._queue.claim(0, chooser(places, self._jobs.keys()))
        if job is None:
            return False
        self._jobs[job.worker] = job
        self._model[job.worker] = job.request.model
        self._orders[job.worker] += 1
        return True

    def end(self) -> None:
        """One of the running jobs makes its steps and is done."""
        name = self._rng.choice([*self._jobs])
        job = self._jobs.pop(name)
        self._queue.apply(job.id, PhaseChanged(Phase.DENOISING))
        for step in range(1, _STEPS + 1):
            self._queue.apply(job.id, StepProgress(step, _STEPS))
        self._queue.finish(job.id, JobStatus.DONE, timings={"denoising": 1.0})


def measure(simulation: Simulation, jobs: int, clock: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Seconds of so many jobs as a whole, and of choosing and beginning them."""
    spent: list[float] = []
    choosing: list[float] = []
    for _ in range(jobs):
        began = clock()
        simulation.end()
        ended = clock()
        simulation.begin()
        choosing.append(clock() - ended)
        spent.append(clock() - began)
    return spent, choosing


def told(seconds: list[float]) -> str:
    """The middle and the worst but one in a hundred."""
    ms = sorted(each * 1000 for each in seconds)
    return f"median {statistics.median(ms):.2f} ms, 99 of 100 under {ms[int(len(ms) * 0.99)]:.2f} ms"


def main() -> None:
    """Print what a job costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--measured", type=int, default=2000)
    given = parser.parse_args()
    rng = random.Random(1)
    models = [f"model-{number}" for number in range(given.models)]
    with tempfile.TemporaryDirectory() as folder:
        queue = JobQueue(Database(Path(folder) / "likeness.db"))
        print(f"{given.jobs} jobs queued in {fill(queue, given.jobs, models, rng):.1f} s")
        simulation = Simulation(queue, given.workers, models, rng)
        began = time.perf_counter()
        while simulation.begin():
            pass
        running = sum(job.status is JobStatus.RUNNING for job in queue.snapshot().jobs)
        print(f"{running} workers given a job each in {time.perf_counter() - began:.1f} s")
        for name, clock in (("by the clock", time.perf_counter), ("of the processor", time.thread_time)):
            whole, choosing = measure(simulation, given.measured // 2, clock)
            print(f"one job, from choosing to its end, {name}: {told(whole)}")
            print(f"  of that choosing and beginning: {told(choosing)}")
        began = time.perf_counter()
        for _ in range(5):
            queue.hold(str(time.perf_counter()))
            queue.snapshot()
        print(f"a snapshot for pages: {(time.perf_counter() - began) / 5 * 1000:.1f} ms")


if __name__ == "__main__":
    main()
