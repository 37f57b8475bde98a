"""Downloads as the studio sees them: one at a time, each a process, told of in numbers.

Starts, follows and ends the download process; remembers what is unfinished over a restart. Knows nothing
of the hub's protocol or of what an order contains.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, cast

from pipelines.errors import Conflict, NotFound, StorageFailure
from studio.engine.process import WorkerProcess
from studio.models import fetch
from studio.models.ledger import Decisions, Ledger, Unfinished
from studio.models.messages import (
    Fetched,
    FetchFailed,
    FetchOrder,
    FilesListed,
    FromFetch,
    Progressed,
    Verifying,
)
from studio.models.records import Download, DownloadProblem, DownloadStatus, FileProgress

log = logging.getLogger(__name__)

_SPEED_SECONDS = 10.0
"""Speed is measured over the last so many seconds."""
_REMEMBER_SECONDS = 10.0
_LOST = FetchFailed("lost", "The download ended unexpectedly. Download again; it goes on where it stopped.")


class FetchProcess(Protocol):
    """A running download."""

    def messages(self) -> Iterator[FromFetch]:
        """What it says, ending with its death."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    def wait_and_close(self) -> object:
        """Wait for its end and free everything."""
        ...


def launch(order: FetchOrder) -> FetchProcess:
    """Start the real process."""
    return cast(FetchProcess, WorkerProcess(fetch.main, (order,)))


@dataclass
class _ActiveDownload:
    """A download since it was asked for."""

    model: str
    order: FetchOrder
    status: DownloadStatus = "queued"
    files: list[FileProgress] = field(default_factory=list[FileProgress])
    commits: dict[str, str] = field(default_factory=dict[str, str])
    error: DownloadProblem | None = None
    process: FetchProcess | None = None
    cancelled: bool = False
    pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=200))
    remembered: float = 0.0

    @property
    def done(self) -> int:
        return sum(file.done for file in self.files)

    @property
    def total(self) -> int:
        return sum(file.size for file in self.files)

    def speed(self) -> float | None:
        """Bytes per second over the last seconds; None where it cannot be told."""
        recent = [point for point in self.pace if point[0] >= time.monotonic() - _SPEED_SECONDS]
        if self.status != "downloading" or len(recent) < 2 or recent[-1][0] - recent[0][0] < 0.5:
            return None
        return max(0.0, (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0]))

    def record(self) -> Download:
        speed = self.speed()
        return Download(
            model=self.model,
            status=self.status,
            done_bytes=self.done,
            total_bytes=self.total,
            bytes_per_second=speed,
            seconds_left=(self.total - self.done) / speed if speed else None,
            files=tuple(self.files),
            error=self.error,
            newest=self.order.newest,
        )


class Downloads:
    """All downloads of this studio. Thread-safe. `on_change` is called after each change of state."""

    def __init__(
        self,
        ledger: Ledger,
        on_change: Callable[[], None],
        launch: Callable[[FetchOrder], FetchProcess] = launch,
    ) -> None:
        self._ledger = ledger
        self._on_change = on_change
        self._launch = launch
        self._lock = threading.RLock()
        self._turn = threading.Lock()
        self._runs: dict[str, _ActiveDownload] = {}
        self._stopping = False

    def start(self, model: str, order: FetchOrder) -> Download:
        """Fetch what `order` says, after the downloads before it. Raises Conflict where it is on its way."""
        with self._lock:
            if self.is_active(model):
                raise Conflict(f"{order.label} is being downloaded already.")
            run = self._runs[model] = _ActiveDownload(model, order)
            threading.Thread(target=self._carry_out, args=(run,), name="download", daemon=True).start()
        self._on_change()
        return run.record()

    def cancel(self, model: str) -> Download:
        """End a download; what has come stays for the next time. Raises NotFound where there is none."""
        with self._lock:
            run = self._runs.get(model)
            if run is None or not run.record().is_active:
                raise NotFound("This model is not being downloaded.")
            run.cancelled = True
            if run.process is not None:
                run.process.kill()
            else:
                run.status = "cancelled"
        self._on_change()
        return run.record()

    def forget(self, model: str) -> None:
        """Drop what is known of an ended download. Raises StorageFailure."""
        with self._lock:
            self._runs.pop(model, None)
        self._ledger.change(lambda decisions: _drop(decisions, model))

    def is_active(self, model: str) -> bool:
        """Waiting or running."""
        with self._lock:
            return model in self._runs and self._runs[model].record().is_active

    def of(self, model: str) -> Download | None:
        """The download as it is now; one of an earlier start of the studio counts as interrupted."""
        with self._lock:
            if model in self._runs:
                return self._runs[model].record()
        left = self._ledger.read().unfinished.get(model)
        if left is None:
            return None
        return Download(
            model=model, status="interrupted", done_bytes=left.done_bytes, total_bytes=left.total_bytes
        )

    def stop(self) -> None:
        """End every download; they can be taken up after the next start."""
        with self._lock:
            self._stopping = True
            for run in self._runs.values():
                if run.process is not None:
                    run.process.kill()

    # --- one download -------------------------------------------------------------------------

    def _carry_out(self, run: _ActiveDownload) -> None:
        with self._turn:
            with self._lock:
                if run.cancelled or self._stopping:
                    return
                run.status = "checking"
                run.process = self._launch(run.order)
            self._on_change()
            last = self._follow(run, run.process)
            run.process.wait_and_close()
        with self._lock:
            run.process = None
            self._conclude(run, last)
            # Written before anyone can see the end: who looks at a finished download, or starts the studio
            # anew, finds the same.
            with contextlib.suppress(StorageFailure):  # only the offer to go on after a restart is lost
                self._remember(run)
            self._on_change()

    def _follow(self, run: _ActiveDownload, process: FetchProcess) -> FromFetch:
        last: FromFetch = _LOST
        for message in process.messages():
            last = message
            with self._lock:
                _apply(run, message)
            if run.status == "downloading" and time.monotonic() - run.remembered > _REMEMBER_SECONDS:
                run.remembered = time.monotonic()
                with contextlib.suppress(StorageFailure):
                    self._remember(run)
            self._on_change()
        return last if isinstance(last, Fetched | FetchFailed) else _LOST

    def _conclude(self, run: _ActiveDownload, last: FromFetch) -> None:
        if isinstance(last, Fetched):
            run.status = "done"
        elif run.cancelled or self._stopping:
            run.status = "cancelled" if run.cancelled else "interrupted"
        else:
            assert isinstance(last, FetchFailed)
            run.status = "failed"
            run.error = DownloadProblem(code=last.code, message=last.detail, link=last.link)

    def _remember(self, run: _ActiveDownload) -> None:
        left = Unfinished(done_bytes=run.done, total_bytes=run.total)

        def change(decisions: Decisions) -> None:
            if run.status == "done" or not run.total:
                _drop(decisions, run.model)
            elif not run.order.newest:  # else the version before is whole, and nothing is lacking
                decisions.unfinished[run.model] = left
            if run.status == "done" or not run.order.newest:
                decisions.hold(run.model, run.commits)

        self._ledger.change(change)


def _apply(run: _ActiveDownload, message: FromFetch) -> None:
    match message:
        case FilesListed(planned, commits):
            run.commits = dict(commits)
            run.files = [FileProgress(name=each.name, size=each.size, done=each.done) for each in planned]
            run.status = "downloading"
        case Progressed(index, done):
            run.files[index] = run.files[index].model_copy(update={"done": done})
            run.status = "downloading"
            run.pace.append((time.monotonic(), run.done))
        case Verifying():
            run.status = "verifying"
        case _:
            return


def _drop(decisions: Decisions, model: str) -> None:
    decisions.unfinished.pop(model, None)
