"""One studio without an engine for a test: the bundled model's catalogue, and a hand that finishes jobs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelines.catalog.catalog import load_catalog
from pipelines.events import ImageReady
from studio.characters.characters import Characters
from studio.characters.designs import Designs
from studio.characters.records import Character, PortraitVersion
from studio.collection.collection import Collection
from studio.database import Database
from studio.jobs import JobQueue
from studio.records import ImageRecord, JobRecord, JobStatus
from studio.service import StudioService
from studio.settings import Settings
from tests.studio.fixtures import Durable, noise, open_durable, picture, running


@dataclass(frozen=True)
class Cast:
    """A studio whose jobs end when they are told to."""

    settings: Settings
    database: Database
    collection: Collection
    queue: JobQueue
    service: StudioService

    @property
    def characters(self) -> Characters:
        return self.service.characters

    @property
    def designs(self) -> Designs:
        return self.service.designs

    def character(self, name: str = "Mara", *seeds: int) -> Character:
        """A character with one uploaded version per seed."""
        made = self.characters.create(name)
        for seed in seeds:
            self.add(made.id, seed)
        return self.characters.get(made.id)

    def add(self, character_id: str, seed: int = 0) -> PortraitVersion:
        data = io.BytesIO(picture(seed, width=48, height=64))
        return self.characters.versions.add_upload(character_id, data, f"portrait {seed}.png")

    def upload(self, seed: int = 0) -> ImageRecord:
        return self.service.add_upload(io.BytesIO(picture(seed, width=48, height=64)), "loaded.png")[0]

    def finish(self, status: JobStatus = JobStatus.DONE) -> JobRecord:
        """Carry the next job out as the dispatcher does, with noise for pictures."""
        job = self.queue.claim(timeout=0)
        assert job is not None, "no job waits"
        for index in range(job.request.num_images if status is JobStatus.DONE else 0):
            image = noise(job.request.seed % 1000 + index, 48, 64)
            ready = ImageReady(index, job.request.seed + index, 48, 64, image.tobytes())
            record = self.collection.save_generated(
                job_id=job.id, request=job.request, image=ready, notices=(), provenance={}
            )
            self.queue.add_image(running(self.queue), record.id)
        self.queue.finish(running(self.queue), status)
        return self.queue.get(job.id)

    def finish_all(self) -> list[JobRecord]:
        return [self.finish() for _ in self.service.jobs(status=JobStatus.QUEUED)]


def as_cast(durable: Durable) -> Cast:
    """A studio on what is on the disk, as a start makes it."""
    durable.collection.reconcile()
    catalog = load_catalog(Settings().models)
    queue = JobQueue(durable.database)
    settings = replace(durable.settings, models=Settings().models)
    collection = durable.collection
    service = StudioService(catalog, collection, queue)
    return Cast(settings, durable.database, collection, queue, service)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Cast]:
    with open_durable(tmp_path) as durable:
        yield as_cast(durable)
