"""The verbs of exchange: what a file says, clean copies, exports, imports.

Puts the collection's files and the catalogue together; the way in calls these through the service.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound, PictureRefused
from studio import images
from studio.collection import lineage, queries
from studio.collection.collection import Collection
from studio.collection.history import rights_lines
from studio.collection.metadata import reading
from studio.collection.metadata.foreign import ForeignMetadata
from studio.collection.metadata.reading import Findings, Sidecar
from studio.collection.models import ParentRow
from studio.exchange import exporting, reuse
from studio.exchange.clean import clean_copy
from studio.exchange.importing import Importer
from studio.exchange.records import ExportWish, ImageMetadata, NamedValue
from studio.exchange.remembered import FindingsCache
from studio.records import ImageRecord

_GONE = "The file of this picture is missing or damaged."


class Exchange:
    """Pictures in and out of one collection. Thread-safe."""

    def __init__(self, collection: Collection, catalog: Catalog) -> None:
        self._collection = collection
        self._catalog = catalog
        self.imports = Importer(collection)
        self._remembered = FindingsCache()

    def metadata(self, image_id: str) -> ImageMetadata:
        """What the file and its sidecar say, and what of it can be used again. Raises NotFound."""
        path, record = self._collection.file(image_id)
        beside = self._collection.store.sidecar(record.sha256)
        found = self._remembered.of(*_reading(path, record.sha256, Sidecar(*beside) if beside else None))
        settings, unmapped = self._mapped(record, found.metadata)
        return ImageMetadata(
            tool=found.metadata.tool if found.metadata else None,
            settings=settings,
            unmapped=unmapped,
            raw=tuple(NamedValue(name=name, value=value) for name, value in found.raw),
            sidecar=beside[0] if beside else None,
            notes=found.faults,
        )

    def clean(self, image_id: str) -> tuple[bytes, str, ImageRecord]:
        """(bytes, mime, record) without any metadata. Raises NotFound."""
        path, record = self._collection.file(image_id)
        try:
            return *clean_copy(path.read_bytes(), record.mime), record
        except (PictureRefused, OSError) as error:
            raise NotFound(_GONE) from error

    def export(self, wish: ExportWish) -> Iterator[bytes]:
        """A zip in parts. Raises NotFound for an unknown branch, before the first part."""
        ids = wish.ids if wish.branch_of is None else self._branch(wish.branch_of)
        return exporting.zipped(
            tuple(dict.fromkeys(ids)),
            wish,
            file_of=self._collection.file,
            record_of=self._collection.get,
            rights_of=self._rights_lines,
        )

    # --- inside -----------------------------------------------------------------------------

    def _mapped(
        self, record: ImageRecord, said: ForeignMetadata | None
    ) -> tuple[dict[str, Any], tuple[NamedValue, ...]]:
        if record.request is not None:  # made here: the row knows all of it
            return reuse.of_own(record), ()
        return ({}, ()) if said is None else reuse.of_foreign(said, self._catalog)

    def _branch(self, image_id: str) -> tuple[str, ...]:
        """All the picture came from, oldest first, then itself and all that came of it."""
        with self._collection.database.reading() as session:
            queries.row(session, image_id)

            def near(statement: Callable[[str], Select[Any]]) -> list[str]:
                return _walk(image_id, lambda one: session.scalars(statement(one)).all())

            before = near(lambda one: select(ParentRow.parent_id).where(ParentRow.child_id == one))
            after = near(lambda one: select(ParentRow.child_id).where(ParentRow.parent_id == one))
        return (*reversed(before[1:]), *after)

    def _rights_lines(self, image_id: str) -> Sequence[str]:
        """Inherited from what it was made from."""
        with self._collection.database.reading() as session:
            return tuple(rights_lines(lineage.ancestors(session, image_id)))


def _walk(begin: str, near: Callable[[str], Sequence[str | None]]) -> list[str]:
    """Breadth first, each once."""
    seen, waiting = {begin: None}, deque([begin])
    while waiting:
        for one in near(waiting.popleft()):
            if one is not None and one not in seen:
                seen[one] = None
                waiting.append(one)
    return list(seen)


def _reading(path: Path, sha256: str, beside: Sidecar | None) -> tuple[Hashable, Callable[[], Findings]]:
    """What tells this content from others, and how it is read. Raises NotFound."""
    try:
        status = path.stat()
    except OSError as error:
        raise NotFound(_GONE) from error
    said_beside = beside and (beside.name, hash(beside.text))
    return (sha256, status.st_size, status.st_mtime_ns, said_beside), lambda: _read(path, beside)


def _read(path: Path, beside: Sidecar | None) -> Findings:
    """Looks into the pixels only where nothing else says anything."""
    try:
        data = path.read_bytes()
        found = reading.read(data, beside)
        if found.metadata:
            return found
        with images.ingesting(data) as taken:
            return reading.read(data, beside, taken.pixels)
    except (PictureRefused, OSError) as error:
        raise NotFound(_GONE) from error
