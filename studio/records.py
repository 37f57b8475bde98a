"""The nouns scripts and pages see: pictures, jobs, models, the queue's snapshot.

These are the JSON of REST and of server-sent events and what the page's widgets are fed with. They
are made by the collection and the queue, and know neither.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import GenerationRequest, Role


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Category(StrEnum):
    """Where a picture came from."""

    GENERATED = "generated"
    EDITED = "edited"
    UPLOAD = "upload"
    IMPORTED = "imported"


class ParentLink(_Record):
    """One edge of a picture's history: which picture acted on it, and how."""

    image_id: str | None = Field(description="None where the parent's record is not in this collection.")
    pixel_sha256: str
    role: Role
    order: int
    weight: float = 1.0


class ImageRecord(_Record):
    """A picture of the collection. Immutable but for star, name, tags and the trash."""

    id: str
    sha256: str = Field(description="SHA-256 of the stored file.")
    pixel_sha256: str = Field(description="SHA-256 of size and RGB(A) pixels, whatever the metadata.")
    width: int
    height: int
    mime: str = "image/png"
    size_bytes: int
    category: Category
    label: str = Field(description="Names the model for made pictures, the file for uploads.")
    name: str | None = Field(default=None, description="The artist's own name for it.")
    model: str | None = None
    created_at: datetime
    starred: bool = False
    trashed_at: datetime | None = None
    tags: tuple[str, ...] = ()
    job_id: str | None = None
    batch_index: int | None = None
    seed: int | None = Field(default=None, description="The seed of this very picture (batch seed + index).")
    request: GenerationRequest | None = None
    parents: tuple[ParentLink, ...] = ()
    children: tuple[str, ...] = ()
    notes: tuple[str, ...] = Field(default=(), description="Said while it was made or taken in.")
    provenance: dict[str, Any] = Field(default_factory=dict)


class JobStatus(StrEnum):
    """Life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobError(_Record):
    """Why a job failed, in words for the artist."""

    code: str
    message: str


class JobRecord(_Record):
    """A job as everybody sees it."""

    id: str
    status: JobStatus
    phase: str | None = None
    step: int = 0
    total_steps: int = 0
    eta_seconds: float | None = None
    position: int | None = Field(default=None, description="0 is next, for queued jobs.")
    error: JobError | None = None
    images: tuple[str, ...] = ()
    request: GenerationRequest
    timings: dict[str, float] = Field(default_factory=dict)
    notices: tuple[str, ...] = ()
    preview: int = Field(default=0, description="Counts up with each new preview; 0: none yet.")
    has_control_image: bool = False
    cancel_requested: bool = False
    tab: str | None = Field(default=None, description="The browser tab that asked, for its own gallery.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None


class WorkerState(_Record):
    """What the worker process is doing."""

    state: Literal["starting", "ready", "busy", "restarting", "down"]
    device: str | None = None
    detail: str = ""


class QueueSnapshot(_Record):
    """Everything a page needs to draw the queue; `version` rises with every change."""

    version: int
    worker: WorkerState
    jobs: tuple[JobRecord, ...] = Field(description="Running, queued in order, then finished, newest first.")


class Cost(_Record):
    """What a model costs on this machine; None: not measured yet."""

    seconds: float | None = None
    vram_mb: int | None = None


class ModelInfo(_Record):
    """A model of the catalogue as the selector shows it."""

    id: str
    label: str
    family: str
    description: str = ""
    modes: tuple[str, ...]
    edit: bool = Field(description="Takes references.")
    available: Literal["ready", "downloadable", "missing"]
    licence: str
    defaults: dict[str, dict[str, Any]] = Field(
        description="Per mode: guidance_scale, num_inference_steps, and strength where it is used."
    )
    limits: dict[str, dict[str, Any]] = Field(
        description="Per mode: fields (knobs in use), guidance_scale [low, high], "
        "num_inference_steps [low, high], min_references, max_references, roles, control_kinds."
    )
    cost: Cost = Cost()


class ImagePage(_Record):
    """One page of a listing; `next` is the cursor of the following page or None."""

    items: tuple[ImageRecord, ...]
    next: str | None = None
