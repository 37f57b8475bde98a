"""`/queue` and the verbs on jobs that wait or have ended: pause, move, retry, clear, repeat."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.records import JobRecord, QueueSwitches
from studio.service import StudioService

JobId = Annotated[str, Field(max_length=64)]


class Move(BaseModel):
    """Where a waiting job goes: `to` an end of the queue, or `before` another waiting job."""

    model_config = ConfigDict(extra="forbid")

    to: Literal["front", "back"] | None = None
    before: JobId | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.to is None) == (self.before is None):
            raise ValueError('say either `to` ("front" or "back") or `before` (the id of a waiting job)')
        return self


class Switched(BaseModel):
    """Left out: as it is."""

    model_config = ConfigDict(extra="forbid")

    paused: bool | None = None
    loaded_first: bool | None = None


class Repeat(BaseModel):
    """Whether the job is asked for anew each time it is done."""

    model_config = ConfigDict(extra="forbid")

    on: bool = True


class Waiting(BaseModel):
    """Jobs by their ids, in order."""

    model_config = ConfigDict(extra="forbid")

    job_ids: Annotated[tuple[JobId, ...], Field(max_length=100_000)]


def add_queue(router: APIRouter, service: StudioService) -> None:
    """Add the calls that steer the queue."""
    _add_switches(router, service)
    _add_clearing(router, service)
    _add_verbs(router, service)


def _add_switches(router: APIRouter, service: StudioService) -> None:
    @router.post("/queue/pause")
    def pause() -> QueueSwitches:
        """Let no further job begin, also after a restart; the running one ends as usual."""
        return service.steering.switch(paused=True)

    @router.post("/queue/resume")
    def resume() -> QueueSwitches:
        """Go on."""
        return service.steering.switch(paused=False)

    @router.patch("/queue")
    def switch(wanted: Switched) -> QueueSwitches:
        """Change switches of the queue."""
        return service.steering.switch(paused=wanted.paused, loaded_first=wanted.loaded_first)


def _add_clearing(router: APIRouter, service: StudioService) -> None:
    @router.post("/queue/clear")
    def clear() -> Waiting:
        """Cancel every job that waits; handing the answer to `/queue/restore` undoes it."""
        return Waiting(job_ids=service.steering.clear())

    @router.post("/queue/restore")
    def restore(cleared: Waiting) -> Waiting:
        """Let cancelled jobs wait again where they waited, as far as they had not begun; answers which do."""
        return Waiting(job_ids=service.steering.restore(cleared.job_ids))


def _add_verbs(router: APIRouter, service: StudioService) -> None:
    @router.post("/jobs/{job_id}/move")
    def move(job_id: str, where: Move) -> JobRecord:
        """Let a waiting job run first or last of those that wait, or before another."""
        service.steering.move(job_id, where.to, where.before)
        return service.job(job_id)

    @router.post("/jobs/{job_id}/retry", status_code=202)
    def retry(job_id: str) -> JobRecord:
        """Queue a failed or cancelled job again, with the same seed; pictures it has made stay."""
        service.steering.retry(job_id)
        return service.job(job_id)

    @router.post("/jobs/{job_id}/repeat")
    def repeat(job_id: str, wanted: Repeat) -> JobRecord:
        """Ask for the same with a new seed whenever it is done, until `on` is false or it is cancelled."""
        service.steering.repeat(job_id, wanted.on)
        return service.job(job_id)
