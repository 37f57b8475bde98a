"""Rows of the `jobs` table as records and back: what of the queue survives a crash.

Each method is one transaction. Knows nothing of what is running right now, of the engine and of files.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pipelines.errors import RequestError, WorkerLost
from pipelines.request import CompleteRequest
from studio import kept_requests
from studio.collection.models import ImageRow, JobRow, QueueSwitchRow
from studio.database import Database
from studio.records import JobError, JobRecord, JobStatus, QueueSwitches

MAX_ATTEMPTS = 2
LOST_TWICE = WorkerLost(
    "The studio or its image worker stopped twice while making this. "
    "Try a smaller size or fewer images, or use another model."
)
PLACE = func.coalesce(JobRow.place, JobRow.number)
"""What waiting jobs are ordered by."""
_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)
_PART = 500
UNKNOWN = RequestError(
    "This was queued by another version of the studio, with settings that this one does not know. "
    "Reuse its settings and generate again, or update the studio."
)
_FINISHED = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


class JobStore:
    """The durable half of the queue. Methods raise StorageFailure where the disk fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recover(self) -> None:
        """Settle what an earlier process left: what ran goes back into the queue once, then fails with words.

        So does a waiting job with settings that this version does not know: it would make something else.
        """
        with self._database.transaction() as session:
            for row in session.scalars(select(JobRow).where(JobRow.status.in_(_OPEN))):
                if not isinstance(kept_requests.read(row.request), CompleteRequest):
                    _end(row, JobStatus.FAILED, JobError(code=UNKNOWN.code, message=UNKNOWN.detail))
            session.flush()
            for row in session.scalars(select(JobRow).where(JobRow.status == JobStatus.RUNNING)):
                if row.cancel_requested:
                    _end(row, JobStatus.CANCELLED, None)
                elif row.attempts < MAX_ATTEMPTS:
                    row.status, row.started_at = JobStatus.QUEUED, None
                else:
                    _end(row, JobStatus.FAILED, JobError(code=LOST_TWICE.code, message=LOST_TWICE.detail))

    def insert(
        self,
        wanted: Iterable[tuple[CompleteRequest, Iterable[str]]],
        tab: str | None,
        also: Callable[[Session, tuple[str, ...]], None] | None = None,
    ) -> tuple[JobRecord, ...]:
        """New queued jobs of complete requests with their notices, and what `also` writes: all or nothing."""
        rows = [_row(request, notices, tab) for request, notices in wanted]
        with self._database.transaction() as session:
            _add_last(session, rows)
            if also is not None:
                also(session, tuple(row.id for row in rows))
        return tuple(_record(row, ()) for row in rows)

    def begin(self, job_id: str, *, again: bool = False) -> None:
        """The job is running now; counts as an attempt, but not `again`, where its row says it already."""
        attempts = JobRow.attempts + (0 if again else 1)
        self._change(job_id, status=JobStatus.RUNNING, attempts=attempts, started_at=datetime.now(UTC))

    def give_back(self, job_id: str) -> None:
        """The studio is closing: the job waits again and the attempt does not count."""
        self._change(job_id, status=JobStatus.QUEUED, attempts=JobRow.attempts - 1, started_at=None)

    def requeue(self, job_id: str) -> bool:
        """The worker died: queue the job again, False where it has had its attempts."""
        with self._database.transaction() as session:
            row = session.scalars(select(JobRow).where(JobRow.id == job_id)).one()
            if row.attempts >= MAX_ATTEMPTS:
                return False
            row.status, row.started_at = JobStatus.QUEUED, None
        return True

    def request_cancel(self, job_id: str) -> None:
        """Remember that a running job is to end as cancelled, should the studio die before it has."""
        self._change(job_id, cancel_requested=True)

    def end(
        self,
        record: JobRecord,
        *,
        seconds: float | None = None,
        memory_mb: int | None = None,
        again: CompleteRequest | None = None,
        then: Sequence[tuple[CompleteRequest, Iterable[str]]] = (),
    ) -> tuple[JobRecord, ...]:
        """Write the end that `record` tells of. `seconds` per picture; `memory_mb` MiB of the accelerator.

        `then`, and `again`, which is repeated like the one that ended, are queued in the same transaction.
        Returns their jobs.
        """
        rows = [_row(request, notices, record.tab) for request, notices in then]
        rows += [_row(again, (), record.tab, repeat=True)] if again is not None else []
        values = _ending(record) | {"seconds": seconds, "memory_mb": memory_mb}
        with self._database.transaction() as session:
            session.execute(update(JobRow).where(JobRow.id == record.id).values(**values))
            if rows:  # where they go is looked for among all
                _add_last(session, rows)
        return tuple(_record(row, ()) for row in rows)

    # --- what the artist steers -------------------------------------------------------------

    def switches(self) -> QueueSwitches:
        """As they were left."""
        with self._database.reading() as session:
            on = session.scalars(select(QueueSwitchRow.name).where(QueueSwitchRow.on)).all()
        return QueueSwitches.model_validate(dict.fromkeys(on, True))

    def switch(self, switches: QueueSwitches) -> None:
        """Leave them like this."""
        with self._database.transaction() as session:
            for name, on in switches.model_dump().items():
                session.merge(QueueSwitchRow(name=name, on=on))

    def order(self, job_ids: Sequence[str]) -> None:
        """Put all running and waiting jobs in this order; together they keep the places they have now."""
        with self._database.transaction() as session:
            rows = {row.id: row for row in session.scalars(select(JobRow).where(JobRow.status.in_(_OPEN)))}
            places = sorted(_place(row) for row in rows.values())
            for job_id, place in zip(job_ids, places, strict=True):
                rows[job_id].place = place

    def retry(self, job_ids: Sequence[str], *, last: bool) -> None:
        """Let ended jobs wait again, where they waited or as the `last`, as if never begun."""
        values: dict[str, Any] = dict.fromkeys(
            ("started_at", "finished_at", "error_code", "error_detail", "seconds", "memory_mb")
        )
        values |= {"status": JobStatus.QUEUED, "attempts": 0, "cancel_requested": False, "timings": {}}
        with self._database.transaction() as session:
            if last:
                values["place"] = _last_place(session) + 1
            session.execute(
                update(JobRow), [{"number": number} | values for number in _numbers(session, job_ids)]
            )

    def cancel_all(self, at: datetime) -> None:
        """End all jobs that wait as cancelled."""
        now = {"status": JobStatus.CANCELLED, "finished_at": at}
        with self._database.transaction() as session:
            session.execute(update(JobRow).where(JobRow.status == JobStatus.QUEUED).values(**now))

    def repeat(self, job_id: str, on: bool) -> None:
        """Whether the job is asked for anew each time it is done."""
        self._change(job_id, repeat=on)

    # --- what there is ----------------------------------------------------------------------

    def saved(self, job_id: str) -> frozenset[int]:
        """Batch indices of the job's pictures that are in the collection."""
        query = select(ImageRow.batch_index).where(ImageRow.job_id == job_id)
        with self._database.reading() as session:
            return frozenset(index for index in session.scalars(query) if index is not None)

    def read(self, job_id: str) -> JobRecord | None:
        """One job."""
        found = self._records(select(JobRow).where(JobRow.id == job_id))
        return found[0] if found else None

    def newest(self, status: JobStatus | None, limit: int) -> list[JobRecord]:
        """Jobs of this status (None: any), newest first."""
        query = select(JobRow).order_by(JobRow.number.desc()).limit(limit)
        return self._records(query if status is None else query.where(JobRow.status == status))

    def queued(self) -> list[JobRecord]:
        """Waiting jobs, the next one first."""
        query = select(JobRow).where(JobRow.status == JobStatus.QUEUED)
        return self._records(query.order_by(PLACE, JobRow.number))

    def finished(self, limit: int) -> list[JobRecord]:
        """Ended jobs, the last one first."""
        return self._records(
            select(JobRow)
            .where(JobRow.status.in_(_FINISHED))
            .order_by(JobRow.finished_at.desc())
            .limit(limit)
        )

    def _records(self, query: Any) -> list[JobRecord]:
        with self._database.reading() as session:
            rows = session.scalars(query).all()
            images = _images(session, [row.id for row in rows])
            return [_record(row, images.get(row.id, ())) for row in rows]

    def _change(self, job_id: str, **values: Any) -> None:
        with self._database.transaction() as session:
            session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))


def _images(session: Session, job_ids: list[str]) -> dict[str, tuple[str, ...]]:
    """Ids of the jobs' pictures in batch order, by job."""
    query = select(ImageRow.job_id, ImageRow.id).where(ImageRow.job_id.in_(job_ids))
    found: dict[str, tuple[str, ...]] = {}
    for job_id, image_id in session.execute(query.order_by(ImageRow.batch_index)):
        found[job_id or ""] = (*found.get(job_id or "", ()), image_id)
    return found


def _add_last(session: Session, rows: Sequence[JobRow]) -> None:
    for place, row in enumerate(rows, start=_last_place(session) + 1):
        row.place = place
    session.add_all(rows)
    session.flush()


def _last_place(session: Session) -> int:
    return session.scalar(select(func.max(PLACE))) or 0


def _numbers(session: Session, job_ids: Sequence[str]) -> Iterator[int]:
    """Primary keys of the jobs, asked for in parts that SQLite takes."""
    for start in range(0, len(job_ids), _PART):
        part = job_ids[start : start + _PART]
        yield from session.scalars(select(JobRow.number).where(JobRow.id.in_(part)))


def _place(row: JobRow) -> int:
    return row.number if row.place is None else row.place


def _row(
    request: CompleteRequest, notices: Iterable[str], tab: str | None, *, repeat: bool = False
) -> JobRow:
    return JobRow(
        id=uuid.uuid4().hex,
        status=JobStatus.QUEUED,
        request=request.model_dump(mode="json"),
        model=request.model,
        mode=request.mode,
        tab=tab,
        attempts=0,
        cancel_requested=False,
        repeat=repeat,
        created_at=datetime.now(UTC),
        notices=list(notices),
        timings={},
    )


def _ending(record: JobRecord) -> dict[str, Any]:
    return {
        "status": record.status,
        "finished_at": record.finished_at,
        "error_code": record.error.code if record.error else None,
        "error_detail": record.error.message if record.error else None,
        "notices": list(record.notices),
        "timings": record.timings,
    }


def _end(row: JobRow, status: JobStatus, error: JobError | None) -> None:
    row.status, row.finished_at = status, datetime.now(UTC)
    row.error_code = error.code if error else None
    row.error_detail = error.message if error else None


def _record(row: JobRow, images: tuple[str, ...]) -> JobRecord:
    error = JobError(code=row.error_code, message=row.error_detail or "") if row.error_code else None
    return JobRecord(
        id=row.id,
        status=JobStatus(row.status),
        error=error,
        images=images,
        request=kept_requests.read(row.request),
        timings=row.timings,
        notices=tuple(row.notices),
        cancel_requested=row.cancel_requested,
        tab=row.tab,
        repeat=row.repeat,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
