"""What an artist does to a queue that waits: pause, move, retry, clear and take back, repeat.

Each verb writes the rows first, then changes what is in memory, under the queue's own lock. Raises
StorageFailure where the disk refuses, and then nothing has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Literal

from pipelines.errors import Conflict, NotFound
from studio.job_store import JobStore
from studio.job_table import Job, JobTable
from studio.records import JobRecord, JobStatus, QueueSwitches

_AGAIN = (JobStatus.FAILED, JobStatus.CANCELLED)


class Steering:
    """Made by the queue, which lends its lock, its jobs and its way to tell of a change."""

    def __init__(
        self,
        lock: threading.Condition,
        table: JobTable,
        store: JobStore,
        job: Callable[[JobRecord], Job],
        touch: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._table = table
        self._store = store
        self._job = job
        self._touch = touch
        self.switches = store.switches()

    def switch(self, *, paused: bool | None = None, loaded_first: bool | None = None) -> QueueSwitches:
        """Pause or go on; let jobs of the loaded model go first or not. None: as it is."""
        wanted = {"paused": paused, "loaded_first": loaded_first}
        with self._lock:
            now = self.switches.model_copy(update={k: v for k, v in wanted.items() if v is not None})
            if now != self.switches:
                self._store.switch(now)
                self.switches = now
                self._touch()
            return now

    def move(
        self, job_id: str, to: Literal["front", "back"] | None = None, before: str | None = None
    ) -> None:
        """Let a waiting job run first or last of all that wait, or before another. Raises Conflict."""
        with self._lock:
            for each in (job_id, before):
                if each is not None and self._table.waiting(each) is None:
                    raise Conflict("Only jobs that wait can be moved; this one does not wait any more.")
            if before == job_id:
                return
            ids = self._table.moved(job_id, before, back=to == "back")
            running = list(self._table.running)
            self._store.order([*running, *ids])
            self._table.order(ids)
            self._touch()

    def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job again, as the last: same request, same seed, for the same purpose.

        Pictures it has made already are not made again. Raises NotFound, Conflict.
        """
        with self._lock:
            record = self._ended(job_id)
            if record.status not in _AGAIN:
                raise Conflict("Only a job that failed or was cancelled can be tried again.")
            self._store.retry([job_id], last=True)
            self._bring_back([record])

    def clear(self) -> tuple[str, ...]:
        """Cancel all that wait; ids in their order, for `restore`."""
        with self._lock:
            waiting, now = list(self._table.queued), datetime.now(UTC)
            self._store.cancel_all(now)
            for job in waiting:
                job.update(status=JobStatus.CANCELLED, eta_seconds=None, finished_at=now)
                self._table.end(job)
            if waiting:
                self._touch()
        return tuple(job.id for job in waiting)

    def restore(self, job_ids: Iterable[str]) -> tuple[str, ...]:
        """Let these wait again where they waited, as far as they were cancelled and never begun."""
        with self._lock:
            records = [record for each in job_ids if (record := self._store.read(each)) is not None]
            back = [each for each in records if each.status is JobStatus.CANCELLED and not each.started_at]
            self._store.retry([record.id for record in back], last=False)
            self._bring_back(back)
        return tuple(record.id for record in back)

    def repeat(self, job_id: str, on: bool) -> None:
        """When this job is done, ask for the same with a new seed, again and again; `on` false: no more.

        Raises NotFound, Conflict where it has ended.
        """
        with self._lock:
            job = self._table.find(job_id)
            if job is None or job.record.finished_at is not None:
                self._ended(job_id)
                raise Conflict("This job has ended; repeat one that waits or runs.")
            self._store.repeat(job_id, on)
            job.update(repeat=on)
            self._touch()

    def _ended(self, job_id: str) -> JobRecord:
        record = self._store.read(job_id)
        if record is None:
            raise NotFound("There is no such job.")
        return record

    def _bring_back(self, records: list[JobRecord]) -> None:
        for record in records:
            self._table.forget(record.id)
            job = self._job(record)
            job.wait_again()
            self._table.append([job])
        if records:
            self._table.order([record.id for record in self._store.queued()])
            self._touch()
