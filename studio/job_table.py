"""The jobs of this process in memory: what runs, what waits and in which order, what has ended.

Plain bookkeeping without locks, rows and words; `jobs` holds the lock and writes each change down first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from studio.job_times import Progress
from studio.records import JobRecord, JobStatus

SHOWN_FINISHED = 30
MOST_OVERTAKEN = 8
"""Jobs of the loaded model that may go before one of another model, before it is its turn."""


@dataclass(slots=True, eq=False)
class Job:
    """A job in memory; `record` is what the others see."""

    record: JobRecord
    progress: Progress
    preview: bytes | None = None
    control_image: bytes | None = None
    memory_mb: int | None = None
    begun: bool = False
    """Its row says that it runs, since the disk did not take that it waits again."""
    fresh: bool = True
    """No picture of it was saved by an earlier try: its timings can be learnt from."""
    overtaken: int = 0

    @property
    def id(self) -> str:
        """The record's."""
        return self.record.id

    def update(self, **values: Any) -> None:
        """Replace the record by one with these values."""
        self.record = self.record.model_copy(update=values)

    def wait_again(self) -> None:
        """Forget what the try showed that was given up."""
        self.preview = None
        self.update(status=JobStatus.QUEUED, phase=None, step=0, total_steps=0, eta_seconds=None, preview=0)
        self.update(tile=0, tiles=0)
        self.update(started_at=None, finished_at=None, error=None, cancel_requested=False, timings={})


class JobTable:
    """`queued` is in the order in which jobs run, `finished` newest first."""

    def __init__(self, queued: Iterable[Job], finished: Iterable[Job]) -> None:
        self.running: Job | None = None
        self.queued = list(queued)
        self.finished = deque(finished, maxlen=SHOWN_FINISHED)
        self._last_model: str | None = None

    def find(self, job_id: str) -> Job | None:
        """Among all that are here."""
        running = (self.running,) if self.running else ()
        return _with_id((*running, *self.queued, *self.finished), job_id)

    def waiting(self, job_id: str) -> Job | None:
        """Among those that wait."""
        return _with_id(self.queued, job_id)

    def next(self, loaded_first: bool) -> Job:
        """Who runs next, where somebody waits; with `loaded_first` one of the last model may overtake."""
        first = self.queued[0]
        if not loaded_first or first.overtaken >= MOST_OVERTAKEN:
            return first
        return next((job for job in self.queued if job.record.request.model == self._last_model), first)

    def begin(self, job: Job) -> None:
        """It runs now; whoever it overtook remembers that."""
        for other in self.queued[: self.queued.index(job)]:
            other.overtaken += 1
        self.queued.remove(job)
        self.running, self._last_model = job, job.record.request.model
        job.begun = False

    def give_back(self, job: Job) -> None:
        """The running job waits again, as the next one."""
        job.wait_again()
        self.running = None
        self.queued.insert(0, job)

    def end(self, job: Job) -> None:
        """It has ended, however."""
        if job is self.running:
            self.running = None
        else:
            self.queued.remove(job)
        self.finished.appendleft(job)

    def forget(self, job_id: str) -> None:
        """It is no longer one that has ended."""
        ended = self.find(job_id)
        if ended in self.finished:
            self.finished.remove(ended)

    def order(self, job_ids: Sequence[str]) -> None:
        """Let jobs wait in the order of these ids, which are all of theirs."""
        place = {job_id: index for index, job_id in enumerate(job_ids)}
        self.queued.sort(key=lambda job: place[job.id])

    def moved(self, job_id: str, before: str | None, *, back: bool = False) -> list[str]:
        """The ids that wait, with this one put before another (None: before all; `back`: after all)."""
        ids = [job.id for job in self.queued if job.id != job_id]
        index = len(ids) if back else 0 if before is None else ids.index(before)
        return [*ids[:index], job_id, *ids[index:]]


def _with_id(jobs: Iterable[Job], job_id: str) -> Job | None:
    return next((job for job in jobs if job.id == job_id), None)
