"""How far one import has come: counted while it runs, and written down so that it can go on.

imports/<id>.jsonl   the folder, then what was done with each file, part by part, and every end
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pipelines.disk.json_files import is_list
from studio import durable, jsonlines
from studio.exchange.folders import FoundFile
from studio.exchange.records import ImportProblem, ImportProgress, ImportStatus

_MAX_PROBLEMS = 1000
OutcomeKind = Literal["added", "restored", "duplicate", "failed"]
_KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind)


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What was done with one file."""

    file: FoundFile
    kind: OutcomeKind
    problem: str | None = None


class ImportLog:
    """One import. Thread-safe: one thread imports, others ask. Methods that write may raise OSError."""

    def __init__(self, path: Path, folder: str, started_at: datetime) -> None:
        self.id = path.stem
        self.folder = folder
        self._path = path
        self._lock = threading.Lock()
        self._started_at = started_at
        self._finished_at: datetime | None = None
        self._status: ImportStatus = "interrupted"
        self._found = 0
        self._counts: dict[OutcomeKind, int] = dict.fromkeys(_KINDS, 0)
        self._problems: list[ImportProblem] = []
        self._done: dict[str, tuple[int, int]] = {}
        self._begun = time.monotonic()
        self._done_before = 0

    @classmethod
    def new(cls, directory: Path, import_id: str, folder: Path) -> ImportLog:
        """A log for an import that has not begun."""
        durable.make_folder(directory)
        log = cls(directory / f"{import_id}.jsonl", str(folder), datetime.now(UTC))
        jsonlines.append(log._path, [{"folder": log.folder, "started_at": log._started_at.isoformat()}])
        return log

    @classmethod
    def all(cls, directory: Path) -> Iterator[ImportLog]:
        """Those of earlier runs; one that did not end is interrupted."""
        for path in sorted(directory.glob("*.jsonl")):
            lines = jsonlines.read(path)
            nothing: dict[str, Any] = {}
            log = cls._of(path, next(lines, nothing))
            if log is not None:
                for line in lines:
                    log._remember(line)
                yield log

    @classmethod
    def _of(cls, path: Path, first: dict[str, Any]) -> ImportLog | None:
        try:
            return cls(path, str(first["folder"]), datetime.fromisoformat(first["started_at"]))
        except (LookupError, ValueError, TypeError):
            return None

    def can_go_on(self, folder: Path) -> bool:
        """It is of this folder and did not come to its end."""
        return self.folder == str(folder) and self._status in ("interrupted", "cancelled", "failed")

    def runs(self) -> bool:
        """It has begun and not ended."""
        return self._status in ("scanning", "running")

    def has_done(self, file: FoundFile) -> bool:
        """The file was dealt with and has not changed since."""
        return self._done.get(str(file.path)) == (file.modified_ns, file.size)

    def begin(self) -> None:
        """It runs, for the first time or again; troubles are looked for anew."""
        with self._lock:
            self._status, self._finished_at, self._problems = "scanning", None, []
            self._begun, self._done_before = time.monotonic(), sum(self._counts.values())

    def found(self, count: int) -> None:
        """So many picture files, up to now."""
        self._found = count

    def scanned(self) -> None:
        """All files are known."""
        with self._lock:
            self._status = "running"

    def trouble(self, path: Path, reason: str) -> None:
        """Something beside the pictures could not be looked into."""
        with self._lock:
            self._add_problem(str(path), reason)

    def did(self, outcomes: Sequence[FileOutcome]) -> None:
        """Write down what was done."""
        line = {"done": [_written(outcome) for outcome in outcomes]}
        jsonlines.append(self._path, [line])
        with self._lock:
            self._remember(line)

    def end(self, status: str, reason: str) -> None:
        """It has come to an end, of whatever kind."""
        with self._lock:
            if reason:
                self._add_problem(self.folder, reason)
            self._remember({"ended": status, "at": datetime.now(UTC).isoformat()})
        if status != "interrupted":
            try:
                jsonlines.append(self._path, [{"ended": status, "at": datetime.now(UTC).isoformat()}])
            except OSError:  # a full disk, mostly: then it is interrupted at the next start, and can go on
                return

    def progress(self) -> ImportProgress:
        """How it stands now."""
        with self._lock:
            done = sum(self._counts.values())
            speed = self._speed(done)
            left = max(0, self._found - done)
            return ImportProgress(
                id=self.id,
                folder=shown(self.folder),
                status=self._status,
                found=max(self._found, done),
                done=done,
                added=self._counts["added"],
                restored=self._counts["restored"],
                duplicates=self._counts["duplicate"],
                failed=self._counts["failed"],
                problems=tuple(self._problems),
                started_at=self._started_at,
                finished_at=self._finished_at,
                per_second=speed,
                eta_seconds=left / speed if speed and self._status == "running" else None,
            )

    def _speed(self, done: int) -> float | None:
        seconds = time.monotonic() - self._begun
        done_now = done - self._done_before
        return round(done_now / seconds, 1) if self._status == "running" and done_now and seconds else None

    def _remember(self, line: dict[str, Any]) -> None:
        done = line.get("done")
        for entry in done if is_list(done) else ():
            self._remember_file(entry)
        if isinstance(twins := line.get("twins"), int):  # earlier versions: added that were there already
            self._counts["added"] -= twins
            self._counts["duplicate"] += twins
        if line.get("ended") in get_args(ImportStatus):
            self._status = line["ended"]
            self._finished_at = datetime.fromisoformat(line["at"])
        if self._status == "done":
            self._done.clear()  # nobody goes on with it

    def _remember_file(self, entry: Any) -> None:
        try:
            path, modified_ns, size, kind, problem = entry
            again = path in self._done  # it had changed since
            self._done[path] = (modified_ns, size)
            self._counts[kind] += 0 if again else 1
        except (TypeError, ValueError, KeyError):  # a damaged line: the file is dealt with once more
            return
        if problem is not None:
            self._add_problem(path, str(problem))

    def _add_problem(self, path: str, reason: str) -> None:
        if len(self._problems) < _MAX_PROBLEMS:
            self._problems.append(ImportProblem(path=shown(path), reason=reason))


def shown(path: str) -> str:
    """A path as text: what in a name is none, being in another encoding than the system's, as `�`."""
    return "".join("�" if "\ud800" <= c <= "\udfff" else c for c in path)


def imported_files(directory: Path) -> Iterator[Path]:
    """The files that were imported from, as far as they are still there."""
    for path in sorted(directory.glob("*.jsonl")):
        for line in jsonlines.read(path):
            done = line.get("done")
            names = [entry[0] for entry in done if entry] if is_list(done) else []
            yield from (Path(name) for name in names if isinstance(name, str) and Path(name).is_file())


def _written(outcome: FileOutcome) -> list[Any]:
    file = outcome.file
    return [str(file.path), file.modified_ns, file.size, outcome.kind, outcome.problem]
