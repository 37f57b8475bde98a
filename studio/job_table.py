"""The jobs of this process in memory: what runs, what waits and in which order, what has ended.

Plain bookkeeping without locks, rows and words; `jobs` holds the lock and writes each change down first.
What a hundred thousand jobs wait for costs no more than what ten wait for: they stand in one line for each
model, and only the first of a line is looked at.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from studio.job_times import Progress
from studio.records import JobRecord, JobStatus

SHOWN_FINISHED = 30
MOST_OVERTAKEN = 8
"""Jobs of a loaded model that may go before one of another model, before it is its turn."""


class Choice(NamedTuple):
    """Which worker would make a job, and whether it has the job's model in memory."""

    worker: str
    loaded: bool = False


Choose = Callable[[str | None, str | None], Choice | None]
"""The worker for a job of this model, given which one it was lost with; None: none is free for it."""


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
    rank: int = 0
    """Among those that wait: the smallest is the first."""
    lost_with: str | None = None
    """The worker that died with it in hand."""

    @property
    def id(self) -> str:
        """The record's."""
        return self.record.id

    @property
    def model(self) -> str | None:
        """What it is made with."""
        return self.record.request.model

    def update(self, **values: Any) -> None:
        """Replace the record by one with these values."""
        self.record = self.record.model_copy(update=values)

    def wait_again(self) -> None:
        """Forget what the try showed that was given up."""
        self.preview = None
        self.update(status=JobStatus.QUEUED, phase=None, step=0, total_steps=0, eta_seconds=None, preview=0)
        self.update(tile=0, tiles=0, worker="")
        self.update(started_at=None, finished_at=None, error=None, cancel_requested=False, timings={})


_Line = OrderedDict[str, Job]


class JobTable:
    """`finished` is newest first."""

    def __init__(self, queued: Iterable[Job], finished: Iterable[Job]) -> None:
        self.running: dict[str, Job] = {}
        self.finished = deque(finished, maxlen=SHOWN_FINISHED)
        self._queued: _Line = OrderedDict()
        self._lines: dict[str | None, _Line] = {}
        self._last = 0
        self.append(queued)

    @property
    def queued(self) -> Iterator[Job]:
        """Those that wait, in the order in which they were asked for."""
        return iter(self._queued.values())

    @property
    def waiting_count(self) -> int:
        """How many wait."""
        return len(self._queued)

    def append(self, jobs: Iterable[Job]) -> None:
        """They wait, as the last."""
        for job in jobs:
            self._last += 1
            job.rank = self._last
            self._queued[job.id] = job
            self._lines.setdefault(job.model, OrderedDict())[job.id] = job

    def find(self, job_id: str) -> Job | None:
        """Among all that are here."""
        found = self.running.get(job_id) or self._queued.get(job_id)
        return found or next((job for job in self.finished if job.id == job_id), None)

    def waiting(self, job_id: str) -> Job | None:
        """Among those that wait."""
        return self._queued.get(job_id)

    def next(self, choose: Choose, loaded_first: bool) -> tuple[Job, Choice] | None:
        """Who runs next and where; with `loaded_first` one whose model is loaded may overtake."""
        able = sorted(self._able(choose), key=lambda found: found[0].rank)
        if not able:
            return None
        first = able[0]
        if not loaded_first or first[0].overtaken >= MOST_OVERTAKEN:
            return first
        found = next((each for each in able if each[1].loaded), first)
        for job, _ in able[: able.index(found)]:
            job.overtaken += 1
        return found

    def begin(self, job: Job) -> None:
        """It runs now."""
        self._leave(job)
        self.running[job.id] = job
        job.begun = False

    def give_back(self, job: Job) -> None:
        """A running job waits again, as the next one."""
        job.wait_again()
        del self.running[job.id]
        first = next(self.queued, None)
        job.rank = first.rank - 1 if first else self._last
        line = self._lines.setdefault(job.model, OrderedDict())
        for each in (self._queued, line):
            each[job.id] = job
            each.move_to_end(job.id, last=False)

    def end(self, job: Job) -> None:
        """It has ended, however."""
        if self.running.pop(job.id, None) is None:
            self._leave(job)
        self.finished.appendleft(job)

    def forget(self, job_id: str) -> None:
        """It is no longer one that has ended."""
        ended = self.find(job_id)
        if ended in self.finished:
            self.finished.remove(ended)

    def order(self, job_ids: Sequence[str]) -> None:
        """Let jobs wait in the order of these ids, which are all of theirs."""
        place = {job_id: index for index, job_id in enumerate(job_ids)}
        jobs = sorted(self.queued, key=lambda job: place[job.id])
        self._queued.clear()
        self._lines.clear()
        self.append(jobs)

    def moved(self, job_id: str, before: str | None, *, back: bool = False) -> list[str]:
        """The ids that wait, with this one put before another (None: before all; `back`: after all)."""
        ids = [job.id for job in self.queued if job.id != job_id]
        index = len(ids) if back else 0 if before is None else ids.index(before)
        return [*ids[:index], job_id, *ids[index:]]

    def everything(self) -> Iterator[Job]:
        """What runs, what waits, what has ended."""
        return chain(self.running.values(), self.queued, self.finished)

    def _able(self, choose: Choose) -> Iterator[tuple[Job, Choice]]:
        """Of each line the first job for which a worker is free.

        One that avoids the worker it was lost with does not keep back those behind it.
        """
        for line in self._lines.values():
            for job in line.values():
                choice = choose(job.model, job.lost_with)
                if choice is not None:
                    yield job, choice
                if choice is not None or job.lost_with is None:
                    break

    def _leave(self, job: Job) -> None:
        del self._queued[job.id]
        line = self._lines[job.model]
        del line[job.id]
        if not line:
            del self._lines[job.model]
