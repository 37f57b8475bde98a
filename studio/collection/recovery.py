"""Files without a row get one: what a crash between file and row left behind is adopted.

Generated pictures describe themselves, so their rows come back whole; others come back as uploads.
Uses the store and rows; knows nothing of queue and page.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import PictureRefused
from studio import images
from studio.collection import rows
from studio.collection.character_journal import CharacterJournal
from studio.collection.journal import Journal, PictureState
from studio.collection.metadata import reading
from studio.collection.metadata import sheet as sheet_chunk
from studio.collection.metadata.control import ControlMark, read_mark
from studio.collection.metadata.likeness import Likeness
from studio.collection.metadata.png import read_likeness
from studio.collection.metadata.reading import Sidecar
from studio.collection.metadata.sheet import SheetMark
from studio.collection.models import ImageRow
from studio.collection.rows import StoredFile
from studio.collection.store import ImageStore, speaking_of
from studio.database import Database
from studio.records import Category

LOST_NAME = "Upload"
"""Label of an upload whose file name is not known any more."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a start found and put right. `unusable`: files left alone, each with the reason."""

    adopted: tuple[str, ...]
    leftovers: int
    unusable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A stored file, read and understood; `likeness` only where it speaks of these very pixels."""

    file: StoredFile
    likeness: Likeness | None
    notes: tuple[str, ...]
    stored_at: datetime
    said: Mapping[str, str]
    """What another tool says in it of its making, for the row."""
    control: ControlMark | None = None
    """It is a control image."""
    sheet: SheetMark | None = None
    """It is a character sheet."""

    @property
    def label(self) -> str:
        """What a picture that was not generated is called when nothing else is known of it."""
        mark = self.control or self.sheet
        return mark.label if mark else LOST_NAME

    @property
    def category(self) -> Category:
        """What such a picture is."""
        if self.control is not None:
            return Category.CONTROL
        return Category.SHEET if self.sheet is not None else Category.UPLOAD


def reconcile(
    store: ImageStore, database: Database, journal: Journal, characters: CharacterJournal
) -> Reconciled:
    """Adopt files without rows and remove half-written ones. Before anything else is stored or queued.

    The journals must follow the database already: what is adopted is written down. Compares names only, so
    it is quick; files that have rows are not read. A journal that is not there (the collection is older
    than journals are) is begun.
    """
    leftovers = store.clear_incoming()
    with database.reading() as session:
        known = set(session.scalars(select(ImageRow.sha256)))
    if known and not journal.exists():
        journal.write_anew(database)
    orphans = sorted(name for name in store.files() if name[0] not in known)
    # First: only the last lines can say too much, and each adoption adds some.
    journal.settle(database, coming={sha256 for sha256, _ in orphans})
    characters.settle(database)
    states = journal.states() if orphans else {}
    adopted: list[str] = []
    unusable: list[str] = []
    for sha256, extension in orphans:
        try:
            adopted.append(_adopt(store, database, sha256, extension, states))
        except PictureRefused as error:
            unusable.append(f"{store.path(sha256, extension)}: {error.detail}")
    _report(adopted, leftovers, unusable)
    return Reconciled(tuple(adopted), leftovers, tuple(unusable))


def read_file(store: ImageStore, sha256: str, extension: str) -> Found:
    """Read a stored file back. Raises PictureRefused where it is not what its name says."""
    path = store.path(sha256, extension)
    with speaking_of(path.parent):
        data = path.read_bytes()
        status = path.stat()
    if images.sha256(data) != sha256:
        raise PictureRefused("The file does not match its name: it was changed or is damaged.")
    taken = images.take_in(data)
    if taken.ingested.extension != extension:
        raise PictureRefused(f"The file is not named by its format, which is {taken.ingested.extension}.")
    likeness = _own_likeness(path, taken.ingested.pixel_sha256) if extension == "png" else None
    control = read_mark(path) if extension == "png" and likeness is None else None
    sheet = sheet_chunk.read_mark(path) if extension == "png" and likeness is None else None
    return Found(
        file=StoredFile.of(taken.ingested, sha256, status.st_size),
        likeness=likeness,
        notes=taken.ingested.notes,
        stored_at=datetime.fromtimestamp(status.st_mtime, UTC),
        said={} if likeness or control else _said(store, sha256, data, taken.pixels),
        control=control,
        sheet=sheet,
    )


def add(session: Session, found: Found, state: PictureState | None) -> ImageRow:
    """A row for a file that was found: generated where it says so and its place is free, else an upload.

    `state`: what the journal says of it.
    """
    said = found.likeness
    imported = state is not None and state.category not in (None, Category.GENERATED, Category.EDITED)
    if said is not None and not imported and rows.of_job(session, said.job_id, said.batch_index) is None:
        row = rows.add_generated(session, found.file, said)
    else:
        loaded = rows.loaded(
            found.file, found.label, found.notes, found.stored_at, said=found.said, category=found.category
        )
        row = rows.add_loaded(session, loaded, found.sheet.parents if found.sheet else ())
    if state is not None:
        state.apply(session, row)
    return row


def _adopt(
    store: ImageStore, database: Database, sha256: str, extension: str, states: Mapping[str, PictureState]
) -> str:
    found = read_file(store, sha256, extension)
    said, state = found.likeness, states.get(sha256)
    with database.transaction() as session:
        taken = said is not None and rows.of_job(session, said.job_id, said.batch_index) is not None
        if taken and state is None:
            raise PictureRefused("The job already has its picture of this number.")
        return add(session, found, state).id


def _said(store: ImageStore, sha256: str, data: bytes, pixels: Image.Image) -> Mapping[str, str]:
    beside = store.sidecar(sha256)
    return reading.read(data, Sidecar(*beside) if beside else None, pixels).summary


def _own_likeness(path: Path, pixel_sha256: str) -> Likeness | None:
    """None also where the pixels were changed by another program that kept the text."""
    likeness = read_likeness(path)
    return likeness if likeness is not None and likeness.pixel_sha256 == pixel_sha256 else None


def _report(adopted: list[str], leftovers: int, unusable: list[str]) -> None:
    if adopted or leftovers:
        _log.warning(
            "The last run ended abruptly: %d pictures adopted, %d unfinished files removed",
            len(adopted),
            leftovers,
        )
    for line in unusable:
        _log.warning("Left alone: %s", line)
