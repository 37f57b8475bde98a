"""`collection verify` and `collection rebuild`: hold the files against the database, make it anew.

For the command line, while no studio runs on the folder (`rebuild`) or at any time (`verify`). Changes
no image file, ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import PictureRefused, StorageFailure
from studio.collection import queries, recovery, rows
from studio.collection.models import ImageRow, JobRow
from studio.collection.recovery import Found
from studio.collection.store import ImageStore, sha256_of, speaking_of, sync_folder
from studio.database import Database
from studio.settings import Settings

_COMPANIONS = ("", "-wal", "-shm")
"""SQLite's database is up to three files."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` found. Names are paths inside `images/`."""

    checked: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    orphans: tuple[str, ...]
    database: tuple[str, ...]
    """What SQLite finds wrong with its own file."""

    @property
    def healthy(self) -> bool:
        """Every picture is there, unchanged, and known."""
        return not (self.missing or self.changed or self.orphans or self.database)

    def lines(self) -> tuple[str, ...]:
        """To be printed."""
        found = (
            *(f"database: {fault}" for fault in self.database),
            *(f"missing: {name}" for name in self.missing),
            *(f"changed: {name}" for name in self.changed),
            *(f"not in the database: {name}" for name in self.orphans),
        )
        verdict = "all of them are unchanged." if self.healthy else f"{len(found)} faults found."
        return (*found, f"{self.checked} pictures checked: {verdict}", *self._advice())

    def _advice(self) -> tuple[str, ...]:
        advice: list[str] = []
        if self.missing or self.changed:
            advice.append("Bring missing and changed files back from a backup of the data folder.")
        if self.orphans:
            advice.append("Files that are not in the database are taken in when the studio starts.")
        if self.database:
            advice.append("To make the database anew, run: python app.py collection rebuild")
        return tuple(advice)


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What `rebuild` did. `kept`: where the earlier database is now."""

    generated: int
    uploads: int
    unusable: tuple[str, ...]
    kept: Path | None
    marks_lost: str | None
    """Why stars, names, tags, trash and jobs could not be carried over."""

    @property
    def healthy(self) -> bool:
        """Nothing was left out."""
        return not self.unusable and self.marks_lost is None

    def lines(self) -> tuple[str, ...]:
        """To be printed."""
        made = f"The database was made anew: {self.generated} generated pictures, {self.uploads} uploads."
        kept = (f"The earlier one is kept as {self.kept}.",) if self.kept else ()
        lost = (f"Stars, names, tags and jobs are lost: {self.marks_lost}",) if self.marks_lost else ()
        return (*(f"left out: {line}" for line in self.unusable), made, *kept, *lost)


def verify(settings: Settings) -> VerifyReport:
    """Read every file and compare it with its hash. Raises StorageFailure."""
    store = ImageStore(settings)
    stored = {f"{sha256}.{extension}" for sha256, extension in store.files()}
    if not settings.database.exists():
        return VerifyReport(0, (), (), tuple(sorted(stored)), ())
    with closing(Database(settings.database)) as database, database.reading() as session:
        faults = tuple(
            f for f in session.connection().exec_driver_sql("PRAGMA quick_check").scalars() if f != "ok"
        )
        wanted = list(session.execute(select(ImageRow.sha256, ImageRow.extension).order_by(ImageRow.number)))
    names = {f"{sha256}.{extension}" for sha256, extension in wanted}
    present = [pair for pair in wanted if f"{pair.sha256}.{pair.extension}" in stored]
    changed = [
        f"{sha256}.{extension}" for sha256, extension in present if not _is_whole(store, sha256, extension)
    ]
    return VerifyReport(
        checked=len(wanted),
        missing=tuple(sorted(names - stored)),
        changed=tuple(changed),
        orphans=tuple(sorted(stored - names)),
        database=faults,
    )


def rebuild(settings: Settings) -> RebuildReport:
    """Make the database anew from the files; the earlier one is kept beside it.

    Carries over what files do not say (stars, names, tags, the trash, jobs) where the earlier database
    can still be read. Raises StorageFailure.
    """
    store = ImageStore(settings)
    fresh = settings.database.with_name("likeness.db.rebuilding")
    _remove(fresh)
    found, unusable = _read_all(store)
    with closing(Database(fresh)) as database:
        generated = _add_all(database, found)
        marks_lost = _carry_over(settings.database, database)
    kept = _swap(settings.database, fresh)
    return RebuildReport(generated, len(found) - generated, unusable, kept, marks_lost)


def _is_whole(store: ImageStore, sha256: str, extension: str) -> bool:
    path = store.path(sha256, extension)
    with speaking_of(path.parent):
        return sha256_of(path) == sha256


def _read_all(store: ImageStore) -> tuple[list[Found], tuple[str, ...]]:
    """All files, parents before what was made from them."""
    found: list[Found] = []
    unusable: list[str] = []
    for sha256, extension in store.files():
        try:
            found.append(recovery.read_file(store, sha256, extension))
        except PictureRefused as error:
            unusable.append(f"{store.path(sha256, extension)}: {error.detail}")
    long_ago = datetime.min.replace(tzinfo=UTC)
    found.sort(key=lambda f: (f.likeness.created_at if f.likeness else long_ago, f.stored_at))
    return found, tuple(sorted(unusable))


def _add_all(database: Database, found: Sequence[Found]) -> int:
    """Returns how many of them were generated."""
    with database.transaction() as session:
        return sum(recovery.add(session, one).job_id is not None for one in found)


def _carry_over(old: Path, database: Database) -> str | None:
    """Copy marks and jobs from the earlier database; the reason where that is not possible."""
    if not old.exists():
        return None
    copy = old.with_name("likeness.db.reading")
    try:
        with speaking_of(old.parent):
            _copy_database(old, copy)
        with closing(Database(copy)) as earlier:
            _copy_rows(earlier, database)
    except (StorageFailure, SQLAlchemyError, ValueError) as error:
        return getattr(error, "detail", None) or "the earlier database cannot be read."
    finally:
        _remove(copy)
    return None


def _copy_rows(earlier: Database, database: Database) -> None:
    with earlier.reading() as before, database.transaction() as after:
        for known in before.scalars(select(ImageRow)):
            row = rows.by_hash(after, known.sha256)
            if row is not None:
                _copy_marks(known, row)
                rows.set_tags(after, row, [tag.tag for tag in known.tags])
                queries.index(after, row)
        for job in before.scalars(select(JobRow)):
            columns = inspect(JobRow).column_attrs.keys()
            after.add(JobRow(**{name: getattr(job, name) for name in columns}))


def _copy_marks(known: ImageRow, row: ImageRow) -> None:
    for name in ("label", "name", "category", "created_at", "starred", "trashed_at"):
        setattr(row, name, getattr(known, name))


def _copy_database(source: Path, target: Path) -> None:
    for companion in _COMPANIONS[:2]:  # the shared-memory file is made anew
        part = source.with_name(source.name + companion)
        if part.exists():
            target.with_name(target.name + companion).write_bytes(part.read_bytes())


def _remove(path: Path) -> None:
    with speaking_of(path.parent):
        for companion in _COMPANIONS:
            path.with_name(path.name + companion).unlink(missing_ok=True)


def _swap(database: Path, fresh: Path) -> Path | None:
    """Put the new database in the place of the old one, which stays under another name."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    kept = database.with_name(f"{database.name}.{stamp}.before-rebuild")
    existed = database.exists()
    with speaking_of(database.parent):
        for companion in reversed(_COMPANIONS):
            part = database.with_name(database.name + companion)
            if part.exists():
                part.rename(kept.with_name(kept.name + companion))
        fresh.rename(database)
        sync_folder(database.parent)
    return kept if existed else None
