"""History by batch: the pictures of one Generate, of a character sheet or of a sweep; the newest batch first.

A batch stands where its newest picture outside the trash does; one that is all in the trash is not listed.
Works inside the caller's transaction. Knows no files and not the queue, only the jobs' rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session, aliased

from pipelines.errors import NotFound, RequestError
from studio import kept_requests
from studio.collection import character_links, listings, queries, rows
from studio.collection.character_models import CharacterJobRow, CharacterRow
from studio.collection.models import ImageRow, JobRow, SweepJobRow, SweepRow
from studio.collection.queries import Filter
from studio.history_records import Batch, BatchPage, BatchSweep
from studio.records import Winners

MAX_PAGE = 100
EVERYTHING = Filter()


def page(session: Session, cursor: str | None, limit: int, wanted: Filter = EVERYTHING) -> BatchPage:
    """One page of the batches with a picture that is `wanted`. Raises RequestError for a bad cursor."""
    limit = max(1, min(limit, MAX_PAGE))
    newest = (
        select(ImageRow.number, ImageRow.job_id)
        .where(ImageRow.trashed_at.is_(None), ImageRow.job_id.is_not(None), *_nothing_newer())
        .order_by(ImageRow.number.desc())
        .limit(limit + 1)
    )
    if wanted != EVERYTHING:
        newest = newest.where(_batch_of(ImageRow).in_(_batches_with(session, wanted)))
    if cursor is not None:
        newest = newest.where(ImageRow.number < _read_cursor(cursor))
    found = session.execute(newest).all()
    shown = [str(line.job_id) for line in found[:limit]]
    more = str(found[limit - 1].number) if len(found) > limit else None
    return BatchPage(items=_batches(session, shown), next=more)


def of_job(session: Session, job_id: str | None) -> list[ImageRow]:
    """The pictures of a job's batch, or of the sweep with that id, outside the trash, in order."""
    if job_id is None:
        return []
    sweep = session.get(SweepRow, job_id)
    jobs = list(sweep.job_ids) if sweep else _jobs_of_batches(session, [job_id])[job_id]
    places = {each: place for place, each in enumerate(jobs)}
    chosen = select(ImageRow).where(ImageRow.job_id.in_(jobs), ImageRow.trashed_at.is_(None))
    return sorted(session.scalars(chosen), key=lambda row: (places[str(row.job_id)], row.batch_index))


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


def _nothing_newer() -> tuple[ColumnElement[bool], ...]:
    """No later picture outside the trash is of the same job, or of another job of the same sheet or sweep."""
    later, own, other = aliased(ImageRow), aliased(CharacterJobRow), aliased(CharacterJobRow)
    cell, beside = aliased(SweepJobRow), aliased(SweepJobRow)
    newer = select(later.number).where(later.number > ImageRow.number, later.trashed_at.is_(None))
    of_job = newer.where(later.job_id == ImageRow.job_id)
    of_sheet = newer.where(
        own.job_id == ImageRow.job_id,
        own.purpose == character_links.SHEET,
        other.run_id == own.run_id,
        later.job_id == other.job_id,
    )
    of_sweep = newer.where(
        cell.job_id == ImageRow.job_id, beside.sweep_id == cell.sweep_id, later.job_id == beside.job_id
    )
    return tuple(~each.exists() for each in (of_job, of_sheet, of_sweep))


def _batch_of(picture: type[ImageRow]) -> ColumnElement[str]:
    """What a picture's batch goes by: the sheet or sweep it was made for, else its job."""
    sheet = select(CharacterJobRow.run_id).where(
        CharacterJobRow.job_id == picture.job_id, CharacterJobRow.purpose == character_links.SHEET
    )
    sweep = select(SweepJobRow.sweep_id).where(SweepJobRow.job_id == picture.job_id)
    return func.coalesce(sheet.scalar_subquery(), sweep.scalar_subquery(), picture.job_id)


def _batches_with(session: Session, wanted: Filter) -> Select[str]:
    match = aliased(ImageRow)
    numbers = listings.numbers(session, wanted).scalar_subquery()
    return select(_batch_of(match)).where(match.number.in_(numbers), match.job_id.is_not(None))


def _jobs_of_batches(session: Session, job_ids: Sequence[str]) -> dict[str, list[str]]:
    """For each job those of its batch, in order: all of its character sheet or sweep, else the job alone."""
    own, other = aliased(CharacterJobRow), aliased(CharacterJobRow)
    of_sheets = (
        select(own.job_id, other.job_id)
        .join(other, other.run_id == own.run_id)
        .where(own.job_id.in_(job_ids), own.purpose == character_links.SHEET)
        .order_by(other.position)
    )
    cell, beside = aliased(SweepJobRow), aliased(SweepJobRow)
    of_sweeps = (
        select(cell.job_id, beside.job_id)
        .join(beside, beside.sweep_id == cell.sweep_id)
        .where(cell.job_id.in_(job_ids))
        .order_by(beside.position)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for statement in (of_sheets, of_sweeps):
        for job_id, member in session.execute(statement):
            found[job_id].append(member)
    return {job_id: found.get(job_id) or [job_id] for job_id in job_ids}


def _batches(session: Session, job_ids: Sequence[str]) -> tuple[Batch, ...]:
    members = _jobs_of_batches(session, job_ids)
    every = [job_id for jobs in members.values() for job_id in jobs]
    pictures: defaultdict[str, list[ImageRow]] = defaultdict(list)
    live = select(ImageRow).where(ImageRow.job_id.in_(every), ImageRow.trashed_at.is_(None))
    for row in session.scalars(live.order_by(ImageRow.batch_index)):
        pictures[str(row.job_id)].append(row)
    trashed = _in_trash(session, every)
    jobs = {job.id: job for job in session.scalars(select(JobRow).where(JobRow.id.in_(job_ids)))}
    names = _sheets(session, job_ids)
    sweeps = _sweeps(session, job_ids)
    return tuple(
        _batch(
            job_id,
            [row for member in of_batch for row in pictures[member]],
            sum(trashed.get(member, 0) for member in of_batch),
            jobs.get(job_id),
            names.get(job_id),
            sweeps.get(job_id),
        )
        for job_id, of_batch in members.items()
    )


def _in_trash(session: Session, job_ids: Sequence[str]) -> dict[str, int]:
    gone = (
        select(ImageRow.job_id, func.count())
        .where(
            ImageRow.job_id.in_(job_ids),
            queries.unindexed(ImageRow.trashed_at).is_not(None),
            queries.unindexed(ImageRow.purged_at).is_(None),
        )
        .group_by(ImageRow.job_id)
    )
    return {str(job_id): count for job_id, count in session.execute(gone)}


def _sheets(session: Session, job_ids: Sequence[str]) -> dict[str, str]:
    """Whose character sheet the jobs are of; those that are of none are left out."""
    found = (
        select(CharacterJobRow.job_id, CharacterRow.name)
        .join(CharacterRow, CharacterRow.id == CharacterJobRow.character_id)
        .where(CharacterJobRow.job_id.in_(job_ids), CharacterJobRow.purpose == character_links.SHEET)
    )
    return {str(job_id): str(name) for job_id, name in session.execute(found)}


def _sweeps(session: Session, job_ids: Sequence[str]) -> dict[str, BatchSweep]:
    """Which sweeps the jobs are of; those that are of none are left out."""
    found = (
        select(SweepJobRow.job_id, SweepRow)
        .join(SweepRow, SweepRow.id == SweepJobRow.sweep_id)
        .where(SweepJobRow.job_id.in_(job_ids))
    )
    return {
        job_id: BatchSweep(
            id=row.id,
            axes=tuple(row.body[name]["field"] for name in ("x", "y") if row.body[name]),
            request=kept_requests.read(row.body["request"]),
            total=len(row.job_ids),
        )
        for job_id, row in session.execute(found)
    }


def _batch(
    job_id: str,
    pictures: Sequence[ImageRow],
    trashed: int,
    job: JobRow | None,
    sheet_of: str | None,
    sweep: BatchSweep | None,
) -> Batch:
    """The job's row is not there after a rebuild without the earlier database."""
    return Batch(
        job_id=job_id,
        created_at=job.created_at if job else pictures[0].created_at,
        title=f"Character sheet of {sheet_of}" if sheet_of is not None else None,
        sweep=sweep,
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
