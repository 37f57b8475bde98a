"""Kills a collection's keeper at random moments and looks whether anything that was promised is lost.

In one of five rounds the database is deleted, too, before the next start. `python -m tests.kill.collection
--rounds 100` prints what was seen; CI does fourteen.
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
from studio.collection.collection import Collection
from studio.collection.maintenance import mend, rebuild, verify
from studio.collection.queries import Filter
from studio.database import Database
from studio.exchange.importing import Importer
from studio.records import ImageRecord
from studio.service import StudioService
from studio.settings import Settings
from tests.kill import keeper
from tests.kill.caster import open_studio
from tests.kill.command import play
from tests.kill.processes import Spoken
from tests.studio.fixtures import make_catalog, picture

PICTURES = 48
LOST = 0.2
"""In how many rounds the database is deleted after the kill."""
_PATIENCE = {
    "import": 0.2, "many": 0.4, "cast": 0.2, "cards": 0.1, "models": 0.05, "rebuild": 3.0, "mend": 3.0,
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
        mend(settings, verify(settings), sorted(originals.iterdir()))
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
        _check_cards(service, report)
    _check_models(settings, report)
    seen = verify(settings)
    assert seen.healthy, seen.lines()


def _check_cards(service: StudioService, report: Report) -> None:
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


def _check_models(settings: Settings, report: Report) -> None:
    """A model is there, or gone to its last file; what an artist put beside it is there in any case."""
    listed = load_catalog(settings.models, settings.models_dir).dropped
    labels = {spec.label for spec in listed.specs}
    folders = list(settings.models_dir.iterdir()) if settings.models_dir.exists() else []
    for folder in folders:
        there = {name for name in keeper.OWN if (folder / name).exists()}
        assert all((folder / name).exists() for name in keeper.BESIDE), f"a file beside {folder} is gone"
        match report.promised.get(("model", folder.name)):
            case keeper.HERE:
                assert there == set(keeper.OWN), f"{folder} is not whole"
                assert folder.name in labels, f"{folder} is not listed"
            case keeper.GONE:
                assert not there, f"{folder} was not removed whole: {there}"
            case _:  # the kill came amid it: it can still be used, or is refused with a reason
                told = {unusable.path for unusable in listed.unusable}
                assert not there or folder.name in labels or folder in told, f"nobody tells of {folder}"
                report.half_removed += bool(there) and len(there) < len(keeper.OWN)


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
        before = _all(collection)
    report.pictures = len(before)
    _delete_database(settings)
    assert rebuild(settings).healthy
    with closing(Database(settings.database)) as database:
        collection, _, service = open_studio(settings, database)
        assert _all(collection) == before
        _check_promises(collection, service, report)


def _check_promises(collection: Collection, service: StudioService, report: Report) -> None:
    records = _all(collection)
    for (what, subject), value in report.promised.items():
        words = f"{what} {subject} is not {value}"
        match what:
            case "star":
                assert (records[subject].starred, records[subject].name) == (True, "kept"), words
            case "tag":
                wanted = set() if value == keeper.GONE else set(value.split(","))
                have_it = {image_id for image_id, record in records.items() if subject in record.tags}
                assert have_it >= wanted if wanted else not have_it, words
            case "card" | "model":
                continue  # looked at by themselves
            case _ if value == keeper.GONE:
                assert not service.characters.exists(subject), words
            case _:
                assert keeper.character_words(service, subject) == value, words


def _all(collection: Collection) -> dict[str, ImageRecord]:
    pages = [collection.gallery.page(Filter(trashed=trashed), None, 500).items for trashed in (False, True)]
    return {record.id: record for page in pages for record in page}


if __name__ == "__main__":
    play(run, __doc__, 10)
