"""The whole way on a real Ray cluster of this machine, which the tests share, one after the other."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from pipelines.catalog.catalog import load_catalog
from pipelines.events import Completed, Event, ImageReady, ReadOrder, Region, WorkOrder
from pipelines.request import CompleteRequest, Reference, Role
from studio.cluster import references
from studio.cluster.engine import RayEngine
from studio.collection.collection import Collection
from studio.database import Database
from studio.dispatcher import Dispatcher
from studio.engine.local import LocalEngine
from studio.jobs import JobQueue
from studio.records import JobRecord, JobStatus
from studio.settings import CATALOGUE, Settings
from tests.studio.cluster.clusters import (
    MODEL,
    LocalCluster,
    free,
    kill,
    real_setup,
    running_cluster,
    running_engine,
    scripted_setup,
)
from tests.studio.scripted_worker import SIDE, pixels

pytestmark = pytest.mark.posix("signals stop and kill the processes that stand for machines")


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for it; fails loudly where it never comes."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with running_cluster(nodes=1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def engine(cluster: LocalCluster, folder: Path) -> Iterator[RayEngine]:
    cluster.add()
    setup = scripted_setup(cluster.address, folder, head_silence=3.0)
    with running_engine(setup, cancel_grace=1.0) as engine:
        until(lambda: len(free(engine)) == 2)
        yield engine


class Studio:
    """Queue, collection and dispatcher over the cluster."""

    def __init__(self, folder: Path, engine: RayEngine) -> None:
        settings = Settings(data_dir=folder)
        self.database = Database(settings.database)
        self.collection = Collection(settings, self.database, load_catalog(CATALOGUE))
        self.queue = JobQueue(self.database)
        self.dispatcher = Dispatcher(self.queue, _Lent(engine), self.collection)
        self.dispatcher.start()

    def add(self, prompt: str = "", seed: int = 7, **values: object) -> JobRecord:
        fields = {"model": MODEL, "seed": seed, "width": SIDE, "height": SIDE, "num_inference_steps": 3}
        return self.queue.add(CompleteRequest.model_validate(fields | {"prompt": prompt} | values))

    def until(self, job: JobRecord, true: Callable[[JobRecord], bool]) -> JobRecord:
        until(lambda: true(self.queue.get(job.id)))
        return self.queue.get(job.id)

    def ended(self, job: JobRecord) -> JobRecord:
        return self.until(job, lambda now: now.finished_at is not None)

    def check(self, job: JobRecord, seed: int) -> None:
        """Done, with one picture, and that the right one."""
        now = self.ended(job)
        assert now.status is JobStatus.DONE, now.error
        assert [self._pixels(image) for image in now.images] == [pixels(seed)]

    def _pixels(self, image_id: str) -> bytes:
        path, _ = self.collection.file(image_id)
        return Image.open(path).convert("RGB").tobytes()


class _Lent(RayEngine):
    """The engine of the module, which a studio of one test does not stop."""

    def __init__(self, engine: RayEngine) -> None:
        self.__dict__ = engine.__dict__

    def stop(self) -> None:
        """Whoever made it does."""


@pytest.fixture
def studio(tmp_path: Path, engine: RayEngine) -> Iterator[Studio]:
    studio = Studio(tmp_path, engine)
    yield studio
    for job in studio.queue.snapshot().jobs:
        studio.queue.cancel(job.id)
    studio.dispatcher.stop()
    studio.database.close()


def test_the_studios_own_worker_makes_the_same_pixels_on_another_machine(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    picture = tmp_path / "portrait.png"
    Image.effect_noise((96, 96), 60.0).convert("RGB").save(picture)
    made = {"model": MODEL, "seed": 11, "width": 96, "height": 96, "num_inference_steps": 2, "num_images": 1}
    words = CompleteRequest.model_validate(made | {"prompt": "a woman"})
    edit = made | {
        "mode": "img2img",
        "strength": 0.6,
        "references": [Reference(image_id="p", role=Role.SOURCE)],
    }
    orders = [
        WorkOrder("words", words, {}),
        WorkOrder("edit", CompleteRequest.model_validate(edit | {"prompt": "glasses"}), {"p": str(picture)}),
    ]
    local = LocalEngine(CATALOGUE, "cpu")
    try:
        with running_engine(real_setup(cluster.address)) as engine:
            here = [_pictures(local.run(order)) for order in orders]
            until(lambda: len(free(engine)) == 1)
            there = [_pictures(engine.run(order, free(engine)[0])) for order in orders]
    finally:
        local.stop()
    assert [len(each) for each in here] == [1, 1]
    assert here == there


def _pictures(events: Iterable[Event]) -> list[bytes]:
    told = list(events)
    assert isinstance(told[-1], Completed), told[-1]
    return [event.rgb for event in told if isinstance(event, ImageReady)]


def test_two_machines_make_two_jobs_at_a_time_and_the_queue_says_which(
    studio: Studio, engine: RayEngine
) -> None:
    jobs = [studio.add("hang-denoising", seed) for seed in (1, 2)]
    running = [studio.until(job, lambda now: now.preview == 0 and now.phase == "denoising") for job in jobs]
    state = engine.state
    assert {job.worker for job in running} == {worker.name for worker in state.workers}
    assert len({worker.machine for worker in state.workers}) == 2
    assert state.state == "busy"
    assert state.detail == "2 workers on 2 machines."
    for job in jobs:
        studio.queue.cancel(job.id)
    assert [studio.ended(job).status for job in jobs] == [JobStatus.CANCELLED] * 2
    studio.check(studio.add(seed=3), 3)


def test_previews_and_pictures_come_to_the_one_collection(studio: Studio) -> None:
    job = studio.add("notice control slow", seed=4, num_images=2)
    studio.until(job, lambda now: now.preview > 0)
    ended = studio.ended(job)
    assert len(ended.images) == 2
    assert ended.notices == ("Something was cut.",)
    assert [studio.collection.get(image).seed for image in ended.images] == [4, 5]


def test_killed_workers_hosts_and_machines_lose_no_job_and_double_none(
    studio: Studio, cluster: LocalCluster, engine: RayEngine
) -> None:
    jobs = {seed: studio.add("slow", seed, num_inference_steps=10) for seed in range(8)}
    at_work = lambda: sum(job.status is JobStatus.RUNNING for job in studio.queue.snapshot().jobs) == 2  # noqa: E731
    until(at_work)
    kill(cluster.workers(cluster.nodes[0])[:1])
    until(at_work)
    kill(cluster.hosts(cluster.nodes[1])[:1])
    until(lambda: len(engine.state.workers) == 2 and at_work())
    cluster.remove(cluster.nodes[0])
    cluster.add()
    for seed, job in jobs.items():
        ended = studio.ended(job)
        if ended.status is JobStatus.DONE:
            studio.check(job, seed)
        else:  # hit twice, which is said
            assert ended.error is not None
            assert ended.error.code == "worker_lost"
    until(lambda: len(free(engine)) == 2)
    assert sum(studio.queue.get(job.id).status is JobStatus.DONE for job in jobs.values()) >= 6


def test_a_cancel_of_a_job_whose_machine_has_died_is_soon_done(
    studio: Studio, cluster: LocalCluster, engine: RayEngine
) -> None:
    until(lambda: len(free(engine)) == 2)
    jobs = [studio.add("hang-denoising", seed) for seed in (1, 2)]
    for job in jobs:
        studio.until(job, lambda now: now.phase == "denoising")
    node = cluster.nodes[0]
    for process in cluster.processes(node):
        process.send_signal(signal.SIGSTOP)
    for job in jobs:
        studio.queue.cancel(job.id)
    assert [studio.ended(job).status for job in jobs] == [JobStatus.CANCELLED] * 2
    cluster.remove(node)
    cluster.add()
    until(lambda: len(free(engine)) == 2)
    studio.check(studio.add(seed=9), 9)


def test_references_are_sent_to_a_machine_once(
    engine: RayEngine, tmp_path: Path, cluster: LocalCluster
) -> None:
    out = BytesIO()
    Image.frombytes("RGB", (8, 8), os.urandom(192)).save(out, "PNG")
    picture = tmp_path / "picture.png"
    picture.write_bytes(out.getvalue())
    kept = references.default_folder() / "files" / references.key_of(picture)
    order = ReadOrder("read", "words", (Region(str(picture)),))
    (seen,) = engine.read(order, 30.0)
    assert isinstance(seen, str)
    assert seen != str(picture)
    first = kept.stat()
    engine.read(ReadOrder("again", "words", order.regions), 30.0)
    assert kept.stat().st_ino == first.st_ino
    assert not Path(seen).exists()  # an order's own names end with it


def test_machines_with_other_versions_are_refused_with_both_named(
    cluster: LocalCluster, engine: RayEngine, tmp_path: Path
) -> None:
    (tmp_path / "studio").mkdir()
    (tmp_path / "studio" / "__init__.py").write_text('__version__ = "0.0.1"\n')
    from studio import __version__

    node = cluster.add({"PYTHONPATH": str(tmp_path)})
    try:
        until(lambda: "0.0.1" in engine.state.detail)
        assert f"it has Likeness 0.0.1 instead of {__version__}" in engine.state.detail
        assert len(engine.state.workers) == 2
    finally:
        cluster.remove(node)


def test_a_new_machine_is_used_soon_and_a_wrong_clock_does_not_matter(
    cluster: LocalCluster, engine: RayEngine, studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nnow = time.time\ntime.time = lambda: now() + 7200\n"
    )
    before = set(free(engine))
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    node = cluster.add({"PYTHONPATH": paths})
    try:
        until(lambda: len(free(engine)) == 3)
        late = set(free(engine)) - before
        jobs = {seed: studio.add("slow", seed) for seed in range(3)}
        seen: set[str] = set()
        for job in jobs.values():
            seen.add(
                studio.until(job, lambda now: now.status is JobStatus.RUNNING or bool(now.finished_at)).worker
            )
        for seed, job in jobs.items():
            studio.check(job, seed)
            now = studio.queue.get(job.id)
            assert now.started_at is not None
            assert now.finished_at is not None
            assert 0 <= (now.finished_at - now.started_at).total_seconds() < 60
        assert late <= seen
    finally:
        cluster.remove(node)
    until(lambda: len(engine.state.workers) == 2)


def test_events_come_in_order_and_whole(engine: RayEngine) -> None:
    until(lambda: len(free(engine)) == 2)
    request = CompleteRequest(
        model=MODEL, prompt="", seed=5, width=SIDE, height=SIDE, num_inference_steps=3, num_images=1
    )
    events = list(engine.run(WorkOrder("order", request, {}), free(engine)[0]))
    (picture,) = (event for event in events if isinstance(event, ImageReady))
    assert picture.rgb == pixels(5)
    assert isinstance(events[-1], Completed)


def test_a_head_that_dies_takes_no_job_and_no_studio_with_it(
    cluster: LocalCluster, engine: RayEngine, studio: Studio
) -> None:
    job = studio.add("slow", 1, num_inference_steps=150)
    studio.until(job, lambda now: now.step > 0)
    cluster.stop_head()
    studio.until(job, lambda now: now.status is not JobStatus.RUNNING)
    assert studio.queue.get(job.id).status is JobStatus.QUEUED
    until(lambda: engine.state.state == "down")
    assert cluster.address in engine.state.detail
    assert engine.places() == ()
