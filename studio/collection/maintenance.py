"""`collection verify` and `collection rebuild`: hold the files against the database, make it anew.

For the command line: `verify` at any time, but for mending and for `rebuild` no studio may run on the folder.
A picture's file is only ever written to where it is missing or damaged and the very same bytes are at hand.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

from pipelines.errors import PictureRefused, StorageFailure
from studio import copies, durable, images
from studio.collection import catching_up, character_journal, character_links, numbering, recovery
from studio.collection.catching_up import EVERYTHING
from studio.collection.character_journal import CharacterJournal, Rows
from studio.collection.journal import Journal, PictureState
from studio.collection.models import ImageRow, JobRow, ReproductionRow
from studio.collection.recovery import RecoveredFile
from studio.collection.store import ImageStore, speaking_of
from studio.collection.wholeness import sha256_of
from studio.database import Database
from studio.settings import PROGRAM, Settings

_BLOCK = 2**20
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
    journal: tuple[str, ...] = ()
    """Pictures and characters of which the journals do not say what the database says."""
    mended: tuple[str, ...] = ()
    """What was wrong and is put right, in words."""

    @property
    def healthy(self) -> bool:
        """Every picture is there, unchanged, and known."""
        return not (self.missing or self.changed or self.orphans or self.database or self.journal)

    def lines(self) -> tuple[str, ...]:
        """To be printed."""
        found = (
            *(f"database: {fault}" for fault in self.database),
            *(f"missing: {name}" for name in self.missing),
            *(f"changed: {name}" for name in self.changed),
            *(f"not in the database: {name}" for name in self.orphans),
            *(f"not as the database says in the journal: {name}" for name in self.journal),
        )
        verdict = "all of them are unchanged." if self.healthy else f"{len(found)} faults found."
        mended = (f"mended: {line}" for line in self.mended)
        return (*mended, *found, f"{self.checked} pictures checked: {verdict}", *self._advice())

    def _advice(self) -> tuple[str, ...]:
        advice: list[str] = []
        if self.missing or self.changed:
            advice.append("Bring missing and changed files back from a backup of the data folder.")
        if self.orphans:
            advice.append("Files that are not in the database are taken in when the studio starts.")
        if not self.healthy:
            advice.append(f"To mend what can be mended, run: {PROGRAM} collection verify --mend")
        if self.database:
            advice.append(f"To make the database anew, run: {PROGRAM} collection rebuild")
        return tuple(advice)


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What `rebuild` did. `kept`: where the earlier database is now."""

    generated: int
    uploads: int
    unusable: tuple[str, ...]
    kept: Path | None
    marks_lost: str | None
    """Why stars, names, tags, trash and rights could not be carried over."""
    jobs_lost: str | None
    """Why the queue and its history could not be carried over."""

    @property
    def healthy(self) -> bool:
        """Nothing was left out."""
        return not self.unusable and self.marks_lost is None and self.jobs_lost is None

    def lines(self) -> tuple[str, ...]:
        """To be printed."""
        made = f"The database was made anew: {self.generated} generated pictures, {self.uploads} uploads."
        kept = (f"The earlier one is kept as {self.kept}.",) if self.kept else ()
        marks = (f"Stars, names, tags and rights are lost: {self.marks_lost}",) if self.marks_lost else ()
        jobs = (f"Jobs are lost: {self.jobs_lost}",) if self.jobs_lost else ()
        return (*(f"left out: {line}" for line in self.unusable), made, *kept, *marks, *jobs)


def verify(settings: Settings) -> VerifyReport:
    """Read every file and compare it with its hash. Raises StorageFailure."""
    store = ImageStore(settings)
    stored = {f"{sha256}.{extension}" for sha256, extension in store.files()}
    if not settings.database.exists():
        Journal(settings.journal).states()  # as the start will read them
        unknown = tuple(sorted(" ".join(key) for key in CharacterJournal(settings.character_journal).rows()))
        return VerifyReport(0, (), (), tuple(sorted(stored)), (), unknown)
    with closing(Database(settings.database)) as database:
        with database.reading() as session:
            checks = session.connection().exec_driver_sql("PRAGMA quick_check").scalars()
            faults = tuple(fault for fault in checks if fault != "ok")
            pairs = session.execute(select(ImageRow.sha256, ImageRow.extension).order_by(ImageRow.number))
            wanted = [(sha256, extension) for sha256, extension in pairs]
        journal = Journal(settings.journal)
        differing = journal.disagrees(database) if journal.exists() else ()
        differing += CharacterJournal(settings.character_journal).disagrees(database)
    present = [pair for pair in wanted if ".".join(pair) in stored]
    return VerifyReport(
        checked=len(wanted),
        missing=tuple(sorted({".".join(pair) for pair in wanted} - stored)),
        changed=tuple(".".join(pair) for pair in present if not _is_whole(store, *pair)),
        orphans=tuple(sorted(stored - {".".join(pair) for pair in wanted})),
        database=faults,
        journal=differing,
    )


def mend(settings: Settings, report: VerifyReport, originals: Iterable[Path]) -> VerifyReport:
    """Put right what can be put right, and look again. No studio may run on the folder.

    Files come back from `originals`, where one has the very same bytes; unknown files are taken in, what
    writes left behind is removed, the journal follows the database. Raises StorageFailure.
    """
    store = ImageStore(settings)
    mended = [f"{name} came back from {path}" for name, path in _bring_back(store, report, originals)]
    if not report.database:
        journal, characters = Journal(settings.journal), CharacterJournal(settings.character_journal)
        with closing(Database(settings.database)) as database:
            journal.follow(database)
            characters.follow(database)
            done = recovery.reconcile(store, database, journal, characters)
            if report.journal:
                _keep_journals(settings, "before-mend")
                journal.complete(database)
                characters.complete(database)
                _prune_copies(settings)
        mended += [f"{name} is in the database now" for name in done.adopted]
        mended += [f"{done.leftovers} unfinished files were removed"] if done.leftovers else []
        mended += [f"the journal says what the database says of {name}" for name in report.journal]
    return replace(verify(settings), mended=tuple(mended))


def rebuild(settings: Settings) -> RebuildReport:
    """Make the database anew from the files and the journals; the earlier database and journals are kept.

    What the earlier database says of pictures and characters goes before what the journals say, where it can
    still be read and the journals say nothing later; jobs come from it alone. Raises StorageFailure.
    """
    store, journal = ImageStore(settings), Journal(settings.journal)
    fresh = settings.database.with_name("likeness.db.rebuilding")
    _remove(fresh)
    earlier = _read_earlier(settings.database)
    characters = CharacterJournal(settings.character_journal)
    last = max(earlier.number, journal.last_number(), characters.last_number())
    states = _all_states(journal, earlier)
    found, unusable = _read_all(store, states)
    with closing(Database(fresh)) as database:
        generated = _add_all(database, found, states)
        _add_rows(database, earlier)
        _add_characters(database, _all_characters(characters, earlier), last)
    marks_known = earlier.problem is None or journal.exists()
    kept = _swap(settings.database, fresh)
    _keep_journals(settings, "before-rebuild")
    with closing(Database(settings.database)) as database:
        journal.write_anew(database)
        characters.write_anew(database)
    _prune_copies(settings)
    return RebuildReport(
        generated=generated,
        uploads=len(found) - generated,
        unusable=unusable,
        kept=kept,
        marks_lost=None if marks_known else earlier.problem,
        jobs_lost=earlier.problem,
    )


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What the earlier database says; `problem` where it cannot be read."""

    states: dict[str, PictureState]
    rows: tuple[JobRow | ReproductionRow, ...]
    characters: Rows = field(default_factory=Rows)
    number: int = 0
    """Of the newest transaction it knows."""
    since: int = EVERYTHING
    """What journals say of later transactions goes before what it says."""
    problem: str | None = None


def _is_whole(store: ImageStore, sha256: str, extension: str) -> bool:
    try:
        return sha256_of(store.path(sha256, extension)) == sha256
    except OSError:  # gone meanwhile, or on a part of the disk that cannot be read any more
        return False


def _bring_back(
    store: ImageStore, report: VerifyReport, originals: Iterable[Path]
) -> Iterator[tuple[str, Path]]:
    wanted = dict(name.split(".", 1) for name in (*report.missing, *report.changed))
    for path in originals if wanted else ():
        try:
            data = path.read_bytes()
        except OSError:  # moved or changed since: then it is no help
            continue
        extension = wanted.pop(sha256 := images.sha256(data), None)
        if extension is not None:
            store.put(data, extension)
            yield f"{sha256}.{extension}", path


def _read_all(
    store: ImageStore, states: Mapping[str, PictureState]
) -> tuple[list[RecoveredFile], tuple[str, ...]]:
    """All files, parents before what was made from them."""

    def read(name: tuple[str, str]) -> RecoveredFile | str:
        try:
            return recovery.read_file(store, *name)
        except PictureRefused as error:
            return f"{store.path(*name)}: {error.detail}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read_all = list(pool.map(read, store.files()))
    found = [one for one in read_all if isinstance(one, RecoveredFile)]
    found.sort(key=lambda one: _made_at(one, states))
    return found, tuple(sorted(one for one in read_all if isinstance(one, str)))


def _made_at(found: RecoveredFile, states: Mapping[str, PictureState]) -> tuple[datetime, datetime]:
    state = states.get(found.file.sha256)
    said = state.created_at if state is not None else None
    if said is None:
        said = found.likeness.created_at if found.likeness else datetime.min.replace(tzinfo=UTC)
    return said, found.stored_at


def _add_all(database: Database, found: Sequence[RecoveredFile], states: Mapping[str, PictureState]) -> int:
    """Returns how many of them were generated."""
    with database.transaction() as session:
        rows = (recovery.add(session, one, states.get(one.file.sha256)) for one in found)
        return sum(row.job_id is not None for row in rows)


def _read_earlier(old: Path) -> _Earlier:
    """From a copy, which may be of an earlier schema: opening it would change it."""
    if not old.exists():
        return _Earlier({}, ())
    copy = old.with_name("likeness.db.reading")
    try:
        with speaking_of(old.parent):
            _copy_database(old, copy)
        with closing(Database(copy)) as earlier, earlier.reading() as session:
            now = datetime.now(UTC)
            states = {row.sha256: PictureState.of(row, now) for row in session.scalars(select(ImageRow))}
            rows = (*session.scalars(select(JobRow)), *session.scalars(select(ReproductionRow)))
            number = numbering.last_committed(session)
            since = EVERYTHING if number == 0 and catching_up.is_empty(session) else number
            return _Earlier(states, rows, character_journal.rows_of(session), number, since)
    except (StorageFailure, SQLAlchemyError, ValueError) as error:
        problem = getattr(error, "detail", None) or "the earlier database cannot be read."
        return _Earlier({}, (), problem=problem)
    finally:
        _remove(copy)


def _add_rows(database: Database, earlier: _Earlier) -> None:
    with database.transaction() as session:
        known = set(session.scalars(select(ImageRow.id)))
        for row in earlier.rows:
            if isinstance(row, JobRow) or row.image_id in known:
                columns = inspect(type(row)).column_attrs.keys()
                session.add(type(row)(**{name: getattr(row, name) for name in columns}))


def _all_states(journal: Journal, earlier: _Earlier) -> dict[str, PictureState]:
    later = journal.changes(earlier.since)
    known = {sha256: state for sha256, state in earlier.states.items() if sha256 not in later}
    return {**journal.states(), **known}


def _all_characters(journal: CharacterJournal, earlier: _Earlier) -> Rows:
    """A database whose transactions were never numbered may have been made anew beside the journal."""
    never_numbered = journal.rows() if earlier.number == 0 else {}
    return catching_up.merged(never_numbered | earlier.characters, journal.changes(earlier.since))


def _add_characters(database: Database, found: Rows, number: int) -> None:
    with database.transaction() as session:
        character_journal.restore(session, found)
        character_links.link_all(session)
        numbering.caught_up(session, number)


def _keep_journals(settings: Settings, why: str) -> None:
    """Copies as they are now, beside them."""
    stamp = copies.stamp()
    with speaking_of(settings.data_dir):
        for path in (settings.journal, settings.character_journal):
            if path.exists():
                with path.open("rb") as file:
                    parts = iter(lambda: file.read(_BLOCK), b"")
                    durable.write_whole(path.with_name(f"{path.name}.{stamp}.{why}"), parts)


def _prune_copies(settings: Settings) -> None:
    with speaking_of(settings.data_dir):
        copies.prune(settings.data_dir)


def _copy_database(source: Path, target: Path) -> None:
    for companion in _COMPANIONS[:2]:  # the shared-memory file is made anew
        part = source.with_name(source.name + companion)
        if part.exists():
            copy = target.with_name(target.name + companion)
            durable.ensure(copy)
            copy.write_bytes(part.read_bytes())


def _remove(path: Path) -> None:
    with speaking_of(path.parent):
        for companion in _COMPANIONS:
            durable.delete(path.with_name(path.name + companion))


def _swap(database: Path, fresh: Path) -> Path | None:
    """Put the new database in the place of the old one, which stays under another name."""
    stamp = copies.stamp()
    kept = database.with_name(f"{database.name}.{stamp}.before-rebuild")
    existed = database.exists()
    with speaking_of(database.parent):
        for companion in reversed(_COMPANIONS):
            part = database.with_name(database.name + companion)
            if part.exists():
                durable.replace(part, kept.with_name(kept.name + companion))
        durable.replace(fresh, database)
        durable.sync_folder(database.parent)
    return kept if existed else None
