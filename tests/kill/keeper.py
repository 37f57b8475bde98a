"""The process that gets killed while it keeps a collection: imports, stars, empties the trash, rebuilds.

Goes on until it is killed. It tells on stdout what it has promised: `starred IMAGE`.
"""

from __future__ import annotations

import random
import sys
from contextlib import closing
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from studio.collection.bulk import Action
from studio.collection.collection import Collection
from studio.collection.maintenance import rebuild
from studio.collection.queries import Filter
from studio.database import Database
from studio.exchange.importing import Importer
from studio.settings import Settings


def never_deleted(image_id: str) -> bool:
    """Half of the pictures are starred, the other half thrown away."""
    return int(image_id[:2], 16) % 2 == 0


def work(settings: Settings, folder: Path) -> None:
    """Import again and again, and meanwhile star some pictures and delete others."""
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        collection.reconcile()
        collection.bin.expire()
        importer = Importer(collection)
        _say("open")
        while True:
            progress = importer.start(folder)
            while importer.get(progress.id).status in ("scanning", "running"):
                importer.wait(0.02)
                _mark(collection)


def _mark(collection: Collection) -> None:
    ids = collection.gallery.ids(Filter()).ids
    for image_id in random.sample(ids, min(3, len(ids))):
        if never_deleted(image_id):
            collection.update(image_id, starred=True, tags=("kept",))
            _say(f"starred {image_id}")
        else:
            collection.gallery.bulk([image_id], Action.TRASH)
    trashed = collection.gallery.facets().trashed
    if trashed > 4:
        collection.bin.empty(trashed)


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main(data_dir: str, models: str, folder: str, what: str) -> None:
    """Until killed. `what`: work or rebuild."""
    settings = Settings(data_dir=Path(data_dir), models=Path(models))
    if what == "work":
        work(settings, Path(folder))
    _say("open")
    while True:
        rebuild(settings)
