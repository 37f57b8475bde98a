"""`python -m benchmarks.collection`: what 100,000 pictures cost against 1,000, in one run.

Makes two collections, whose rows are as those of real pictures but whose files are not there, and takes turns
between them: each call is the REST call without the network (query, records, JSON). Adding a picture saves
file and row for good. What is rare is so by number, not by share: both collections have a full page of it, so
that a row compares finding and not how much there is to show. Prints a table for docs/performance.md and the
memory of this process before and after. Processor time is shown beside the clock's, so that the ratios mean
something on a machine that is not idle. `python -m benchmarks.importing` measures imports.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy.orm import Session

from pipelines.catalog.catalog import load_catalog
from pipelines.events import ImageReady
from pipelines.request import GenerationRequest, Mode, Reference
from studio.collection import queries, rows
from studio.collection.collection import Collection
from studio.collection.history import History
from studio.collection.models import ImageRow, ParentRow, TagRow
from studio.collection.queries import Filter
from studio.database import Database
from studio.records import Category, Sort
from studio.settings import Settings

WORDS = ("woman", "man", "child", "elf", "knight", "oil", "studio", "light", "red", "blonde", "hat", "forest")
SIGNS = "红发女骑士猫森林夜晚古老城堡金色盔甲微笑侧面水彩油画"
MODELS = ("portrait-mini", "stable-diffusion-xl", "flux-klein")
PROVENANCE = {
    "device": "cuda",
    "dtype": "bfloat16",
    "revision": "a" * 40,
    "versions": {"torch": "2.13.0", "diffusers": "0.42.1", "transformers": "5.23.0"},
}
_START = datetime(2024, 1, 1, tzinfo=UTC)
_RARE = 80
"""Pictures with the rare tag, and as many with the rare word."""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one call by the clock and of the processor."""

    clock: float
    processor: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what each call took, in the small collection and in the large."""

    name: str
    small: list[Took]
    large: list[Took]

    def line(self) -> str:
        """As Markdown, in ms: processor medians and their ratio; then the clock's best and median, large."""
        both = (self.small, self.large)
        small, large = (statistics.median(t.processor for t in took) * 1000 for took in both)
        clock = [took.clock * 1000 for took in self.large]
        figures = (small, large, large / small, min(clock), statistics.median(clock))
        return f"| {self.name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |"


@contextmanager
def opened(folder: Path, count: int) -> Iterator[Collection]:
    """A collection of so many made pictures."""
    settings = Settings(data_dir=folder)
    with closing(Database(settings.database)) as database:
        fill(database, count)
        yield Collection(settings, database, load_catalog(settings.models))


def fill(database: Database, count: int) -> None:
    """Rows as an artist's years leave them: batches of four, lines of edits, some stars, tags and trash."""
    dice = random.Random(count)
    rare = max(1, count // _RARE)
    part = 2000
    for start in range(0, count, part):
        with database.transaction() as session:
            pictures = [_values(dice, number, rare) for number in range(start, min(start + part, count))]
            session.execute(ImageRow.__table__.insert(), pictures)  # pyright: ignore[reportAttributeAccessIssue]
            _add_parents_and_tags(session, dice, pictures, rare)
            session.execute(queries.INDEX, [_words(picture) for picture in pictures])


def _values(dice: random.Random, number: int, rare: int) -> dict[str, Any]:
    made = number % 10 != 0
    when = _START + timedelta(minutes=7 * number, seconds=dice.random())
    sha256 = f"{number:064x}"
    request = _request(dice, number, rare) if made else None
    return {
        "number": rows.moment(when),
        "id": sha256[-32:],
        "sha256": sha256,
        "pixel_sha256": sha256,
        "extension": "png",
        "mime": "image/png",
        "size_bytes": dice.randrange(10**6, 4 * 10**6),
        "width": 1024,
        "height": 1024,
        "plain": True,
        "category": (Category.EDITED if number % 3 else Category.GENERATED) if made else Category.UPLOAD,
        "label": f"Picture {number}",
        "sort_name": f"picture {number}",
        "model": request.model if request else None,
        "mode": request.mode if request else None,
        "created_at": when,
        "starred": number % 8 == 1,
        "trashed_at": when if number % 16 == 7 else None,
        "job_id": f"job{number // 4}" if made else None,
        "batch_index": number % 4,
        "seed": number,
        "request": request.model_dump(mode="json") if request else None,
        "has_references": bool(request and request.references),
        "notes": [],
        "provenance": PROVENANCE if made else {},
        "depth": 0,
        "anchor": False,
    }


def _request(dice: random.Random, number: int, rare: int) -> GenerationRequest:
    """The words “portrait” and “肖像” are in every prompt, “moonlit” and “月光” in few."""
    words = ["portrait", *dice.choices(WORDS, k=18), *(["moonlit"] if number % rare == 1 else [])]
    words.append("".join([*dice.choices(SIGNS, k=8), "的肖像", *(["月光"] if number % rare == 1 else [])]))
    references = (Reference(image_id=f"{number - 1:064x}"[-32:]),) if number % 3 else ()
    return GenerationRequest(
        mode=Mode.IMG2IMG if references else Mode.TEXT_TO_IMAGE,
        model=MODELS[number % len(MODELS)],
        prompt=" ".join(words),
        seed=number,
        width=1024,
        height=1024,
        references=references,
    )


def _add_parents_and_tags(
    session: Session, dice: random.Random, pictures: list[dict[str, Any]], rare: int
) -> None:
    parents = [_parent(each) for each in pictures if each["has_references"]]
    tags = [
        {"image_id": each["id"], "tag": tag, "position": 0}
        for each in pictures
        for tag in [dice.choice(["client", "draft", "final"])]
        + (["rare"] if each["seed"] % rare == 3 else [])
    ]
    session.execute(ParentRow.__table__.insert(), parents)  # pyright: ignore[reportAttributeAccessIssue]
    session.execute(TagRow.__table__.insert(), tags)  # pyright: ignore[reportAttributeAccessIssue]


def _parent(picture: dict[str, Any]) -> dict[str, Any]:
    parent = picture["request"]["references"][0]["image_id"]
    edge = {"order": 0, "role": "source", "weight": 1.0}
    return edge | {"child_id": picture["id"], "parent_id": parent, "pixel_sha256": parent.zfill(64)}


def _words(picture: dict[str, Any]) -> dict[str, Any]:
    prompt = picture["request"]["prompt"] if picture["request"] else ""
    return queries.searched(picture["number"], prompt, picture["label"], "", ())


def calls() -> dict[str, Callable[[Collection], object]]:
    """What is measured, by name. Each ends in JSON."""

    def page(wanted: Filter, sort: Sort = Sort.NEWEST) -> Callable[[Collection], object]:
        return lambda collection: collection.gallery.page(wanted, None, 60, sort).model_dump_json()

    return {
        "first page": page(Filter()),
        "first page by name": page(Filter(), Sort.NAME),
        "page in the middle": _middle,
        "filter: category": page(Filter(category=Category.UPLOAD)),
        "filter: model and mode": page(Filter(model=MODELS[1], mode=Mode.IMG2IMG)),
        "filter: model and mode that never meet": page(Filter(model=MODELS[0], mode=Mode.IMG2IMG)),
        "filter: starred, with references": page(Filter(starred=True, has_references=True)),
        "filter: tag of a third": page(Filter(tag="client")),
        "filter: rare tag": page(Filter(tag="rare")),
        "trash": page(Filter(trashed=True)),
        "search: a word of every picture": page(Filter(query="portrait")),
        "search: two words": page(Filter(query="red forest")),
        "search: a rare word": page(Filter(query="moonlit")),
        "search: as it is typed": page(Filter(query="portr")),
        "search: inside runs of signs, in every picture": page(Filter(query="肖像")),
        "search: inside runs of signs, rare": page(Filter(query="月光")),
        "search: one sign": page(Filter(query="猫")),
        "search: three signs": page(Filter(query="的肖像")),
        "search within a model": page(Filter(query="knight", model=MODELS[1])),
        "history by batch": lambda collection: History(collection).batches(None, 20).model_dump_json(),
        "family of a picture": _family,
        "counts of all kinds *": lambda collection: collection.gallery.facets().model_dump_json(),
        "places to jump to *": lambda collection: collection.gallery.stops(Filter()).model_dump_json(),
        "ids of all *": lambda collection: collection.gallery.ids(Filter()).model_dump_json(),
    }


def _middle(collection: Collection) -> object:
    """The page after the picture in the middle of 1,000 or 100,000."""
    if collection not in _middles:
        _middles[collection] = _middle_cursor(collection)
    return collection.gallery.page(Filter(), _middles[collection], 60).model_dump_json()


_middles: dict[Collection, str | None] = {}


def _middle_cursor(collection: Collection) -> str | None:
    cursors = collection.gallery.stops(Filter()).cursors
    return cursors[len(cursors) // 2]


def _family(collection: Collection) -> object:
    newest = collection.gallery.page(Filter(category=Category.EDITED), None, 1).items[0]
    return History(collection).family(newest.id).model_dump_json()


def add_one(collection: Collection, number: int) -> None:
    """Save a picture of 256 × 256 px, as the last step of a job."""
    pixels = random.Random(number).randbytes(256 * 256 * 3)
    collection.save_generated(
        job_id=f"new{number}",
        request=GenerationRequest(
            model=MODELS[0], prompt="portrait of a knight", seed=1, width=256, height=256
        ),
        image=ImageReady(0, 1, 256, 256, pixels),
        notices=(),
        provenance=PROVENANCE,
    )


def measure(small: Collection, large: Collection, rounds: int) -> Iterator[Row]:
    """Every call on both, taking turns, after one of each that is not counted."""
    for name, call in calls().items():
        call(small)
        call(large)
        row = Row(name, [], [])
        for _ in range(rounds if not name.endswith("*") else max(3, rounds // 5)):
            row.small.append(timed(call, small))
            row.large.append(timed(call, large))
        yield row
    row = Row("adding a picture", [], [])
    for number in range(rounds):
        row.small.append(timed(lambda c, n=number: add_one(c, n), small))
        row.large.append(timed(lambda c, n=number: add_one(c, n), large))
    yield row


def timed(call: Callable[[Collection], object], collection: Collection) -> Took:
    """One call, measured."""
    clock, processor = time.perf_counter(), time.thread_time()
    call(collection)
    return Took(time.perf_counter() - clock, time.thread_time() - processor)


def memory_mb() -> float:
    """Resident memory of this process."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def grown(collection: Collection, rounds: int) -> str:
    """How memory grows while the calls of a page are made over and over."""
    quick = [call for name, call in calls().items() if not name.endswith("*")]
    for call in quick * 10:
        call(collection)
    before = memory_mb()
    for call in quick * rounds:
        call(collection)
    return json.dumps({"calls": len(quick) * rounds, "before": round(before), "after": round(memory_mb())})


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="likeness-bench-") as folder,
        opened(Path(folder) / "small", asked.small) as small,
        opened(Path(folder) / "large", asked.large) as large,
    ):
        print(f"| milliseconds | {asked.small:,} | {asked.large:,} | ratio | clock, best | clock, median |")
        print("|---|---|---|---|---|---|")
        for row in measure(small, large, asked.rounds):
            print(row.line(), flush=True)
        print(f"\nMemory in MiB: {grown(large, asked.rounds)}")


if __name__ == "__main__":
    main()
