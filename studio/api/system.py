"""`/health` and `/models`."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from studio import __version__
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
    def health() -> Health:
        """Status, version, device and queue length; never waits for the worker."""
        snapshot = service.snapshot()
        waiting = sum(job.status in (JobStatus.QUEUED, JobStatus.RUNNING) for job in snapshot.jobs)
        return Health(
            status="degraded" if snapshot.worker.state == "down" or snapshot.held else "ok",
            version=__version__,
            device=snapshot.worker.device or settings.device,
            queue_length=waiting,
            held=snapshot.held,
            worker=snapshot.worker,
        )

    @router.get("/models")
    def models() -> tuple[ModelInfo, ...]:
        """All models of the catalogue: modes, defaults and limits per mode, availability, cost here."""
        return service.models()
