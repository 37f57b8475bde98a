"""Files without a row get one: what a crash between file and row left behind is adopted.

Generated pictures describe themselves, so their rows come back whole; others come back as uploads.
Uses the store and rows; knows nothing of queue and page.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import PictureRefused
from studio import images
from studio.collection import rows
from studio.collection.metadata.likeness import Likeness
from studio.collection.metadata.png import read_likeness
from studio.collection.models import ImageRow
from studio.collection.rows import StoredFile
from studio.collection.store import ImageStore, sha256_of, speaking_of
from studio.database import Database

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


def reconcile(store: ImageStore, database: Database) -> Reconciled:
    """Adopt files without rows and remove half-written ones. Before anything else is stored or queued.

    Compares names only, so it is quick; files that have rows are not read.
    """
    leftovers = store.clear_incoming()
    with database.reading() as session:
        known = set(session.scalars(select(ImageRow.sha256)))
    adopted: list[str] = []
    unusable: list[str] = []
    for sha256, extension in sorted(name for name in store.files() if name[0] not in known):
        try:
            adopted.append(_adopt(store, database, sha256, extension))
        except PictureRefused as error:
            unusable.append(f"{store.path(sha256, extension)}: {error.detail}")
    _report(adopted, leftovers, unusable)
    return Reconciled(tuple(adopted), leftovers, tuple(unusable))


def read_file(store: ImageStore, sha256: str, extension: str) -> Found:
    """Read a stored file back. Raises PictureRefused where it is not what its name says."""
    path = store.path(sha256, extension)
    with speaking_of(path.parent):
        if sha256_of(path) != sha256:
            raise PictureRefused("The file does not match its name: it was changed or is damaged.")
        taken = images.read_picture(path)
        status = path.stat()
    if taken.extension != extension:
        raise PictureRefused(f"The file is not named by its format, which is {taken.extension}.")
    return Found(
        file=StoredFile.of(taken, sha256, status.st_size),
        likeness=_own_likeness(path, taken.pixel_sha256) if extension == "png" else None,
        notes=taken.notes,
        stored_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def add(session: Session, found: Found) -> ImageRow:
    """A row for a file that was found: generated where it says so and its place is free, else an upload."""
    said = found.likeness
    if said is not None and rows.of_job(session, said.job_id, said.batch_index) is None:
        return rows.add_generated(session, found.file, said)
    return rows.add_upload(session, found.file, LOST_NAME, found.notes, found.stored_at)


def _adopt(store: ImageStore, database: Database, sha256: str, extension: str) -> str:
    found = read_file(store, sha256, extension)
    said = found.likeness
    with database.transaction() as session:
        if said is not None and rows.of_job(session, said.job_id, said.batch_index) is not None:
            raise PictureRefused("The job already has its picture of this number.")
        return add(session, found).id


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
