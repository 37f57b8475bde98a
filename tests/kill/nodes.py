"""Kills workers, hosts and machines of a Ray cluster at random moments: is a job lost, or doubled?

`python -m tests.kill.nodes --kills 50` prints what was seen. A cluster of this machine, whose nodes stand for
machines; queue, collection and dispatcher are the studio's own, the pictures are scripted. A machine that was
killed comes back a moment later as a new one. The first failed check ends the run.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from sqlalchemy import func, select

from pipelines.catalog.catalog import load_catalog
from pipelines.request import CompleteRequest
from studio.cluster.engine import RayEngine
from studio.collection.collection import Collection
from studio.collection.models import ImageRow, JobRow
from studio.database import Database
from studio.dispatcher import Dispatcher
from studio.jobs import JobQueue
from studio.records import JobRecord, JobStatus
from studio.settings import CATALOGUE, Settings
from tests.studio.cluster.clusters import (
    MODEL,
    LocalCluster,
    kill,
    running_cluster,
    running_engine,
    scripted_setup,
)
from tests.studio.scripted_worker import SIDE, pixels

BACKLOG = 6
"""So many jobs wait or run at any time."""
KINDS = ("worker", "host", "machine")
PATIENCE = 180.0


@dataclass
class Report:
    """What the kills met."""

    kills: Counter[str] = field(default_factory=Counter)
    hit: int = 0
    """Kills of somebody who had a job in hand."""
    jobs: dict[str, int] = field(default_factory=dict)
    """Their ids, with their seeds."""
    again: int = 0
    twice: int = 0

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} of a {kind}" for kind, count in self.kills.items())
        return (
            f"{self.kills.total()} kills ({kinds}), {self.hit} of them amid two jobs; {len(self.jobs)} jobs, "
            f"of which {self.again} were begun again and {self.twice} were hit twice and failed with words. "
            "0 were lost, 0 doubled, and every picture has its pixels."
        )


class Rounds:
    """One queue and one collection through all kills."""

    def __init__(self, cluster: LocalCluster, engine: RayEngine, folder: Path, rng: random.Random) -> None:
        self._cluster = cluster
        self._engine = engine
        self._rng = rng
        self.report = Report()
        settings = Settings(data_dir=folder)
        self._database = Database(settings.database)
        self._collection = Collection(settings, self._database, load_catalog(CATALOGUE))
        self._queue = JobQueue(self._database)
        self._dispatcher = Dispatcher(self._queue, engine, self._collection)
        self._dispatcher.start()

    def run(self, kills: int) -> None:
        """Kill so often, then wait for all jobs and look at each."""
        for number in range(kills):
            self._until(self._busy, "two workers have a job")
            time.sleep(self._rng.uniform(0.0, 0.4))
            self._kill(KINDS[number % len(KINDS)])
            self._check_ended()
        self._until(lambda: not self._open(), "all jobs have ended")
        self._check_ended()
        self._check_collection()

    def stop(self) -> None:
        """End everything."""
        self._dispatcher.stop()
        self._database.close()

    # --- one kill ---------------------------------------------------------------------------

    def _fill(self) -> None:
        while len(self._open()) < BACKLOG:
            seed = self._rng.randrange(2**31)
            fields = {"model": MODEL, "seed": seed, "width": SIDE, "height": SIDE, "prompt": "slow"}
            steps, images = self._rng.randrange(5, 20), self._rng.randrange(1, 4)
            request = CompleteRequest.model_validate(
                fields | {"num_inference_steps": steps, "num_images": images}
            )
            self.report.jobs[self._queue.add(request).id] = seed

    def _busy(self) -> bool:
        self._fill()
        return len(self._at_work()) == 2

    def _kill(self, kind: str) -> None:
        node = self._rng.choice(self._cluster.nodes)
        self.report.kills[kind] += 1
        self.report.hit += len(self._at_work()) == 2
        if kind == "worker":
            kill(self._cluster.workers(node))
        elif kind == "host":
            kill(self._cluster.hosts(node))
        else:
            self._cluster.remove(node)
            self._cluster.add()

    # --- looking ----------------------------------------------------------------------------

    def _at_work(self) -> list[JobRecord]:
        return [job for job in self._queue.snapshot().jobs if job.status is JobStatus.RUNNING and job.step]

    def _open(self) -> list[str]:
        return [job_id for job_id in self.report.jobs if self._queue.get(job_id).finished_at is None]

    def _until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"it never came that {what}: {self._queue.snapshot().worker}"
            time.sleep(0.02)

    def _check_ended(self) -> None:
        for job_id, seed in self.report.jobs.items():
            job = self._queue.get(job_id)
            if job.status is JobStatus.DONE:
                assert len(job.images) == job.request.num_images, f"{job_id} has {len(job.images)} pictures"
                for index, image in enumerate(job.images):
                    path, _ = self._collection.file(image)
                    with Image.open(path) as picture:
                        assert picture.convert("RGB").tobytes() == pixels(seed + index), f"{image} is another"
            elif job.finished_at is not None:
                assert job.error is not None, f"{job_id} ended without words"
                assert job.error.code == "worker_lost", f"{job_id}: {job.error}"

    def _check_collection(self) -> None:
        """No picture twice, none of a job that nobody asked for; and how often jobs were begun."""
        with self._database.reading() as session:
            rows = session.execute(
                select(ImageRow.job_id, ImageRow.batch_index, func.count()).group_by(
                    ImageRow.job_id, ImageRow.batch_index
                )
            ).all()
        assert all(count == 1 for *_, count in rows), "a picture is there twice"
        assert {job_id for job_id, *_ in rows} <= self.report.jobs.keys(), "a picture of no job"
        jobs = [self._queue.get(job_id) for job_id in self.report.jobs]
        self.report.twice = sum(job.status is JobStatus.FAILED for job in jobs)
        self.report.again = self._begun_again()

    def _begun_again(self) -> int:
        with self._database.reading() as session:
            return session.scalar(select(func.count()).where(JobRow.attempts > 1)) or 0


def run(kills: int, seed: int | None = None) -> Report:
    """The report of so many kills. Raises AssertionError with what was wrong."""
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="likeness-kills-"))
    with running_cluster(2) as cluster, running_engine(scripted_setup(cluster.address, folder)) as engine:
        rounds = Rounds(cluster, engine, folder / "data", rng)
        try:
            rounds.run(kills)
        finally:
            rounds.stop()
        return rounds.report


def main() -> int:
    """Exit code 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    try:
        sys.stdout.write(f"{run(given.kills, given.seed)}\n")
    except AssertionError as wrong:
        sys.stderr.write(f"LOST: {wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
