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
from studio import durable, images
from studio.collection import catching_up, numbering, rows
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
_KNOWN_FILES = "known-files.json.*.new"
"""Half of what `pipelines.disk.known_files` writes: the catalogue, long made when this looks."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a start found and put right. `unusable`: files left alone, each with the reason."""

    adopted: tuple[str, ...]
    leftovers: int
    unusable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecoveredFile:
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
    it is quick; files that have rows are not read. A database that knows less than the journals is brought up
    to them, a journal that knows less than the database (or is not there) gets what it lacks.
    """
    leftovers = store.clear_incoming() + _clear_unfinished(database)
    behind = catching_up.behind(database, journal, characters)
    if behind is None:
        _settle(
            database, journal, characters
        )  # first: only the last lines can be void, and adoptions add some
        adopted, unusable = _adopt_all(store, database, journal)
    else:
        with numbering.held(database, behind.last):
            adopted, unusable = _adopt_all(store, database, journal)
            catching_up.catch_up(database, store, journal, characters, behind)
    _report(adopted, leftovers, unusable)
    return Reconciled(tuple(adopted), leftovers, tuple(unusable))


def _settle(database: Database, journal: Journal, characters: CharacterJournal) -> None:
    """Let the journals say what the database says, where a crash or a damaged file parted them."""
    with database.reading() as session:
        known = numbering.last_committed(session)
    last = max(journal.last_number(), characters.last_number())
    if known == 0:
        catching_up.add_missing(database, characters)
    if last < known or not journal.exists():
        journal.complete(database)
        characters.complete(database)
    else:
        journal.settle(database)
        characters.settle(database)


def _adopt_all(store: ImageStore, database: Database, journal: Journal) -> tuple[list[str], list[str]]:
    """Ids of the pictures that got a row, and the files left alone."""
    with database.reading() as session:
        known = set(session.scalars(select(ImageRow.sha256)))
    orphans = sorted(name for name in store.files() if name[0] not in known)
    states = journal.states() if orphans else {}
    adopted: list[str] = []
    unusable: list[str] = []
    for sha256, extension in orphans:
        try:
            adopted.append(_adopt(store, database, sha256, extension, states))
        except PictureRefused as error:
            unusable.append(f"{store.path(sha256, extension)}: {error.detail}")
    return adopted, unusable


def _clear_unfinished(database: Database) -> int:
    """Remove what interrupted writes beside the database left: none of it was ever anything's only place."""
    folder, name = database.path.parent, database.path.name
    left = [
        path
        for pattern in (f"{name}.*.unfinished*", f"{name}.rebuilding*", f"{name}.reading*", _KNOWN_FILES)
        for path in folder.glob(pattern)
    ]
    with speaking_of(folder):
        for path in left:
            durable.delete(path)
        return len(left) + durable.clear_unfinished(folder)


def read_file(store: ImageStore, sha256: str, extension: str) -> RecoveredFile:
    """Read a stored file back. Raises PictureRefused where it is not what its name says."""
    path = store.path(sha256, extension)
    try:
        data = path.read_bytes()
        stored_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:  # of this one file: it is no reason to read no other
        raise PictureRefused(f"The file cannot be read: {error.strerror or error}.") from error
    if images.sha256(data) != sha256:
        raise PictureRefused("The file does not match its name: it was changed or is damaged.")
    with images.ingesting(data) as taken:
        if taken.facts.extension != extension:
            raise PictureRefused(f"The file is not named by its format, which is {taken.facts.extension}.")
        file = StoredFile.of(taken.facts, sha256, len(data))
        likeness = _own_likeness(path, file.pixel_sha256) if extension == "png" else None
        control = read_mark(path) if extension == "png" and likeness is None else None
        return RecoveredFile(
            file=file,
            likeness=likeness,
            notes=taken.facts.notes,
            stored_at=stored_at,
            said={} if likeness or control else _said(store, sha256, data, taken.pixels),
            control=control,
            sheet=sheet_chunk.read_mark(path) if extension == "png" and likeness is None else None,
        )


def add(session: Session, found: RecoveredFile, state: PictureState | None) -> ImageRow:
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
            "The last run ended abruptly, or the database was lost: "
            "%d pictures adopted, %d unfinished files removed",
            len(adopted),
            leftovers,
        )
    for line in unusable:
        _log.warning("Left alone: %s", line)
