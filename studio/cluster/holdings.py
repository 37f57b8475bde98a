"""Which models a machine has, and whether they are the very same as the studio's. Looks at the disk only."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound
from pipelines.spec import Entry
from studio.cluster.messages import Held, Holding
from studio.models import places

_HEAD = 2**20
"""Bytes of a file that count beside its size: the header of safetensors, which names every tensor."""


def all_of(catalog: Catalog) -> dict[str, Holding]:
    """What of the catalogue is here, by id."""
    ready = (spec for spec in catalog.entries if catalog.availability(spec) == "ready")
    return {spec.id: _holding(spec, catalog) for spec in ready}


def compared(catalog: Catalog, wanted: Mapping[str, Holding]) -> dict[str, Held]:
    """Each of the `wanted` models as it is here."""
    catalog.look_through()
    catalog.pin({model: holding.commits for model, holding in wanted.items()})
    return {model: _compared(catalog, model, holding) for model, holding in wanted.items()}


def _compared(catalog: Catalog, model: str, wanted: Holding) -> Held:
    try:
        spec = catalog.entry(model)
    except NotFound:
        return "absent"
    if catalog.availability(spec) != "ready":
        return "absent"
    return "here" if _holding(spec, catalog) == wanted else "other"


def _holding(spec: Entry, catalog: Catalog) -> Holding:
    folder = catalog.folder(spec)
    files = _hash(folder) if folder is not None else ""
    return Holding(dict(sorted(places.commits(spec, catalog).items())), files)


def _hash(place: Path) -> str:
    """Of the names, sizes and beginnings of a file, or of all weights and settings in a folder."""
    found = hashlib.sha256()
    for name, path in sorted(_files(place)):
        status = path.stat()
        found.update(
            f"{name}\0{status.st_size}\0{_beginning(path, status.st_size, status.st_mtime_ns)}\0".encode()
        )
    return found.hexdigest()


@functools.lru_cache(maxsize=20_000)
def _beginning(path: Path, size: int, changed: int) -> str:
    """Hash of it; read again only where size or date say that the file is another."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(_HEAD)).hexdigest()


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield "", place
        return
    for path in place.rglob("*"):
        if path.suffix in (".safetensors", ".json") and path.is_file():
            yield path.relative_to(place).as_posix(), path
