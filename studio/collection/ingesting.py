"""Taking many pictures in: each read once, in any thread; then kept together, files first, rows last.

The slow part (`Taker.prepare`) needs no lock and runs on all cores; `Taker.keep` syncs files and folders
and writes one transaction for all of them, so that the disk is waited for once and not per picture.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pipelines.errors import PictureRefused, StorageFailure
from studio import images
from studio.collection import beside, rows
from studio.collection.metadata import reading
from studio.collection.metadata.reading import Sidecar
from studio.collection.models import ImageRow
from studio.collection.placing import Placing
from studio.collection.rows import StoredFile
from studio.collection.store import ImageStore
from studio.database import Database
from studio.records import Category

_log = logging.getLogger(__name__)
IngestOutcome = Literal["added", "restored", "duplicate"]
"""New here; out of the trash again; here already."""


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """A picture that was read and whose bytes are in the data folder, not yet in their place."""

    temp: Path
    file: StoredFile
    label: str
    notes: tuple[str, ...]
    taken_at: datetime
    thumbnails: Mapping[int, bytes]
    said: dict[str, str]
    beside: Sidecar | None
    led_out: Path | None
    """A link beside it that leads elsewhere and was not read."""


class FolderIngest:
    """Takes files of a folder in. Thread-safe; every method may raise StorageFailure."""

    def __init__(self, store: ImageStore, database: Database, placing: Placing) -> None:
        self._store = store
        self._placing = placing
        self._database = database

    def prepare(self, path: Path, inside: Path | None = None) -> PreparedPicture | None:
        """Read a picture and what lies beside it; None where nothing is left to do: it is here, whole, and no
        text came to lie beside it since.

        `inside`: the folder that is imported; no text outside it is read. The file itself is only read.
        Raises PictureRefused, OSError.
        """
        settings = self._store.settings
        modified = path.stat().st_mtime
        data = _read(path, settings.max_upload_bytes)
        sha256 = images.sha256(data)
        said, led_out = beside.find(path, inside)
        if self._is_here(sha256, len(data)) and (said is None or self._knows(sha256, said)):
            return None
        with images.ingesting(data, settings.max_pixels) as taken:
            found = reading.read(data, said, taken.pixels)
        return PreparedPicture(
            temp=self._store.put_aside(data),
            file=StoredFile.of(taken.facts, sha256, len(data)),
            label=images.display_name(path.name),
            notes=taken.facts.notes,
            taken_at=min(datetime.fromtimestamp(max(modified, 0.0), UTC), datetime.now(UTC)),
            thumbnails=taken.thumbnails,
            said=found.summary,
            beside=said,
            led_out=led_out,
        )

    def keep(self, pictures: Sequence[PreparedPicture]) -> dict[str, IngestOutcome]:
        """Keep them all, durably; what was done with each, by its SHA-256. Copies of one are kept once."""
        different = {one.file.sha256: one for one in pictures}
        self.drop([one for one in pictures if different[one.file.sha256] is not one])
        for one in different.values():
            if one.beside is not None:
                kept = self._knows(one.file.sha256, one.beside)
                self._store.keep_sidecar(one.file.sha256, one.beside.name, one.beside.text, anew=not kept)
        with self._placing.of([one.file.name for one in different.values()]):
            kept = self._place(different)
        for sha256, one in different.items():
            if kept[sha256] == "added":
                self._keep_thumbnails(one)
        return kept

    def _place(self, different: Mapping[str, PreparedPicture]) -> dict[str, IngestOutcome]:
        with self._database.reading() as session:
            known = rows.by_hashes(session, different).keys()
        self._keep_files(one for sha256, one in different.items() if sha256 not in known)
        with self._database.transaction() as session:
            # in here for those that have a row: the trash cannot be emptied between file and row
            self._keep_files(different[sha256] for sha256 in known)
            here = rows.by_hashes(session, different)
            kept: dict[str, IngestOutcome] = {sha256: _kept(here.get(sha256)) for sha256 in different}
            for sha256, row in here.items():
                rows.come_again(session, row, Category.IMPORTED, different[sha256].said)
            new = [one for sha256, one in different.items() if sha256 not in here]
            rows.add_all_loaded(session, [_row(one) for one in new])
        return kept

    def drop(self, pictures: Sequence[PreparedPicture]) -> None:
        """Remove what was set aside for pictures that are not kept."""
        self._store.drop_aside(one.temp for one in pictures)

    def _keep_files(self, pictures: Iterable[PreparedPicture]) -> None:
        self._store.keep_all((one.temp, one.file.sha256, one.file.extension) for one in pictures)

    def _is_here(self, sha256: str, size: int) -> bool:
        """In the collection, out of the trash, and its file whole: one that was cut or changed is mended."""
        with self._database.reading() as session:
            extension = rows.extension_of_shown(session, sha256)
        return extension is not None and self._store.has(sha256, extension, size)

    def _knows(self, sha256: str, said: Sidecar) -> bool:
        """A text that lay beside it is kept, and is none of unreadable letters that can be read by now."""
        kept = self._store.sidecar(sha256)
        return kept is not None and (said.misread or not Sidecar(*kept).misread)

    def _keep_thumbnails(self, one: PreparedPicture) -> None:
        try:
            self._store.keep_thumbnails(one.file.sha256, one.thumbnails)
        except StorageFailure as error:  # they are made again when asked for
            _log.warning("No thumbnail yet of %s: %s", one.file.sha256, error)


def _kept(row: ImageRow | None) -> IngestOutcome:
    """What taking these bytes in does to the row that was there."""
    if row is None or row.purged_at is not None or row.category == Category.CONTROL:
        return "added"
    return "restored" if row.trashed_at is not None else "duplicate"


def _row(one: PreparedPicture) -> ImageRow:
    return rows.loaded(
        one.file, one.label, one.notes, one.taken_at, said=one.said, category=Category.IMPORTED
    )


def _read(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise PictureRefused(f"The file is larger than {max_bytes // 2**20} MB.", field="file")
    return data
