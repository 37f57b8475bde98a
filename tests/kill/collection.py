"""Kills a collection's keeper at random moments and looks whether anything that was promised is lost.

In one of five rounds the database is deleted, too, before the next start. `python -m tests.kill.collection
--rounds 100` prints what was seen; CI does twenty.
"""

from __future__ import annotations

import io
import random
import signal
import time
import zipfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from studio.collection.character_models import CharacterRow
from studio.collection.collection import Collection
from studio.collection.maintenance import mend, rebuild, verify
from studio.collection.queries import Filter
from studio.database import Database
from studio.exchange.importing import Importer
from studio.models.library import ModelLibrary
from studio.records import ImageRecord
from studio.service import StudioService
from studio.settings import Settings
from tests.kill import bringer, keeper
from tests.kill.caster import open_studio
from tests.kill.command import play
from tests.kill.processes import Spoken
from tests.kill.telling import GONE, HERE
from tests.studio.fixtures import make_catalog, picture

PICTURES = 48
LOST = 0.2
"""In how many rounds the database is deleted after the kill."""
_PATIENCE = {
    "import": 0.2, "many": 0.4, "cast": 0.2, "cards": 0.1, "models": 0.05, "bring": 0.2, "days": 0.2,
    "decide": 0.1, "rebuild": 3.0, "mend": 3.0,
}  # fmt: skip
"""Seconds, at most, until the kill comes."""


@dataclass
class Report:
    """What the rounds met."""

    kills: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    left_by_writes: int = 0
    adopted: int = 0
    without_database: int = 0
    deleted_databases: int = 0
    half_removed: int = 0
    void_lines: int = 0
    pictures: int = 0
    promises: int = 0
    promised: dict[tuple[str, str], str] = field(default_factory=dict)
    """By (what, subject): the last value that was promised, and not begun to be changed since."""

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        return (
            f"{self.kills} kills ({kinds}), {self.pictures} pictures in the end, {self.promises} promises. "
            f"Unfinished files were left {self.left_by_writes} times, {self.adopted} files were without a "
            f"row, the journals had void lines {self.void_lines} times. The database was missing "
            f"{self.without_database} times after the kill, and deleted {self.deleted_databases} times more. "
            f"A removal of a model was half done {self.half_removed} times. "
            "Nothing was lost.\n"
        )


def run(folder: Path, rounds: int) -> Report:
    """So many kills over one data folder. Raises AssertionError at the first loss."""
    report = Report()
    originals = folder / "originals"
    originals.mkdir()
    for n in range(PICTURES):
        (originals / f"{n}.png").write_bytes(picture(n, width=96, height=64))
        if n % 3 == 0:
            (originals / f"{n}.txt").write_text(f"prompt {n}\nSteps: 20, Seed: {n}")
    make_catalog(folder)
    settings = Settings(data_dir=folder / "data", models=folder / "models.yaml")
    kinds = tuple(keeper.WORK)
    for number in range(rounds):
        kind = kinds[number % len(kinds)]
        _kill(settings, originals, kind, report)
        _look(settings, originals, kind, report)
    _settle(settings, originals, report)
    return report


def _kill(settings: Settings, originals: Path, kind: str, report: Report) -> None:
    if kind in ("import", "many"):  # which throw pictures away and empty the trash without a word
        report.promised = {key: value for key, value in report.promised.items() if key[0] != "place"}
    if kind == "days":  # so many of them that the trash of earlier rounds expires
        report.promised = {
            key: value
            for key, value in report.promised.items()
            if (key[0], value) != ("place", bringer.TRASH)
        }
    paths = (str(settings.data_dir), str(settings.models), str(originals))
    process = Spoken(keeper.main, *paths, kind)
    with process.lines as lines:
        assert lines.readline() == "open\n", "the keeper did not start"
        talks = kind not in ("rebuild", "mend")
        heard = [lines.readline() for _ in range(random.randint(0, 6) if talks else 0)]
        time.sleep(random.uniform(0, _PATIENCE[kind]))
        process.kill()
        assert process.end(0) == -signal.SIGKILL, "the keeper ended by itself"
        told = [*heard, *lines.read().splitlines(keepends=True)]
    report.kills += 1
    report.kinds[kind] += 1
    for line in told:
        if line.endswith("\n"):
            _remember(report, *line.split())


def _remember(report: Report, when: str, what: str, subject: str, value: str = "") -> None:
    if when == "begin":
        report.promised.pop((what, subject), None)
    else:
        report.promised[what, subject] = value
        report.promises += 1


def _look(settings: Settings, originals: Path, kind: str, report: Report) -> None:
    """As the next start finds and leaves it."""
    report.without_database += not settings.database.exists()
    if kind == "mend":  # files that it had not brought back yet
        mend(settings, verify(settings), sorted(originals.glob("*.png")))
    report.void_lines += bool(verify(settings).journal)
    if random.random() < LOST:
        report.deleted_databases += settings.database.exists()
        _delete_database(settings)
    with closing(Database(settings.database)) as database:
        found = Collection(settings, database, load_catalog(settings.models)).reconcile()
        report.adopted += len(found.adopted)
        report.left_by_writes += bool(found.leftovers)
        assert found.unusable == ()
    with closing(Database(settings.database)) as database:
        collection, _, service = open_studio(settings, database)
        _check_promises(collection, service, report)
        _check_cards(settings, database, service, report)
    _check_models(settings, report)
    _check_decisions(settings, report)
    seen = verify(settings)
    assert seen.healthy, seen.lines()


def _check_cards(settings: Settings, database: Database, service: StudioService, report: Report) -> None:
    """A character that came as a card has all that its card brought, whoever else went meanwhile."""
    for row in service.characters.list():
        if not row.name.startswith(keeper.CARDS):
            continue
        with zipfile.ZipFile(io.BytesIO(b"".join(service.characters.transfer.charx(row.id)))) as card:
            files = {name for name in card.namelist() if name in {f"f{n}" for n in range(6)}}
            assert len(files) == keeper.FILES_OF_A_CARD, f"{row.name} has lost files of its card"
            assert all(card.read(name) == keeper.card_file(name) for name in files)
        promised = report.promised.get(("card", row.id), ",".join(files))
        assert files == set(promised.split(",")), f"{row.name} has other files than its card"
    parts = {path.name for path in settings.cards_dir.glob("??/*")}
    with database.reading() as session:
        said = [row.card for row in session.query(CharacterRow) if row.card]
    named = {name for card in said for name in (card["rest"], *card["assets"].values())}
    assert parts == named, f"files of cards that no character names: {parts - named}"
    assert not (settings.cards_dir / ".unsettled").exists()


def _check_models(settings: Settings, report: Report) -> None:
    """A model is there, or gone to its last file; what an artist put beside it is there in any case."""
    folders = list(settings.models_dir.iterdir()) if settings.models_dir.exists() else []
    for folder in folders:
        report.half_removed += 0 < len(_own(folder)) < len(keeper.OWN)
    catalog = load_catalog(settings.models, settings.models_dir)
    ModelLibrary(catalog, settings.data_dir)
    labels = {spec.label for spec in catalog.dropped.specs}
    for folder in folders:
        there = _own(folder)
        assert all((folder / name).exists() for name in keeper.BESIDE), f"a file beside {folder} is gone"
        assert there in (set(), set(keeper.OWN)), f"{folder} is half gone: {there}"
        assert bool(there) == (folder.name in labels), f"{folder} is not listed, or without its files"
        said = report.promised.get(("model", folder.name))
        assert said is None or bool(there) == (said == HERE), f"{folder} was to be {said}: {there}"


def _own(folder: Path) -> set[str]:
    return {name for name in keeper.OWN if (folder / name).exists()}


def _check_decisions(settings: Settings, report: Report) -> None:
    """Default models, memory and presets are as they were decided last."""
    library = ModelLibrary(load_catalog(settings.models), settings.data_dir)
    defaults, presets = library.all().defaults, bringer.own_presets(settings)
    for (what, subject), value in report.promised.items():
        said = {
            "default": defaults.get(subject),
            "memory": str(library.memory_of(subject).choice),
            "preset": presets.get(subject, GONE),
        }.get(what, value)
        assert said == value, f"{what} {subject} is {said}, not {value}"


def _delete_database(settings: Settings) -> None:
    for companion in ("", "-wal", "-shm"):
        settings.database.with_name(settings.database.name + companion).unlink(missing_ok=True)


def _settle(settings: Settings, originals: Path, report: Report) -> None:
    """Everything comes in at last; and again from the files, without the database."""
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        importer = Importer(collection)
        for _ in range(2):  # the first may go on with one that was killed
            started = importer.start(originals)
            importer.wait()
            assert importer.get(started.id).status == "done"
        brought = {key: HERE for key in report.promised if key[0] == "place"}
        report.promised.update(brought)  # what lies in the trash is taken out of it
        before = _all(collection)
    report.pictures = len(before)
    _delete_database(settings)
    assert rebuild(settings).healthy
    with closing(Database(settings.database)) as database:
        collection, _, service = open_studio(settings, database)
        after = _all(collection)
        assert after.keys() == before.keys()
        assert not [(before[key], one) for key, one in after.items() if one != before[key]]
        _check_promises(collection, service, report)


def _check_promises(collection: Collection, service: StudioService, report: Report) -> None:
    records = _all(collection)
    for (what, subject), value in report.promised.items():
        words = f"{what} {subject} is not {value}"
        match what:
            case "star":
                assert (records[subject].starred, records[subject].name) == (True, "kept"), words
            case "tag":
                wanted = set() if value == GONE else set(value.split(","))
                have_it = {image_id for image_id, record in records.items() if subject in record.tags}
                assert have_it >= wanted if wanted else not have_it, words
            case "place":
                where = bringer.TRASH if records[subject].trashed_at else HERE
                assert where == value, words
            case "card" | "model" | "default" | "memory" | "preset":
                continue  # looked at by themselves
            case _ if value == GONE:
                assert not service.characters.exists(subject), words
            case _:
                assert keeper.character_words(service, subject) == value, words


def _all(collection: Collection) -> dict[str, ImageRecord]:
    pages = [collection.gallery.page(Filter(trashed=trashed), None, 500).items for trashed in (False, True)]
    return {record.id: record for page in pages for record in page}


if __name__ == "__main__":
    play(run, __doc__, 10)
