"""More kinds of work for `tests.kill.keeper`: what is brought in and decided, and the days of the trash.

Beside its words: `place IMAGE here|trash`, `default MODE MODEL`, `memory MODEL CHOICE`, `preset ID WORDS`.
"""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from pipelines.memory.plan import MemoryChoice
from pipelines.request import Mode
from studio import images
from studio.collection.collection import Collection
from studio.collection.queries import Filter
from studio.database import Database
from studio.models.library import ModelLibrary
from studio.models.records import MemorySetting
from studio.presets.presets import Presets
from studio.presets.records import PresetVariant, PresetWish
from studio.settings import Settings
from tests.kill.telling import GONE, HERE, begin, done, opened

TRASH = "trash"
_DAYS = 29
_MOST_PRESETS = 4


def never_deleted(image_id: str) -> bool:
    """Half of the pictures are starred, the other half thrown away."""
    return int(image_id[:2], 16) % 2 == 0


def bring(settings: Settings, folder: Path) -> None:
    """Load pictures again and again, throw them away, load them from the trash, restore them."""
    originals = {images.sha256(path.read_bytes())[:32]: path for path in sorted(folder.glob("*.png"))}
    thrown = [image_id for image_id in originals if not never_deleted(image_id)]
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        collection.reconcile()
        opened()
        while True:
            image_id = random.choice(thrown)
            begin("place", image_id)
            collection.add_upload(originals[image_id], "brought.png")
            done("place", image_id, HERE)
            if random.random() < 0.5:
                begin("place", image_id)
                collection.trash(image_id)
                done("place", image_id, TRASH)
                collection.thumbnail(image_id)
                collection.mask_file(image_id)
            if random.random() < 0.3:
                begin("place", image_id)
                collection.restore(image_id)
                done("place", image_id, HERE)


def let_days_pass(settings: Settings, folder: Path) -> None:
    """A picture lies in the trash for one day less than it may, then comes out again."""
    originals = sorted(folder.glob("*.png"))  # what `mend` can bring back when it takes files away
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        collection.reconcile()
        today = _last_day(settings)
        opened()
        while True:
            known = [each for each in collection.gallery.ids(Filter()).ids if not never_deleted(each)]
            if not known:
                collection.add_upload(random.choice(originals), "one.png")
                continue
            image_id = random.choice(known)
            begin("place", image_id)
            collection.trash(image_id)
            done("place", image_id, TRASH)
            for _day in range(_DAYS):
                today += timedelta(days=1)
                collection.bin.expire(today)
            begin("place", image_id)
            collection.restore(image_id)
            done("place", image_id, HERE)


def decide(settings: Settings, _: Path) -> None:
    """Choose default models and how they are kept in memory; write, change and remove presets."""
    catalog = load_catalog(settings.models, settings.models_dir)
    library = ModelLibrary(catalog, settings.data_dir)
    presets = Presets(catalog, settings.shipped_presets, settings.own_presets)
    opened()
    while True:
        mode, model = random.choice([(Mode.TEXT_TO_IMAGE, "tiny"), (Mode.TEXT_TO_IMAGE, "plain")])
        begin("default", mode)
        library.set_default(mode, model)
        done("default", mode, model)
        choice = random.choice([MemoryChoice.AUTO, MemoryChoice.RESIDENT])
        begin("memory", model)
        library.set_memory(model, MemorySetting(choice=choice))
        done("memory", model, choice)
        _change_presets(presets)


def own_presets(settings: Settings) -> dict[str, str]:
    """Words of the artist's own presets, by id."""
    catalog = load_catalog(settings.models, settings.models_dir)
    page = Presets(catalog, settings.shipped_presets, settings.own_presets).page(Mode.TEXT_TO_IMAGE)
    assert page.faults == ()
    return {each.id: each.preset.says[0].words for each in page.items if each.origin == "own"}


def _change_presets(presets: Presets) -> None:
    known = [each.id for each in presets.page(Mode.TEXT_TO_IMAGE).items if each.origin == "own"]
    words = f"w{random.randrange(10**6)}"
    wish = PresetWish(label=words, group="light", says=(PresetVariant(words=words),))
    if len(known) < _MOST_PRESETS:
        done("preset", presets.create(wish).id, words)
        return
    chosen = random.choice(known)
    begin("preset", chosen)
    if random.random() < 0.5:
        presets.change(chosen, wish)
        done("preset", chosen, words)
    else:
        presets.remove(chosen)
        done("preset", chosen, GONE)


def _last_day(settings: Settings) -> datetime:
    """What the clock said last, by the count's own file."""
    now = datetime.now(UTC)
    if not settings.trash_days.exists():
        return now
    said = datetime.fromisoformat(json.loads(settings.trash_days.read_bytes())["date"]).replace(tzinfo=UTC)
    return max(now, said)
