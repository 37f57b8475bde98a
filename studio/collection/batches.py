"""History by batch: the pictures of one Generate together, the newest batch first.

A batch stands where its newest picture outside the trash does; one that is all in the trash is not listed.
Works inside the caller's transaction. Knows no files and not the queue, only the jobs' rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from pipelines.errors import NotFound, RequestError
from studio import kept_requests
from studio.collection import queries, rows
from studio.collection.models import ImageRow, JobRow
from studio.records import Batch, BatchPage, Winners

MAX_PAGE = 100


def page(session: Session, cursor: str | None, limit: int) -> BatchPage:
    """One page. Raises RequestError for a bad cursor."""
    limit = max(1, min(limit, MAX_PAGE))
    later = aliased(ImageRow)
    newer = select(later.number).where(
        later.job_id == ImageRow.job_id, later.number > ImageRow.number, later.trashed_at.is_(None)
    )
    newest = (
        select(ImageRow.number, ImageRow.job_id)
        .where(ImageRow.trashed_at.is_(None), ImageRow.job_id.is_not(None), ~newer.exists())
        .order_by(ImageRow.number.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        newest = newest.where(ImageRow.number < _read_cursor(cursor))
    found = session.execute(newest).all()
    shown = [str(line.job_id) for line in found[:limit]]
    more = str(found[limit - 1].number) if len(found) > limit else None
    return BatchPage(items=_batches(session, shown), next=more)


def of_job(session: Session, job_id: str | None) -> list[ImageRow]:
    """The pictures of a batch outside the trash, in order."""
    if job_id is None:
        return []
    chosen = select(ImageRow).where(ImageRow.job_id == job_id, ImageRow.trashed_at.is_(None))
    return list(session.scalars(chosen.order_by(ImageRow.batch_index)))


def pick(session: Session, job_id: str, image_ids: Sequence[str]) -> Winners:
    """Keep these, put the rest of the batch into the trash. Raises NotFound, RequestError."""
    pictures = of_job(session, job_id)
    if not pictures:
        raise NotFound("There is no such batch, or all of it is in the trash.")
    here = {row.id for row in pictures}
    if not image_ids or not here.issuperset(image_ids):
        raise RequestError("Pick at least one picture, and only of this batch.", field="ids")
    losers = tuple(row.id for row in pictures if row.id not in set(image_ids))
    session.execute(update(ImageRow).where(ImageRow.id.in_(losers)).values(trashed_at=datetime.now(UTC)))
    rows.marked(session, losers, words=False)
    return Winners(kept=tuple(row.id for row in pictures if row.id not in losers), trashed=losers)


def _batches(session: Session, job_ids: Sequence[str]) -> tuple[Batch, ...]:
    pictures: defaultdict[str, list[ImageRow]] = defaultdict(list)
    live = select(ImageRow).where(ImageRow.job_id.in_(job_ids), ImageRow.trashed_at.is_(None))
    for row in session.scalars(live.order_by(ImageRow.batch_index)):
        pictures[str(row.job_id)].append(row)
    gone = (
        select(ImageRow.job_id, func.count())
        .where(
            ImageRow.job_id.in_(job_ids),
            queries.unindexed(ImageRow.trashed_at).is_not(None),
            queries.unindexed(ImageRow.purged_at).is_(None),
        )
        .group_by(ImageRow.job_id)
    )
    trashed = {str(job_id): count for job_id, count in session.execute(gone)}
    jobs = {job.id: job for job in session.scalars(select(JobRow).where(JobRow.id.in_(job_ids)))}
    return tuple(_batch(i, pictures[i], trashed.get(i, 0), jobs.get(i)) for i in job_ids)


def _batch(job_id: str, pictures: Sequence[ImageRow], trashed: int, job: JobRow | None) -> Batch:
    """The job's row is not there after a rebuild without the earlier database."""
    return Batch(
        job_id=job_id,
        created_at=job.created_at if job else pictures[0].created_at,
        request=kept_requests.read(pictures[0].request),
        images=tuple(queries.summary(row) for row in pictures),
        trashed=trashed,
        seconds=job.seconds if job else None,
        memory_mb=job.memory_mb if job else None,
    )


def _read_cursor(cursor: str) -> int:
    if not cursor.lstrip("-").isascii() or not cursor.lstrip("-").isdigit() or len(cursor) > 18:
        raise RequestError("This is not a cursor of this list; start from its first page.", field="cursor")
    return int(cursor)
