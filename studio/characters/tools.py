"""What all parts of characters work with, and the jobs that were queued for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound
from pipelines.planning.complete import Completion
from pipelines.request import GenerationRequest
from studio.collection.character_models import CharacterJobRow, CharacterRow, VersionRow
from studio.collection.collection import Collection
from studio.collection.history import History
from studio.collection.models import ImageRow, JobRow
from studio.database import Database
from studio.jobs import JobQueue
from studio.records import JobRecord, JobStatus

ENDED = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Tools:
    """Given to every part once, at start."""

    collection: Collection
    history: History
    catalog: Catalog
    queue: JobQueue
    complete: Callable[[GenerationRequest], Completion]
    """Closes a request's open fields, or refuses it, as every other request's."""

    @property
    def database(self) -> Database:
        """Of the collection."""
        return self.collection.database


@dataclass(frozen=True, slots=True)
class JobView:
    """A job that was queued for a character, as it stands."""

    job_id: str
    character_id: str
    label: str
    status: JobStatus
    step: int
    total_steps: int
    error: str | None
    image_id: str | None
    seed: int

    @property
    def ended(self) -> bool:
        """Whatever came of it."""
        return self.status in ENDED


def character(session: Session, character_id: str) -> CharacterRow:
    """The row of a character. Raises NotFound."""
    found = session.get(CharacterRow, character_id)
    if found is None:
        raise NotFound("There is no such character in this studio.", field="character")
    return found


def version(session: Session, character_id: str, version_id: str) -> VersionRow:
    """The row of a version of this character. Raises NotFound."""
    character(session, character_id)
    found = session.get(VersionRow, version_id)
    if found is None or found.character_id != character_id:
        raise NotFound("This character has no such version.", field="version")
    return found


def jobs_of_run(session: Session, run_id: str, now: Sequence[JobRecord]) -> tuple[JobView, ...]:
    """The jobs of a run in their order; `now`: the queue's snapshot, for what is running."""
    running = {job.id: job for job in now}
    return tuple(_view(row, running.get(row.job_id)) for row in session.execute(_jobs(run_id)))


def _jobs(run_id: str) -> Select[*tuple[Any, ...]]:
    first = select(ImageRow.id).where(ImageRow.job_id == CharacterJobRow.job_id, ImageRow.batch_index == 0)
    return (
        select(
            CharacterJobRow.job_id,
            CharacterJobRow.character_id,
            CharacterJobRow.label,
            JobRow.status,
            JobRow.error_detail,
            first.scalar_subquery().label("image_id"),
            JobRow.request,
        )
        .join(JobRow, JobRow.id == CharacterJobRow.job_id)
        .where(CharacterJobRow.run_id == run_id)
        .order_by(CharacterJobRow.position)
    )


def _view(row: Row[*tuple[Any, ...]], job: JobRecord | None) -> JobView:
    return JobView(
        job_id=row.job_id,
        character_id=row.character_id,
        label=row.label,
        status=job.status if job else JobStatus(row.status),
        step=job.step if job else 0,
        total_steps=job.total_steps if job else 0,
        error=job.error.message if job and job.error else row.error_detail,
        image_id=row.image_id,
        seed=row.request["seed"],
    )
