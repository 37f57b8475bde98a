"""`/batches`: history by Generate, and picking the winners of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from studio.records import BatchPage, Winners
from studio.service import StudioService


class Picked(BaseModel):
    """The pictures to keep."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(min_length=1, max_length=100)]


def add_batches(router: APIRouter, service: StudioService) -> None:
    """Add the calls about batches."""

    @router.get("/batches")
    def batches(
        cursor: Annotated[
            str | None, Query(max_length=64), BeforeValidator(lambda value: value or None)
        ] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> BatchPage:
        """Newest first, each with its request and its pictures outside the trash."""
        return service.history.batches(cursor, limit)

    @router.post("/batches/{job_id}/winners")
    def winners(job_id: str, picked: Picked) -> Winners:
        """Keep these, put the rest of the batch into the trash; restoring `trashed` undoes it."""
        return service.history.pick_winners(job_id, picked.ids)
