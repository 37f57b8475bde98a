"""The durable queue: what waits, what runs and how far it is, what has ended.

Rows keep what must survive (`job_store`); memory keeps what is only true now: phase, step, preview.
Everybody reads one snapshot that is made at most once per change. Several jobs may run at a time; who makes
which is chosen by whoever claims. Knows nothing of the engine, of HTTP and of the page.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from pipelines.errors import NotFound, StorageFailure
from pipelines.events import Event, Phase
from pipelines.request import CompleteRequest, GenerationRequest
from studio.database import Database
from studio.job_events import follow, preview_type
from studio.job_store import LOST_TWICE, JobStore
from studio.job_table import SHOWN_FINISHED, Choice, Choose, Job, JobTable
from studio.job_times import PastRuns, Progress, seconds_per_picture
from studio.records import JobError, JobRecord, JobStatus, QueueSnapshot, WorkerState
from studio.shown_jobs import shown
from studio.steering import Steering

log = logging.getLogger(__name__)

SEED_BITS = 32
_LEARNT_FROM = 300


def anybody(model: str | None, lost_with: str | None) -> Choice:
    """Where there is one worker, it makes everything."""
    return Choice("")


class JobQueue:
    """All methods are thread-safe and quick; `claim` and `watch` are the only ones that wait.

    Made once at start, before the dispatcher: jobs that an earlier process left running are queued
    again once. Raises StorageFailure where the database cannot be used.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw_seed: Callable[[], int] = lambda: secrets.randbits(SEED_BITS),
    ) -> None:
        self._store = JobStore(database)
        self._clock = clock
        self._draw_seed = draw_seed
        self._changed = threading.Condition()
        self._version = 0
        self._cached: QueueSnapshot | None = None
        self._worker = WorkerState(state="starting")
        self._shown: dict[str, JobRecord] = {}
        """The jobs of the cached snapshot, by id."""
        self._held: dict[str, str] = {}
        self._openings = 0
        """Counts what may let a job begin; steps and previews do not."""
        self._cancel_listeners: list[Callable[[str], None]] = []
        self._store.recover()
        waiting, ended = self._store.queued(), self._store.finished(SHOWN_FINISHED)
        self._table = JobTable(map(self._job, waiting), map(self._job, ended))
        self.steering = Steering(self._changed, self._table, self._store, self._job, self._touch)
        self._past = PastRuns()
        for record in reversed(self._store.newest(JobStatus.DONE, _LEARNT_FROM)):
            self._past.add(record.request, record.timings)

    # --- what the service calls -------------------------------------------------------------

    def add(self, request: CompleteRequest, notices: Iterable[str] = (), tab: str | None = None) -> JobRecord:
        """Queue a complete request; when this returns the job survives any crash."""
        return self.add_all([(request, notices)], tab)[0]

    def add_all(
        self,
        wanted: Sequence[tuple[CompleteRequest, Iterable[str]]],
        tab: str | None = None,
        also: Callable[[Session, tuple[str, ...]], None] | None = None,
    ) -> tuple[JobRecord, ...]:
        """Queue complete requests with their notices, all or none.

        `also` writes, in the same transaction, what these job ids are for.
        """
        with self._changed:
            records = self._store.insert(wanted, tab, also)
            self._table.append(map(self._job, records))
            self._touch()
            return tuple(self.get(record.id) for record in records)

    def get(self, job_id: str) -> JobRecord:
        """The job as it is now. Raises NotFound."""
        with self._changed:
            job = self._table.find(job_id)
            if job is not None and job.record.status is JobStatus.QUEUED:  # its place is told as well
                self.snapshot()
                return self._shown.get(job_id, job.record)
            if job is not None:
                return job.record
        record = self._store.read(job_id)
        if record is None:
            raise NotFound("There is no such job.")
        return record

    def list(self, status: JobStatus | None = None, limit: int = 100) -> tuple[JobRecord, ...]:
        """Jobs of this status (None: any), newest first."""
        now = {record.id: record for record in self.snapshot().jobs}
        return tuple(now.get(record.id, record) for record in self._store.newest(status, limit))

    def cancel(self, job_id: str) -> JobRecord:
        """End a queued job at once and ask a running one to end; ended ones stay as they are."""
        with self._changed:
            waiting = self._table.waiting(job_id)
            if waiting is not None:
                self._close(waiting, JobStatus.CANCELLED)
            running = self._table.running.get(job_id)
            if running is not None:
                running.update(cancel_requested=True)
                self._touch()
        if running is not None:
            for listener in self._cancel_listeners:
                listener(job_id)
            try:
                self._store.request_cancel(job_id)
            except StorageFailure as failure:  # it ends all the same, unless the studio dies before
                log.warning("The wish to cancel job %s cannot be written: %s", job_id, failure.detail)
        return self.get(job_id)

    def preview(self, job_id: str) -> tuple[bytes, str] | None:
        """Latest preview of the running job with its MIME type."""
        with self._changed:
            job = self._table.find(job_id)
            picture = job.preview if job else None
        return (picture, preview_type(picture)) if picture else None

    def control_image(self, job_id: str) -> bytes | None:
        """PNG of the control image, while the job is among those of the snapshot."""
        with self._changed:
            job = self._table.find(job_id)
            return job.control_image if job else None

    def expected(self, request: GenerationRequest) -> float | None:
        """Seconds a complete request would take by itself, from past runs; None where there are none."""
        with self._changed:
            found = self._past.expect(request)
        return found.total if found else None

    def snapshot(self) -> QueueSnapshot:
        """The queue now."""
        with self._changed:
            if self._cached is None:
                self._cached = QueueSnapshot(
                    version=self._version,
                    worker=self._worker,
                    jobs=tuple(shown(self._table, self._past, paused=self.steering.switches.paused)),
                    waiting=self._table.waiting_count,
                    held=next(iter(self._held.values()), None),
                    **self.steering.switches.model_dump(),
                )
                self._shown = {record.id: record for record in self._cached.jobs}
            return self._cached

    def watch(self, after: int, timeout: float) -> QueueSnapshot:
        """Wait until the version is beyond `after`, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > after, timeout)
            return self.snapshot()

    # --- what the dispatcher calls ----------------------------------------------------------

    def on_cancel(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of each running job that is to be cancelled."""
        self._cancel_listeners.append(listener)

    def set_worker(self, state: WorkerState) -> None:
        """Show this state of the worker."""
        with self._changed:
            self._worker = state
            self._touch()

    def hold(self, words: str | None, by: str = "") -> None:
        """Show why a job does not go on, `by` the id of one that runs; None: it does."""
        with self._changed:
            if words != self._held.get(by):
                self._held.pop(by, None)
                self._held |= {by: words} if words is not None else {}
                self._show()

    @property
    def openings(self) -> int:
        """Counts up with whatever may let a job begin."""
        with self._changed:
            return self._openings

    def claim(
        self, timeout: float | None = None, choose: Choose = anybody, after: int | None = None
    ) -> JobRecord | None:
        """Take the next queued job for which `choose` knows a worker, waiting `timeout` seconds for one.

        None where there is none by then, and at once where `choose` knows none but something may have
        changed since there were `after` openings. Called with the lock held, `choose` only looks.
        Raises StorageFailure, and then the job waits as before.
        """
        with self._changed:
            after = self._openings if after is None else after
            found = self._choose(choose)
            if found is None:
                self._changed.wait_for(lambda: self._openings > after, timeout)
                found = self._choose(choose)
            if found is None:
                return None
            job, choice = found
            self._store.begin(job.id, again=job.begun)
            self._table.begin(job)
            job.fresh = not job.record.images
            job.progress = Progress(self._clock, self._past.expect(job.record.request))
            job.progress.enter(Phase.LOADING)
            job.update(status=JobStatus.RUNNING, started_at=datetime.now(UTC), phase=Phase.LOADING)
            job.update(eta_seconds=job.progress.eta(), worker=choice.worker)
            self._touch()
            return job.record

    def saved(self, job_id: str) -> frozenset[int]:
        """Batch indices of the job's pictures that are in the collection."""
        return self._store.saved(job_id)

    def wake(self) -> None:
        """Let a waiting `claim` return: a worker may be free."""
        with self._changed:
            self._openings += 1
            self._changed.notify_all()

    def apply(self, job_id: str, event: Event) -> None:
        """Show what a running job tells of itself."""
        with self._changed:
            job = self._table.running.get(job_id)
            if job is None:
                return
            if follow(job, event):
                self._show()

    def add_image(self, job_id: str, image_id: str) -> None:
        """A running job has another picture, saved already."""
        with self._changed:
            job = self._table.running.get(job_id)
            if job is not None and image_id not in job.record.images:
                job.update(images=(*job.record.images, image_id))
                self._show()

    def finish(
        self,
        job_id: str,
        status: JobStatus,
        *,
        error: JobError | None = None,
        timings: dict[str, float] | None = None,
        memory_mb: int | None = None,
        then: Sequence[tuple[CompleteRequest, Iterable[str]]] = (),
    ) -> None:
        """End a running job; one that was asked to be cancelled ends as cancelled, whatever came of it.

        `then`: complete requests with their notices that are queued with the end of one that is done.
        Raises StorageFailure, and then it has not ended.
        """
        with self._changed:
            job = self._table.running.get(job_id)
            if job is None:
                return
            job.progress.enter(None)
            measured = job.progress.timings | (timings or {})
            job.memory_mb = memory_mb
            job.update(timings=measured)
            cancelled = job.record.cancel_requested
            self._close(job, JobStatus.CANCELLED if cancelled else status, None if cancelled else error, then)
            if job.record.status is JobStatus.DONE and job.fresh:
                self._past.add(job.record.request, measured)

    def requeue(self, job_id: str) -> None:
        """The worker died under a running job: queue it again, the first time; then it fails with words.

        It is made by another worker then, where there is one. Raises StorageFailure, and then nothing has
        changed.
        """
        with self._changed:
            job = self._table.running.get(job_id)
            if job is None:
                return
            if job.record.cancel_requested or not self._store.requeue(job.id):
                error = JobError(code=LOST_TWICE.code, message=LOST_TWICE.detail)
                self.finish(job.id, JobStatus.FAILED, error=error)
            else:
                job.lost_with = job.record.worker
                self._return(job)

    def release(self, job_id: str, worker: str) -> None:
        """The studio is closing, or the job has not begun with `worker`: it waits as if it never had.

        Nothing happens where another worker has taken it in the meantime.
        """
        with self._changed:
            job = self._table.running.get(job_id)
            if job is None or job.record.worker != worker:
                return
            try:
                if job.record.cancel_requested:
                    self.finish(job.id, JobStatus.CANCELLED)
                else:
                    self._store.give_back(job.record.id)
                    self._return(job)
            except StorageFailure as failure:  # the next start settles it, as after a crash
                log.warning("Job %s cannot be given back: %s", job.record.id, failure.detail)
                self._return(job)
                job.begun = True

    # --- inside, with the lock held ---------------------------------------------------------

    def _job(self, record: JobRecord) -> Job:
        return Job(record, Progress(self._clock))

    def _touch(self) -> None:
        """Something changed that may let a job begin."""
        self._openings += 1
        self._show()

    def _show(self) -> None:
        self._version += 1
        self._cached = None
        self._changed.notify_all()

    def _return(self, job: Job) -> None:
        self._table.give_back(job)
        self._held.pop(job.id, None)
        self._touch()

    def _choose(self, choose: Choose) -> tuple[Job, Choice] | None:
        switches = self.steering.switches
        return None if switches.paused else self._table.next(choose, switches.loaded_first)

    def _close(
        self,
        job: Job,
        status: JobStatus,
        error: JobError | None = None,
        then: Sequence[tuple[CompleteRequest, Iterable[str]]] = (),
    ) -> None:
        """Row first: where that fails, the job goes on running or waiting."""
        ended = job.record.model_copy(
            update={
                "status": status,
                "error": error,
                "finished_at": datetime.now(UTC),
                "phase": None,
                "eta_seconds": None,
                "preview": 0,
            }
        )
        made = len(ended.images) if job.fresh and status is JobStatus.DONE else 0
        seconds = seconds_per_picture(ended.timings, made)
        again = self._again(ended)
        then = then if status is JobStatus.DONE else ()
        next_one = self._store.end(ended, seconds=seconds, memory_mb=job.memory_mb, again=again, then=then)
        job.record, job.preview = ended, None
        self._table.end(job)
        self._held.pop(job.id, None)
        self._table.append(self._job(record) for record in next_one)
        self._touch()

    def _again(self, ended: JobRecord) -> CompleteRequest | None:
        """What is asked for next, where the job that has ended well is to be repeated."""
        request = ended.request
        if not ended.repeat or ended.status is not JobStatus.DONE or not isinstance(request, CompleteRequest):
            return None
        return request.model_copy(update={"seed": self._draw_seed()})
