"""`python -m benchmarks.characters`: what a cast of 1,000 characters with 50 versions each costs.

Makes two studios, one of 1,000 × 50 and one of 1,000 × 1, whose rows are as real ones but whose files are not
there, and takes turns between them: each call is the REST call without the network. The ratio says what fifty
times the versions cost; processor time is shown beside the clock's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic_core import to_json
from sqlalchemy import insert

from pipelines.catalog.catalog import load_catalog
from pipelines.request import GenerationRequest
from studio.collection.character_models import CharacterImageRow, CharacterRow, VersionRow
from studio.collection.collection import Collection
from studio.collection.models import ImageRow
from studio.database import Database
from studio.jobs import JobQueue
from studio.service import StudioService
from studio.settings import Settings

_START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Studio:
    """One of the two."""

    service: StudioService
    character_id: str
    version_id: str


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of one call by the clock and of the processor."""

    clock: float
    processor: float


def fill(database: Database, characters: int, versions: int) -> None:
    """Rows of so many characters, each with so many made pictures."""
    request = GenerationRequest(
        prompt="a sailor with red hair", model="portrait-mini", seed=1, width=48, height=64
    )
    said = request.model_dump(mode="json")
    with database.transaction() as session:
        for place in range(characters):
            character, pictures = f"c{place:05d}", [_image(place, n, said) for n in range(versions)]
            rows = [_version(character, n, picture["id"]) for n, picture in enumerate(pictures)]
            session.execute(insert(ImageRow), pictures)
            session.execute(insert(CharacterRow), [_character(character, place, rows[-1]["id"], versions)])
            session.execute(insert(VersionRow), rows)
            links = [{"character_id": character, "image_id": picture["id"]} for picture in pictures]
            session.execute(insert(CharacterImageRow), links)


def _image(place: int, number: int, request: dict[str, Any]) -> dict[str, Any]:
    key, sha256 = place * 1000 + number, uuid.uuid4().hex * 2
    when = _START + timedelta(seconds=key)
    return {
        "number": int(when.timestamp() * 1_000_000),
        "id": sha256[:32],
        "sha256": sha256,
        "pixel_sha256": sha256,
        "extension": "png",
        "mime": "image/png",
        "size_bytes": 90_000,
        "width": 48,
        "height": 64,
        "plain": True,
        "category": "generated",
        "label": "Portrait Mini",
        "model": "portrait-mini",
        "created_at": when,
        "starred": False,
        "job_id": f"j{key}",
        "batch_index": 0,
        "seed": key,
        "request": {**request, "seed": key},
        "notes": [],
        "provenance": {},
        "mode": "text_to_image",
        "has_references": False,
        "depth": 0,
        "sort_name": "portrait mini",
        "anchor": False,
    }


def _character(character: str, place: int, current: str, versions: int) -> dict[str, Any]:
    return {
        "id": character,
        "name": f"Character {place}",
        "position": place * 1024,
        "description": "a sailor with red hair, wearing a green coat, " * 4,
        "current_version_id": current,
        "versions_made": versions,
        "created_at": _START,
        "updated_at": _START,
    }


def _version(character: str, number: int, image_id: str) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "character_id": character,
        "number": number + 1,
        "image_id": image_id,
        "held_image_id": image_id,
        "state": "kept",
        "source": "generated",
        "created_at": _START,
    }


def open_studio(folder: Path, characters: int, versions: int) -> tuple[Database, Studio]:
    """Filled, and opened as a start does."""
    settings = Settings(data_dir=folder)
    database = Database(settings.database)
    fill(database, characters, versions)
    catalog = load_catalog(settings.models)
    collection = Collection(settings, database, catalog)
    service = StudioService(catalog, collection, JobQueue(database))
    character_id = f"c{characters // 2:05d}"
    return database, Studio(
        service, character_id, service.characters.versions.list(character_id).items[-1].id
    )


CALLS: dict[str, Callable[[Studio], Any]] = {
    "list of the cast": lambda s: s.service.characters.list(),
    "search in the cast": lambda s: s.service.characters.list(query="sailor 77"),
    "one character": lambda s: s.service.characters.get(s.character_id),
    "its versions": lambda s: s.service.characters.versions.list(s.character_id),
    "use a version": lambda s: s.service.characters.versions.use(s.character_id, s.version_id),
    "its pictures, a page": lambda s: s.service.images(character=s.character_id),
}


def took(call: Callable[[Studio], Any], studio: Studio) -> Took:
    """One call, and its answer as JSON."""
    clock, processor = time.perf_counter(), time.process_time()
    answer = call(studio)
    to_json(answer)
    return Took((time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000)


def run(characters: int, versions: int, turns: int, folder: Path) -> str:
    """The table, as Markdown."""
    few, small = open_studio(folder / "few", characters, 1)
    many, large = open_studio(folder / "many", characters, versions)
    head = f"| {characters:,} characters | × 1, ms | × {versions}, ms | ratio | best by the clock | median |"
    lines = [head, "|---|---|---|---|---|---|"]
    with closing(few), closing(many):
        for name, call in CALLS.items():
            pairs = [(took(call, small), took(call, large)) for _ in range(turns)]
            one, fifty = (statistics.median(pair[n].processor for pair in pairs) for n in (0, 1))
            clock = [pair[1].clock for pair in pairs]
            figures = (one, fifty, fifty / max(one, 0.01), min(clock), statistics.median(clock))
            lines.append(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=50)
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="likeness-benchmark-") as name:
        print(run(arguments.characters, arguments.versions, arguments.turns, Path(name)))


if __name__ == "__main__":
    main()
