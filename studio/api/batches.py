"""`/batches`: history by Generate, and picking the winners of one."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from studio.api.gallery import ImageQuery
from studio.coach.ranking import By, Ranker, Ranking
from studio.history_records import BatchPage
from studio.records import Winners
from studio.service import StudioService
from studio.sweeps.records import BatchRequest, SweepEstimate, SweepStarted


class BatchQuery(ImageQuery):
    """A page of them. `trashed` and `sort` are of no effect."""

    cursor: Annotated[
        Annotated[str, Field(max_length=64)] | None, BeforeValidator(lambda value: value or None)
    ] = None
    limit: int = Field(default=20, ge=1, le=100)


class Picked(BaseModel):
    """The pictures to keep."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(min_length=1, max_length=400)]


def add_batches(router: APIRouter, service: StudioService) -> None:
    """Add the calls about batches."""
    ranker = Ranker(service)

    @router.get("/batches")
    def batches(query: Annotated[BatchQuery, Query()]) -> BatchPage:
        """Newest first, each with its request and its pictures outside the trash.

        Words and filters choose batches with a picture that fits; all pictures of those are given.
        """
        wanted = dataclasses.replace(query.filter(), trashed=False)
        return service.history.batches(query.cursor, query.limit, wanted)

    @router.post("/batches", status_code=202)
    def start(asked: BatchRequest) -> SweepStarted:
        """One edit over many pictures, as a sweep of them; those that cannot be edited are in `left_out`."""
        return service.sweeps.start(asked)

    @router.post("/batches/estimate")
    def estimate(asked: BatchRequest) -> SweepEstimate:
        """How many of the pictures that would be, and about how long they take."""
        return service.sweeps.estimate(asked)

    @router.get("/batches/{job_id}/ranking")
    def ranked(
        job_id: str, by: By = "likeness", seconds: Annotated[float | None, Query(ge=0, le=60)] = None
    ) -> Ranking:
        """All pictures of a batch or sweep by what is measured of them: none is left out.

        With `seconds` the answer comes after about so long, with how many are `waiting` to be measured.
        """
        return ranker.ranking(job_id, by, seconds)

    @router.post("/batches/{job_id}/winners")
    def winners(job_id: str, picked: Picked) -> Winners:
        """Keep these, put the rest of the batch or sweep into the trash; restoring `trashed` undoes it."""
        return service.history.pick_winners(job_id, picked.ids)
