"""The process that gets killed while it keeps a collection, at one of several kinds of work (`WORK`).

Goes on until it is killed. On stdout it says `begin WHAT SUBJECT` before a change, and `done WHAT SUBJECT
VALUE` when it is promised: `star IMAGE 1`, `tag TAG IMAGE,IMAGE` (all that have it), `character ID
NAME/WORDS/ARCHIVED`. A value `-` says that it is gone.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from studio.collection import bulk, trash
from studio.collection.bulk import Action
from studio.collection.collection import Collection
from studio.collection.maintenance import mend, rebuild, verify
from studio.collection.queries import Filter
from studio.database import Database
from studio.exchange.importing import Importer
from studio.service import StudioService
from studio.settings import Settings
from tests.kill.caster import open_studio

GONE = "-"


def never_deleted(image_id: str) -> bool:
    """Half of the pictures are starred, the other half thrown away."""
    return int(image_id[:2], 16) % 2 == 0


def import_folder(settings: Settings, folder: Path) -> None:
    """Import again and again, and meanwhile star some pictures and delete others."""
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        collection.reconcile()
        importer = Importer(collection)
        _say("open")
        while True:
            progress = importer.start(folder)
            while importer.get(progress.id).status in ("scanning", "running"):
                importer.wait(0.02)
                _mark(collection)


def change_many(settings: Settings, _: Path) -> None:
    """Tag all that stay, part by part, take tags away, and throw away and empty many."""
    bulk._PART, trash._PART = 7, 3
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        collection.reconcile()
        _say("open")
        while True:
            ids = collection.gallery.ids(Filter()).ids
            _tag(collection, [image_id for image_id in ids if never_deleted(image_id)])
            thrown = [image_id for image_id in ids if not never_deleted(image_id)]
            collection.gallery.bulk(random.sample(thrown, min(8, len(thrown))), Action.TRASH)
            collection.bin.empty(collection.gallery.facets().trashed)


def keep_a_cast(settings: Settings, _: Path) -> None:
    """Create characters, change and archive them, give them versions, delete them."""
    with closing(Database(settings.database)) as database:
        collection, _, service = open_studio(settings, database)
        _say("open")
        while True:
            ids = [each for each in collection.gallery.ids(Filter()).ids if never_deleted(each)]
            known = [row.id for old in (False, True) for row in service.characters.list(archived=old)]
            if len(known) < 3:
                made = service.characters.create(f"C{random.randrange(10**6)}")
                _say_character(service, made.id)
            else:
                _change_character(service, random.choice(known), ids)


def make_anew(settings: Settings, _: Path) -> None:
    """`collection rebuild`, again and again."""
    _say("open")
    while True:
        rebuild(settings)


def put_right(settings: Settings, folder: Path) -> None:
    """Files are lost, and `collection verify --mend` brings them back."""
    _say("open")
    while True:
        files = sorted(settings.images_dir.glob("??/*.png"))
        for path in random.sample(files, min(2, len(files))):
            path.unlink()
        mend(settings, verify(settings), sorted(folder.iterdir()))


WORK: dict[str, Callable[[Settings, Path], None]] = {
    "import": import_folder,
    "many": change_many,
    "cast": keep_a_cast,
    "rebuild": make_anew,
    "mend": put_right,
}


def _mark(collection: Collection) -> None:
    ids = collection.gallery.ids(Filter()).ids
    for image_id in random.sample(ids, min(3, len(ids))):
        if never_deleted(image_id):
            collection.update(image_id, starred=True, name="kept")
            _say(f"done star {image_id} 1")
        else:
            collection.gallery.bulk([image_id], Action.TRASH)
    trashed = collection.gallery.facets().trashed
    if trashed > 4:
        collection.bin.empty(trashed)


def _tag(collection: Collection, ids: list[str]) -> None:
    tag = f"t{random.randrange(4)}"
    _say(f"begin tag {tag}")
    if random.random() < 0.7 and ids:
        collection.gallery.bulk(ids, Action.TAG, tag)
        _say(f"done tag {tag} {','.join(ids)}")
    else:
        collection.gallery.bulk(collection.gallery.ids(Filter()).ids, Action.UNTAG, tag)
        _say(f"done tag {tag} {GONE}")


def _change_character(service: StudioService, character_id: str, ids: list[str]) -> None:
    _say(f"begin character {character_id}")
    match random.randrange(4):
        case 0:
            service.characters.delete(character_id)
            _say(f"done character {character_id} {GONE}")
            return
        case 1:
            service.characters.change(character_id, archived=random.random() < 0.5)
        case 2 if ids:
            service.characters.versions.add_picture(character_id, random.choice(ids))
        case _:
            service.characters.change(character_id, description=f"w{random.randrange(10**6)}")
    _say_character(service, character_id)


def _say_character(service: StudioService, character_id: str) -> None:
    _say(f"done character {character_id} {character_words(service, character_id)}")


def character_words(service: StudioService, character_id: str) -> str:
    """What is promised of a character, without a space."""
    one = service.characters.get(character_id)
    return f"{one.name}/{one.description}/{one.archived}"


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main(data_dir: str, models: str, folder: str, what: str) -> None:
    """Until killed. `what`: a name in `WORK`."""
    WORK[what](Settings(data_dir=Path(data_dir), models=Path(models)), Path(folder))
