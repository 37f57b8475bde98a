"""Importing folders: one at a time, in a thread of its own, pictures read on all cores.

What is done is written down after every part, so that an import that was cancelled or killed goes on where
it stopped. The folder's own files are only read. Knows no pages; scripts and pages ask for the progress.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import Conflict, LikenessError, NotFound, PictureRefused, RequestError
from studio.collection.collection import Collection
from studio.collection.ingesting import FolderIngest, IngestOutcome, PreparedPicture
from studio.collection.store import speaking_of
from studio.exchange.folders import FolderProblem, FoundFile, scan
from studio.exchange.import_log import FileOutcome, ImportLog
from studio.exchange.records import ImportProgress

_PART = 64
"""Pictures that are kept together."""
_AHEAD = 64
"""Pictures that are read, or wait to be, while others are kept: so that no thread waits for the disk."""
_MAX_THREADS = 8
_LED_OUT = "This is a link out of the folder. What it points at was not read."
_log = logging.getLogger(__name__)


class Importer:
    """All imports of one data folder. Thread-safe."""

    def __init__(self, collection: Collection) -> None:
        self._ingest = FolderIngest(collection.store, collection.database, collection.placing)
        self._settings = collection.store.settings
        self._lock = threading.Lock()
        self._logs = {log.id: log for log in ImportLog.all(self._settings.imports_dir)}
        self._running: _ImportThread | None = None

    def start(self, folder: Path) -> ImportProgress:
        """Begin, or go on with an import of this folder that did not end.

        Raises RequestError for a folder that cannot be imported, Conflict while another import runs,
        StorageFailure where it cannot be written down.
        """
        resolved = self._checked(folder)
        with self._lock:
            if self._running is not None:
                if self._running.is_alive() and self._running.log.runs():
                    raise Conflict("Another folder is being imported. Wait for it, or cancel it first.")
                self._running.join()  # its end is told a moment before
            unfinished = (log for log in self._logs.values() if log.can_go_on(resolved))
            log = next(unfinished, None) or self._new_log(resolved)
            self._logs[log.id] = log
            log.begin()
            self._running = _ImportThread(self._ingest, log, self._settings.data_dir)
            self._running.start()
        return log.progress()

    def get(self, import_id: str) -> ImportProgress:
        """How it stands. Raises NotFound."""
        return self._log(import_id).progress()

    def list(self) -> tuple[ImportProgress, ...]:
        """All imports, newest first."""
        return tuple(sorted((log.progress() for log in self._logs.values()), key=_when, reverse=True))

    def cancel(self, import_id: str) -> ImportProgress:
        """Ask a running import to end; what was imported stays. Raises NotFound."""
        log = self._log(import_id)
        with self._lock:
            if self._running is not None and self._running.log is log:
                self._running.cancel()
        return log.progress()

    def resume(self, import_id: str) -> ImportProgress:
        """Go on with an import. Raises NotFound, Conflict, RequestError."""
        return self.start(Path(self._log(import_id).folder))

    def wait(self, seconds: float | None = None) -> None:
        """Until the running import has ended, or so many seconds have passed."""
        if self._running is not None:
            self._running.join(seconds)

    def stop(self) -> None:
        """End a running import as if interrupted; it can go on later."""
        if self._running is not None:
            self._running.interrupt()
            self._running.join()

    def _new_log(self, folder: Path) -> ImportLog:
        with speaking_of(self._settings.data_dir):
            return ImportLog.new(self._settings.imports_dir, uuid.uuid4().hex, folder)

    def _log(self, import_id: str) -> ImportLog:
        try:
            return self._logs[import_id]
        except KeyError:
            raise NotFound("There is no such import.") from None

    def _checked(self, folder: Path) -> Path:
        path = folder.expanduser()
        try:
            resolved = path.resolve()
            usable = path.is_absolute() and resolved.is_dir()
        except (OSError, ValueError, RuntimeError):
            usable, resolved = False, path
        if not usable:
            raise RequestError("There is no such folder. Give the whole path of one.", field="folder")
        if resolved.is_relative_to(self._settings.data_dir.resolve()):
            raise RequestError("This is the studio's own data folder. Choose another.", field="folder")
        return resolved


def _when(progress: ImportProgress) -> float:
    return progress.started_at.timestamp()


@dataclass(slots=True)
class _Read:
    """What came of reading one file."""

    file: FoundFile
    prepared: PreparedPicture | None = None
    problem: str | None = None


class _ImportThread(threading.Thread):
    """One go at an import."""

    def __init__(self, ingest: FolderIngest, log: ImportLog, data_dir: Path) -> None:
        super().__init__(name="import", daemon=True)
        self.log = log
        self._ingest = ingest
        self._data_dir = data_dir
        self._stopping = threading.Event()
        self._end = "interrupted"
        self._part: list[_Read] = []

    def cancel(self) -> None:
        """End soon, as cancelled."""
        self._end = "cancelled"
        self._stopping.set()

    def interrupt(self) -> None:
        """End soon, to go on later."""
        self._stopping.set()

    def run(self) -> None:
        """Import; every end is written down."""
        end, reason = "failed", "The import ended unexpectedly. Start it again to go on."
        try:
            self._count()
            self._import()
            end, reason = (self._end if self._stopping.is_set() else "done"), ""
        except LikenessError as error:
            reason = error.detail
        except OSError as error:
            reason = error.strerror or str(error)
        finally:
            self._drop()
            self.log.end(end, reason)

    def _count(self) -> None:
        """How many files there are, and what cannot be looked into. Remembers none: folders can be large."""
        count = 0
        for found in self._scanned():
            if isinstance(found, FolderProblem):
                self.log.trouble(found.path, found.reason)
            else:
                count += 1
                self.log.found(count)
        self.log.scanned()

    def _import(self) -> None:
        threads = min(os.cpu_count() or 1, _MAX_THREADS)
        waiting: deque[Future[_Read]] = deque()
        with ThreadPoolExecutor(threads, thread_name_prefix="import") as pool:
            try:
                for file in self._scanned():
                    if isinstance(file, FolderProblem) or self.log.has_done(file):
                        continue
                    waiting.append(pool.submit(self._read, file))
                    if len(waiting) >= _AHEAD:
                        self._collect(waiting.popleft())
                while waiting:
                    future = waiting.popleft()
                    if not (self._stopping.is_set() and future.cancel()):
                        self._collect(future)
                self._keep()
            finally:
                for future in waiting:
                    if not future.cancel() and (read := _result(future)) is not None:
                        self._part.append(read)

    def _scanned(self) -> Iterator[FoundFile | FolderProblem]:
        for found in scan(Path(self.log.folder), self._data_dir):
            if self._stopping.is_set():
                return
            yield found

    def _read(self, file: FoundFile) -> _Read:
        """In a thread of the pool. Raises StorageFailure."""
        try:
            return _Read(file, prepared=self._ingest.prepare(file.path, Path(self.log.folder)))
        except PictureRefused as error:
            return _Read(file, problem=error.detail)
        except OSError as error:
            return _Read(file, problem=error.strerror or "The file cannot be read.")

    def _collect(self, future: Future[_Read]) -> None:
        self._part.append(future.result())
        if len(self._part) >= _PART:
            self._keep()

    def _keep(self) -> None:
        part = self._part
        prepared = [read.prepared for read in part if read.prepared is not None]
        kept = self._ingest.keep(prepared) if prepared else {}
        self.log.did([_outcome(read, kept) for read in part])
        for read in part:
            self._tell_of_texts(read)
        self._part = []

    def _tell_of_texts(self, read: _Read) -> None:
        """What of the texts beside a picture could not be read."""
        if (one := read.prepared) is None:
            return
        if one.led_out is not None:
            self.log.trouble(one.led_out, _LED_OUT)
        if one.beside is not None and one.beside.fault:
            self.log.trouble(read.file.path.with_name(one.beside.name), one.beside.fault)

    def _drop(self) -> None:
        """Nothing that was set aside stays behind."""
        try:
            self._ingest.drop([read.prepared for read in self._part if read.prepared is not None])
        except LikenessError as error:
            _log.warning("Files set aside could not be removed: %s", error)


def _outcome(read: _Read, kept: dict[str, IngestOutcome]) -> FileOutcome:
    """What came of one file. Takes it out of `kept`: further copies of one picture were there already."""
    if read.problem is not None:
        return FileOutcome(read.file, "failed", read.problem)
    kind = "duplicate" if read.prepared is None else kept.pop(read.prepared.file.sha256, "duplicate")
    return FileOutcome(read.file, kind)


def _result(future: Future[_Read]) -> _Read | None:
    """What a thread that could not be stopped any more came to."""
    return None if future.exception() is not None else future.result()
