"""`/health` and `/models`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from studio import __version__
from studio.door.gate import ENTRY
from studio.records import JobStatus, ModelInfo, WorkerState
from studio.service import StudioService
from studio.settings import Settings


class Health(BaseModel):
    """How the studio is, without waiting for the worker."""

    status: Literal["ok", "degraded"]
    version: str
    device: str
    queue_length: int
    held: str | None = Field(description="Why no job goes on: what the disk refuses, in words.")
    worker: WorkerState


def add_system(router: APIRouter, service: StudioService, settings: Settings) -> None:
    """Add the calls about the studio itself."""

    @router.get("/health")
    def health(request: Request) -> Health:
        """Status, version, device and queue length; never waits for the worker.

        Where there is a door, whoever has no key is answered, too, without what disk and worker say.
        """
        snapshot = service.snapshot()
        stranger = request.scope.get(ENTRY, True) is None
        waiting = sum(job.status in (JobStatus.QUEUED, JobStatus.RUNNING) for job in snapshot.jobs)
        return Health(
            status="degraded" if snapshot.worker.state == "down" or snapshot.held else "ok",
            version=__version__,
            device=snapshot.worker.device or settings.device,
            queue_length=waiting,
            held=None if stranger else snapshot.held,
            worker=WorkerState(state=snapshot.worker.state) if stranger else snapshot.worker,
        )

    @router.get("/models")
    def models(
        model: Annotated[str | None, Query(max_length=128, description="This one alone.")] = None,
        add_ons: Annotated[bool, Query(description="With the LoRAs and the like that go with each.")] = True,
    ) -> tuple[ModelInfo, ...]:
        """All models of the catalogue: modes, defaults and limits per mode, availability, cost here."""
        if model is None:
            return service.models(add_ons=add_ons)
        one = service.model(model)
        return (one,) if one else ()
