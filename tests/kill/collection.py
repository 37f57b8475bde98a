"""Kills a collection's keeper at random moments and looks whether anything that was promised is lost.

`python -m tests.kill.collection --rounds 100` prints what was seen; CI does nine rounds.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.catalog.catalog import load_catalog
from studio.collection.collection import Collection
from studio.collection.maintenance import rebuild, verify
from studio.collection.queries import Filter
from studio.database import Database
from studio.exchange.importing import Importer
from studio.records import ImageRecord
from studio.settings import Settings
from tests.kill import keeper
from tests.kill.processes import Spoken
from tests.studio.fixtures import make_catalog, picture

PICTURES = 48


@dataclass
class Report:
    """What the rounds met."""

    kills: int = 0
    left_by_writes: int = 0
    adopted: int = 0
    without_database: int = 0
    pictures: int = 0
    promised: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.pictures} pictures in the end, {len(self.promised)} stars promised. "
            f"Unfinished files were left {self.left_by_writes} times, {self.adopted} files were without "
            f"a row, the database was missing {self.without_database} times. Nothing was lost.\n"
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
    for number in range(rounds):
        _kill(settings, originals, "rebuild" if number % 3 == 2 else "work", report)
        _look(settings, report)
    _settle(settings, originals, report)
    return report


def _kill(settings: Settings, originals: Path, what: str, report: Report) -> None:
    paths = (str(settings.data_dir), str(settings.models), str(originals))
    process = Spoken(keeper.main, *paths, what)
    with process.lines as lines:
        assert lines.readline() == "open\n", "the keeper did not start"
        heard = [lines.readline() for _ in range(random.randint(0, 6) if what == "work" else 0)]
        time.sleep(random.uniform(0, 0.2 if what == "work" else 0.6))
        process.kill()
        told = [*heard, *lines.read().splitlines(keepends=True)]
    report.promised |= {line.split()[1] for line in told if line.endswith("\n") and " " in line}
    report.kills += 1


def _look(settings: Settings, report: Report) -> None:
    """As the next start finds and leaves it."""
    report.without_database += not settings.database.exists()
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        found = collection.reconcile()
        collection.bin.expire()
        report.adopted += len(found.adopted)
        report.left_by_writes += bool(found.leftovers)
        assert found.unusable == ()
        _check_promises(collection, report)
    seen = verify(settings)
    assert seen.healthy, seen.lines()


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
    for part in settings.data_dir.glob("likeness.db*"):
        part.unlink()
    assert rebuild(settings).healthy
    with closing(Database(settings.database)) as database:
        collection = Collection(settings, database, load_catalog(settings.models))
        assert _all(collection) == before
        _check_promises(collection, report)


def _check_promises(collection: Collection, report: Report) -> None:
    for image_id in report.promised:
        record = collection.get(image_id)
        assert (record.starred, record.tags) == (True, ("kept",)), f"{image_id} lost what was said of it"


def _all(collection: Collection) -> dict[str, ImageRecord]:
    pages = [collection.page(Filter(trashed=trashed), None, 500).items for trashed in (False, True)]
    return {record.id: record for page in pages for record in page}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="likeness-kill-") as name:
        sys.stdout.write(str(run(Path(name), arguments.rounds)))


if __name__ == "__main__":
    main()
