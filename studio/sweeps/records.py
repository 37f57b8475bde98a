"""What REST and the page see of a sweep."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import GenerationRequest
from studio.records import ImageSummary, JobError, JobStatus
from studio.sweeps.axes import Axis, Value


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class SweepRequest(BaseModel):
    """A request and the one or two settings that its pictures differ in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: GenerationRequest
    x: Axis
    y: Axis | None = None


class BatchRequest(BaseModel):
    """One edit and the pictures it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: GenerationRequest = Field(
        description="`{name}` in its prompt is the name of each picture's character. Its own references act "
        "on every picture."
    )
    images: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        min_length=1, max_length=1000, description="Ids of 2 to 200 pictures."
    )


class LeftOut(_Record):
    """A picture that is not among those of a batch, and why."""

    image_id: str
    label: str
    reason: str


class SweepEstimate(_Record):
    """What a sweep would be, before it is asked for."""

    pictures: int
    seconds: float | None = Field(description="About; null where a model has not been used here yet.")
    notices: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = Field(default=(), description="Of many pictures those that cannot be.")


class SweepStarted(_Record):
    """A sweep that is queued."""

    batch: str = Field(description="Its id.")
    jobs: tuple[str, ...] = Field(description="Ids of its jobs, row by row.")
    left_out: tuple[LeftOut, ...] = ()


class Labelled(_Record):
    """An axis with its values."""

    field: str = Field(description="`picture`: the batch is one edit over many pictures.")
    values: tuple[Value, ...]
    labels: tuple[str, ...] = Field(default=(), description="What the values are called; none: as they are.")


class SweepCell(_Record):
    """A place of the grid."""

    x: int
    y: int
    job_id: str
    status: JobStatus | None = Field(description="Null where the job is not known any more.")
    error: JobError | None = None
    image: ImageSummary | None = Field(default=None, description="Null until there is one.")


class Sweep(_Record):
    """A sweep as it stands."""

    id: str
    created_at: datetime
    request: GenerationRequest = Field(description="As it was asked for, before the axes.")
    x: Labelled
    y: Labelled | None
    cells: tuple[SweepCell, ...] = Field(description="Row by row; none where they were not asked for.")
    ended: int
    total: int
    left_out: tuple[LeftOut, ...] = ()


class SweepPage(_Record):
    """Sweeps, newest first."""

    items: tuple[Sweep, ...]
    next: str | None = Field(default=None, description="Cursor of the next page.")
