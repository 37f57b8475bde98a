"""The process that gets killed while it keeps a collection, at one of several kinds of work (`WORK`).

Goes on until it is killed. On stdout it says `begin WHAT SUBJECT` before a change, and `done WHAT SUBJECT
VALUE` when it is promised: `star IMAGE 1`, `tag TAG IMAGE,IMAGE` (all that have it), `character ID
NAME/WORDS/ARCHIVED`, `card ID FILE,FILE` (what its card brought), `model NAME here`. A value `-` says that
it is gone.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
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
from studio.models.library import ModelLibrary
from studio.service import StudioService
from studio.settings import Settings
from tests.kill import bringer
from tests.kill.caster import open_studio
from tests.kill.telling import GONE, HERE, begin, done, opened

CARDS = "Card"
"""How the names of characters begin that came as cards."""
MOST_CARDS = 5
FILES_OF_A_CARD = 2
OWN = ("model_index.json", "README.md", "unet/config.json", "unet/diffusion_pytorch_model.safetensors")
"""The files of a diffusers model."""
_HEADER = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
_WEIGHTS = len(_HEADER).to_bytes(8, "little") + _HEADER + bytes(4)
BESIDE = ("my notes.doc", "unet/sketch.psd")
"""What an artist put into its folders."""


def import_folder(settings: Settings, folder: Path) -> None:
    """Import again and again, and meanwhile star some pictures and delete others."""
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        collection.reconcile()
        importer = Importer(collection)
        opened()
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
        opened()
        while True:
            ids = collection.gallery.ids(Filter()).ids
            _tag(collection, [image_id for image_id in ids if bringer.never_deleted(image_id)])
            thrown = [image_id for image_id in ids if not bringer.never_deleted(image_id)]
            collection.gallery.bulk(random.sample(thrown, min(8, len(thrown))), Action.TRASH)
            collection.bin.empty(collection.gallery.facets().trashed)


def keep_a_cast(settings: Settings, _: Path) -> None:
    """Create characters, change and archive them, give them versions, delete them."""
    with closing(Database(settings.database)) as database:
        collection, _queue, service = open_studio(settings, database)
        opened()
        while True:
            ids = [each for each in collection.gallery.ids(Filter()).ids if bringer.never_deleted(each)]
            known = [row.id for old in (False, True) for row in service.characters.list(archived=old)]
            if len(known) < 3:
                made = service.characters.create(f"C{random.randrange(10**6)}")
                _say_character(service, made.id)
            else:
                _change_character(service, random.choice(known), ids)


def make_anew(settings: Settings, _: Path) -> None:
    """`collection rebuild`, again and again."""
    opened()
    while True:
        rebuild(settings)


def put_right(settings: Settings, folder: Path) -> None:
    """Files are lost, and `collection verify --mend` brings them back."""
    opened()
    while True:
        files = sorted(settings.images_dir.glob("??/*.png"))
        for path in random.sample(files, min(2, len(files))):
            path.unlink()
        mend(settings, verify(settings), sorted(folder.iterdir()))


def keep_cards(settings: Settings, _: Path) -> None:
    """Import character cards, some with the same files; delete characters, and what only they needed."""
    with closing(Database(settings.database)) as database:
        service = open_studio(settings, database)[2]
        opened()
        while True:
            known = [row.id for row in service.characters.list() if row.name.startswith(CARDS)]
            if len(known) < 2 or (len(known) < MOST_CARDS and random.random() < 0.5):
                files = [f"f{n}" for n in random.sample(range(6), FILES_OF_A_CARD)]
                sent = _charx(files)
                if known and random.random() < 0.3:  # as the studio's own zip, from one that is here
                    sent, files = b"".join(service.characters.transfer.zipped(known[0])), []
                made = service.characters.transfer.import_file(io.BytesIO(sent), "one.charx")
                _say_character(service, made.character.id)
                if files:
                    done("card", made.character.id, ",".join(files))
            else:
                leaving = random.choice(known)
                begin("character", leaving)
                service.characters.delete(leaving)
                done("character", leaving, GONE)


def card_file(name: str) -> bytes:
    """What lies in a card's file of that name."""
    return name.encode() * 2_000


def remove_models(settings: Settings, _: Path) -> None:
    """Put models into the models folder, each with an artist's own files in it, and remove them again."""
    catalog = load_catalog(settings.models, settings.models_dir)
    library = ModelLibrary(catalog, settings.data_dir)
    opened()
    while True:
        name = f"m{random.randrange(10**6)}"
        _unpack_model(settings, name)
        (model,) = [card.id for card in library.scan().models if card.label == name]
        done("model", name, HERE)
        if random.random() < 0.8:
            begin("model", name)
            library.remove(model)
            done("model", name, GONE)


WORK: dict[str, Callable[[Settings, Path], None]] = {
    "import": import_folder,
    "many": change_many,
    "cast": keep_a_cast,
    "cards": keep_cards,
    "models": remove_models,
    "bring": bringer.bring,
    "days": bringer.let_days_pass,
    "decide": bringer.decide,
    "rebuild": make_anew,
    "mend": put_right,
}


def _charx(files: list[str]) -> bytes:
    """A card of version 3 with these files."""
    assets = [{"type": "x", "uri": f"embeded://{name}", "name": name, "ext": "bin"} for name in files]
    data = {"name": f"{CARDS}{random.randrange(10**6)}", "first_mes": "Hi", "assets": assets}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("card.json", json.dumps({"spec": "chara_card_v3", "spec_version": "3.0", "data": data}))
        for name in files:
            made.writestr(name, card_file(name))
    return buffer.getvalue()


def _unpack_model(settings: Settings, name: str) -> None:
    """All at once, as if it had been moved there."""
    apart = settings.data_dir / f".unpacking-{name}"
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    contents = dict.fromkeys((*OWN, *BESIDE), b"x") | {
        "model_index.json": json.dumps(index).encode(),
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": _WEIGHTS,
    }
    for inside, data in contents.items():
        (apart / inside).parent.mkdir(parents=True, exist_ok=True)
        (apart / inside).write_bytes(data)
    settings.models_dir.mkdir(exist_ok=True)
    apart.rename(settings.models_dir / name)


def _mark(collection: Collection) -> None:
    ids = collection.gallery.ids(Filter()).ids
    for image_id in random.sample(ids, min(3, len(ids))):
        if bringer.never_deleted(image_id):
            collection.update(image_id, starred=True, name="kept")
            done("star", image_id, "1")
        else:
            collection.gallery.bulk([image_id], Action.TRASH)
    trashed = collection.gallery.facets().trashed
    if trashed > 4:
        collection.bin.empty(trashed)


def _tag(collection: Collection, ids: list[str]) -> None:
    tag = f"t{random.randrange(4)}"
    begin("tag", tag)
    if random.random() < 0.7 and ids:
        collection.gallery.bulk(ids, Action.TAG, tag)
        done("tag", tag, ",".join(ids))
    else:
        collection.gallery.bulk(collection.gallery.ids(Filter()).ids, Action.UNTAG, tag)
        done("tag", tag, GONE)


def _change_character(service: StudioService, character_id: str, ids: list[str]) -> None:
    begin("character", character_id)
    match random.randrange(4):
        case 0:
            service.characters.delete(character_id)
            done("character", character_id, GONE)
            return
        case 1:
            service.characters.change(character_id, archived=random.random() < 0.5)
        case 2 if ids:
            service.characters.versions.add_picture(character_id, random.choice(ids))
        case _:
            service.characters.change(character_id, description=f"w{random.randrange(10**6)}")
    _say_character(service, character_id)


def _say_character(service: StudioService, character_id: str) -> None:
    done("character", character_id, character_words(service, character_id))


def character_words(service: StudioService, character_id: str) -> str:
    """What is promised of a character, without a space."""
    one = service.characters.get(character_id)
    return f"{one.name}/{one.description}/{one.archived}"


def main(data_dir: str, models: str, folder: str, what: str) -> None:
    """Until killed. `what`: a name in `WORK`."""
    WORK[what](Settings(data_dir=Path(data_dir), models=Path(models)), Path(folder))
