"""What several workers bring, and what Ray costs: `python -m benchmarks.several_workers`.

A real Ray cluster of this machine, whose nodes stand for machines, real worker processes, queue and
collection; only the pictures are scripted, and their steps wait, as for a card. Prints how long the same jobs
take with one worker and with two, what a job takes beside its steps, here (`--engine local`) and through Ray,
and what a job without waiting takes of a worker: its way there and back.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from pipelines.events import Completed, WorkOrder
from pipelines.request import CompleteRequest
from studio.collection.collection import Collection
from studio.database import Database
from studio.dispatcher import Dispatcher
from studio.engine import Engine
from studio.engine.local import LocalEngine
from studio.jobs import JobQueue
from studio.records import JobStatus
from studio.settings import CATALOGUE, Settings
from tests.studio import scripted_worker
from tests.studio.cluster.clusters import MODEL, free, running_cluster, running_engine, scripted_setup
from tests.studio.scripted_worker import SIDE

STEP_SECONDS = 0.02
"""A step of a scripted picture whose prompt says `slow`; so is each of its three other phases."""
_OTHERS = 3


@contextmanager
def studio(engine: Engine) -> Generator[JobQueue]:
    """Queue, collection and dispatcher over an engine, which is stopped with them."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        database = Database(settings.database)
        queue = JobQueue(database)
        dispatcher = Dispatcher(queue, engine, Collection(settings, database, load_catalog(CATALOGUE)))
        dispatcher.start()
        try:
            yield queue
        finally:
            dispatcher.stop()
            database.close()


def seconds(queue: JobQueue, jobs: int, steps: int) -> float:
    """From queueing so many jobs to the end of the last."""
    fields = {"model": MODEL, "prompt": "slow", "width": SIDE, "height": SIDE, "num_inference_steps": steps}
    wanted = [(CompleteRequest.model_validate(fields | {"seed": seed}), ()) for seed in range(jobs)]
    began = time.perf_counter()
    ids = [record.id for record in queue.add_all(wanted)]
    version = -1
    while any(queue.get(each).finished_at is None for each in ids):
        version = queue.watch(version, 1.0).version
    ended = time.perf_counter() - began
    assert all(queue.get(each).status is JobStatus.DONE for each in ids)
    return ended


def measure(engine: Engine, ready: Callable[[], bool], jobs: int, steps: int) -> tuple[float, float]:
    """Seconds for the jobs, and milliseconds of an order whose steps do not wait: the middle of fifty."""
    with studio(engine) as queue:
        while not ready():
            time.sleep(0.05)
        seconds(queue, 4, 2)
        whole = seconds(queue, jobs, steps)
        return whole, statistics.median(_trip(engine, number) for number in range(50)) * 1000


def _trip(engine: Engine, number: int) -> float:
    fields = {
        "model": MODEL,
        "prompt": "",
        "width": SIDE,
        "height": SIDE,
        "num_inference_steps": 4,
        "seed": 1,
    }
    order = WorkOrder(f"trip-{number}", CompleteRequest.model_validate(fields), {})
    began = time.perf_counter()
    events = list(engine.run(order, engine.places()[0].worker))
    assert isinstance(events[-1], Completed)
    return time.perf_counter() - began


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    working = given.jobs * (given.steps + _OTHERS) * STEP_SECONDS
    folder = Path(tempfile.mkdtemp())
    local = LocalEngine(CATALOGUE, "cpu", main=scripted_worker.main, args=(str(folder),))
    took = {"local": measure(local, lambda: local.state.state == "ready", given.jobs, given.steps)}
    for workers in (1, 2):
        with (
            running_cluster(workers) as cluster,
            running_engine(scripted_setup(cluster.address, folder)) as engine,
        ):
            ready = lambda: len(free(engine)) == workers  # noqa: B023, E731
            took[f"Ray, {workers}"] = measure(engine, ready, given.jobs, given.steps)
    print(f"{given.jobs} jobs of {given.steps} steps, {working:.1f} s of steps:")
    for name, (each, trip) in took.items():
        count = 2 if name.endswith("2") else 1
        overhead = (each - working / count) / given.jobs * 1000 * count
        besides = f"beside its steps a job takes {overhead:.1f} ms; to a worker and back {trip:.1f} ms"
        print(f"  {name:<8} {each:6.2f} s, {besides}")
    print(f"two workers are {took['Ray, 1'][0] / took['Ray, 2'][0]:.2f} times as quick as one")


if __name__ == "__main__":
    main()
