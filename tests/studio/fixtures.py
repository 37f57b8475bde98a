"""A studio's durable half on a fresh folder, and pictures to put into it. No torch, no network."""

from __future__ import annotations

import functools
import io
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.events import ImageReady
from pipelines.request import CompleteRequest, Keep, Mode, Reference
from studio.collection.collection import Collection
from studio.database import Database
from studio.jobs import JobQueue
from studio.records import ImageRecord, JobStatus
from studio.settings import Settings

MODELS_YAML = """\
models:
  - {id: tiny, label: Tiny Portrait, family: stable-diffusion, source: tiny, licence: none, resolution: 64,
     revision: r1, modes: [text_to_image, img2img]}
  - {id: plain, label: Plain, family: stable-diffusion, source: tiny, licence: none, modes: [text_to_image]}
  - {id: away, label: Away, family: stable-diffusion, source: no/such/place, licence: none,
     modes: [text_to_image]}
"""


@dataclass(frozen=True)
class Durable:
    """What of a studio is on the disk."""

    settings: Settings
    catalog: Catalog
    database: Database
    collection: Collection


def make_catalog(folder: Path) -> Catalog:
    """Two models that look ready and one that is away; none can be loaded."""
    (folder / "tiny").mkdir(parents=True, exist_ok=True)
    (folder / "tiny" / "model_index.json").write_text("{}")
    path = folder / "models.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != MODELS_YAML:  # another process may read it
        path.write_text(MODELS_YAML, encoding="utf-8")
    return load_catalog(path)


@contextmanager
def open_durable(folder: Path, **settings: Any) -> Generator[Durable]:
    """A collection in `folder`/data, as a start of the studio opens it; made where it isn't there."""
    wanted = replace(Settings(data_dir=folder / "data"), **settings)
    if not wanted.database.exists():
        wanted.data_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(_empty_database(), wanted.database)
    catalog = make_catalog(folder)
    database = Database(wanted.database)
    try:
        yield Durable(wanted, catalog, database, Collection(wanted, database, catalog))
    finally:
        database.close()


@functools.cache
def _empty_database() -> Path:
    """Made once: the migrations are tested elsewhere and take longer than most tests."""
    path = Path(tempfile.mkdtemp(prefix="likeness-test-")) / "empty.db"
    Database(path).close()
    return path


def noise(seed: int = 0, width: int = 24, height: int = 16) -> Image.Image:
    """An RGB picture without symmetries, different for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(seed: int = 0, **size: int) -> bytes:
    """A PNG of `noise`."""
    return encoded(noise(seed, **size))


def upload(durable: Durable, seed: int = 0, filename: str = "portrait.png") -> ImageRecord:
    """Take `picture(seed)` in."""
    return durable.collection.add_upload(io.BytesIO(picture(seed)), filename)[0]


def ready(index: int = 0, seed: int = 7) -> ImageReady:
    """A finished picture as the worker sends it."""
    image = noise(seed + index, 24, 16)
    return ImageReady(index, seed + index, image.width, image.height, image.tobytes())


def request(*references: ImageRecord, **changes: Any) -> CompleteRequest:
    """A complete request of the model `tiny`."""
    values: dict[str, Any] = {
        "mode": Mode.IMG2IMG if references else Mode.TEXT_TO_IMAGE,
        "model": "tiny",
        "prompt": "a woman with red hair",
        "seed": 7,
        "width": 24,
        "height": 16,
        "references": tuple(Reference(image_id=r.id) for r in references),
        **({"result_size": "source", "keep": Keep()} if references else {}),
    }
    return CompleteRequest(**(values | changes))


def save(
    durable: Durable, *references: ImageRecord, job_id: str = "job", index: int = 0, **changes: Any
) -> ImageRecord:
    """Save a generated picture."""
    return durable.collection.save_generated(
        job_id=job_id,
        request=request(*references, **changes),
        image=ready(index),
        notices=("A notice.",),
        provenance={"device": "cpu", "revision": "abc"},
    )


def running(queue: JobQueue) -> str:
    """The id of the job that runs, "" where none does."""
    return next((job.id for job in queue.snapshot().jobs if job.status is JobStatus.RUNNING), "")
