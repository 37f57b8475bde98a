"""The process that gets killed while it keeps a cast: uses versions, crops, brings the cast to a design.

`python -m tests.kill.caster DATA_DIR` goes on until it is killed. On stdout it tells what it is about to do,
and what it has promised: `using` and `used CHARACTER VERSION`, `cropping` and `cropped CHARACTER X`,
`run RUN JOBS`, `kept CHARACTER IMAGE`.
"""

from __future__ import annotations

import random
import sys
from contextlib import closing
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from pipelines.events import ImageReady
from pipelines.request import CompleteRequest
from studio.characters.records import CastWish, Crop
from studio.collection.collection import Collection
from studio.database import Database
from studio.jobs import JobQueue
from studio.records import JobStatus
from studio.service import StudioService
from studio.settings import Settings
from tests.studio.fixtures import noise, running


def open_studio(settings: Settings, database: Database) -> tuple[Collection, JobQueue, StudioService]:
    """As a start does, without an engine."""
    catalog = load_catalog(settings.models)
    collection = Collection(settings, database, catalog)
    collection.reconcile()
    queue = JobQueue(database)
    return collection, queue, StudioService(catalog, collection, queue)


def work(settings: Settings) -> None:
    """Until killed."""
    with closing(Database(settings.database)) as database:
        collection, queue, service = open_studio(settings, database)
        _say("open")
        while True:
            for row in service.characters.list():
                _choose(service, row.id)
            (design,) = service.designs.list()
            run = service.designs.bring_cast(design.id, CastWish(characters=_some(service)))
            _say(f"run {run.id} {run.total}")
            for _ in range(random.randint(0, 2)):
                _make(collection, queue)
            service.designs.cancel_run(run.id)


def _choose(service: StudioService, character_id: str) -> None:
    version = random.choice(service.characters.versions.list(character_id).items)
    _say(f"using {character_id} {version.id}")
    service.characters.versions.use(character_id, version.id)
    _say(f"used {character_id} {version.id}")
    crop = Crop(x=random.randint(0, 9), y=0, width=9, height=9, aspect="1:1")
    _say(f"cropping {character_id} {crop.x}")
    service.characters.avatars.set(character_id, version.id, crop)
    _say(f"cropped {character_id} {crop.x}")


def _make(collection: Collection, queue: JobQueue) -> None:
    job = queue.claim(timeout=0)
    if job is None:
        return
    assert isinstance(job.request, CompleteRequest)
    image = ImageReady(0, job.request.seed, 48, 64, noise(job.request.seed % 10_000, 48, 64).tobytes())
    record = collection.save_generated(
        job_id=job.id, request=job.request, image=image, notices=(), provenance={}
    )
    _say(f"kept {job.request.character} {record.id}")
    queue.finish(running(queue), JobStatus.DONE)


def _some(service: StudioService) -> tuple[str, ...]:
    return tuple(row.id for row in service.characters.list())


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    work(Settings(data_dir=Path(sys.argv[1])))
