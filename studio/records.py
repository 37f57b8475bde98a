"""The nouns scripts and pages see: pictures, jobs, models, the queue's snapshot.

These are the JSON of REST and of server-sent events and what the page's widgets are fed with. They
are made by the collection and the queue, and know neither. How a picture came to be: `history_records`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.families.limits import Limits
from pipelines.memory.planner import Hardware
from pipelines.request import GenerationRequest, Mode, Role


class Record(BaseModel):
    """Base of what REST answers: immutable."""

    model_config = ConfigDict(frozen=True)


class Category(StrEnum):
    """Where a picture came from."""

    GENERATED = "generated"
    EDITED = "edited"
    UPLOAD = "upload"
    IMPORTED = "imported"
    AVATAR = "avatar"
    SHEET = "sheet"
    """A character sheet: pictures laid out on one."""
    CONTROL = "control"
    """Made on the way to a picture (an outline, a depth map); listed only when asked for."""


class Rights(Record):
    """What the artist says about a picture that was not made here; None: not stated."""

    source: str | None = Field(default=None, max_length=500, description="“my own photo”, a client, a place.")
    licence: str | None = Field(default=None, max_length=500)
    consent: str | None = Field(default=None, max_length=500, description="“release signed 3 May”.")


ParentRole = Role | Literal["control"]
"""A reference's role; “control” is the control image that was made from the structure reference."""


class ParentLink(Record):
    """One edge of a picture's history: which picture acted on it, and how."""

    image_id: str | None = Field(description="None where the parent's record is not in this collection.")
    pixel_sha256: str
    role: ParentRole
    order: int
    weight: float = 1.0


class ImageRecord(Record):
    """A picture of the collection. Immutable but for star, name, tags, rights, anchor and the trash."""

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
    mode: Mode | None = None
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
    characters: tuple[str, ...] = Field(default=(), description="Ids of the characters it is a picture of.")
    notes: tuple[str, ...] = Field(default=(), description="Said while it was made or taken in.")
    provenance: dict[str, Any] = Field(default_factory=dict)
    depth: int = Field(default=0, description="Generations since the first picture of its line.")
    anchor: bool = Field(default=False, description="Later pictures of its line are measured against it.")
    rights: Rights | None = None
    purged_at: datetime | None = Field(
        default=None, description="Taken out of the trash for good; kept only for what was made from it."
    )


class JobStatus(StrEnum):
    """Life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobError(Record):
    """Why a job failed, in words for the artist."""

    code: str
    message: str


class JobRecord(Record):
    """A job as everybody sees it."""

    id: str
    status: JobStatus
    phase: str | None = None
    step: int = 0
    total_steps: int = 0
    tile: int = Field(default=0, description="How many tiles are done of a picture that is made in tiles.")
    tiles: int = Field(default=0, description="In how many tiles it is made; 0: in one piece.")
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
    worker: str = Field(default="", description="Who makes it, where there are several workers.")
    tab: str | None = Field(default=None, description="The browser tab that asked, for its own gallery.")
    repeat: bool = Field(default=False, description="When it is done, the same is asked for with a new seed.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None


WorkState = Literal["starting", "ready", "busy", "restarting", "down"]


class WorkerInfo(Record):
    """One of several workers."""

    name: str
    machine: str
    state: WorkState
    device: str | None = None
    detail: str = ""
    model: str | None = Field(default=None, description="Of the last job it was given.")


class WorkerState(Record):
    """What the worker process is doing; where there are several, all of them together."""

    state: WorkState
    device: str | None = None
    detail: str = ""
    hardware: Hardware | None = Field(
        default=None, description="What the worker found: kind, name, memory in bytes, packages."
    )
    workers: tuple[WorkerInfo, ...] = Field(default=(), description="Of several machines or cards.")


class QueueSwitches(Record):
    """How the artist wants the queue to go on; kept over restarts."""

    paused: bool = Field(default=False, description="No further job begins; the running one ends as usual.")
    loaded_first: bool = Field(
        default=False, description="Jobs of the model in memory may go before others, a few at a time."
    )


class QueueSnapshot(QueueSwitches):
    """Everything a page needs to draw the queue; `version` rises with every change."""

    version: int
    worker: WorkerState
    jobs: tuple[JobRecord, ...] = Field(description="Running, queued in order, then finished, newest first.")
    waiting: int = Field(default=0, description="How many are queued; of very many, `jobs` lists the first.")
    held: str | None = Field(default=None, description="Why no job goes on: what the disk refuses, in words.")


class Cost(Record):
    """What a model costs on this machine; None: not measured yet."""

    seconds: float | None = None
    vram_mb: int | None = None


class AddOnInfo(Record):
    """A file of the models folder that a model can use: `id` is what a request names."""

    id: str
    name: str
    kind: Literal["lora", "controlnet", "ip_adapter", "vae"]
    weight: float = Field(default=1.0, description="What its maker advises, else 1.")
    triggers: tuple[str, ...] = Field(default=(), description="Words that call it up.")
    certain: bool = Field(description="Its file says that it was made for models of this kind.")


class ModelInfo(Record):
    """A model of the catalogue as the selector shows it."""

    id: str
    label: str
    family: str
    description: str = ""
    modes: tuple[str, ...]
    edit: bool = Field(
        description="Edits by instruction, or follows what reference pictures show; one that only paints "
        "over its source, along its outlines or inside a mask does not."
    )
    available: Literal["ready", "downloadable", "missing"]
    licence: str
    defaults: dict[str, dict[str, float]] = Field(
        description="Per mode: guidance_scale, num_inference_steps, and strength where it is used."
    )
    limits: dict[str, Limits] = Field(description="Per mode: settings in use, ranges, references and roles.")
    examples: dict[str, tuple[str, ...]] = Field(
        default={}, description="Per mode: things to ask of it, in words it knows."
    )
    sources: Literal["any", "drawings"] = Field(
        default="any", description="What it can refine; `drawings`: it knows no photographs."
    )
    cost: Cost = Cost()
    default_for: tuple[str, ...] = Field(default=(), description="Modes the artist lets begin with it.")
    add_ons: tuple[AddOnInfo, ...] = Field(default=(), description="Of the models folder, that go with it.")


class Checked(Record):
    """A request as it would be carried out, with what the artist should be told of it."""

    request: GenerationRequest | None = Field(description="Null where it would be refused.")
    notices: tuple[str, ...] = ()
    refusal: str | None = None


class ImagePage(Record):
    """One page of a listing; `next` is the cursor of the following page or None."""

    items: tuple[ImageRecord, ...]
    next: str | None = None


class Sort(StrEnum):
    """Order of a listing. `size` is the file's, largest first; `name` goes by name, else label."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    SIZE = "size"


class ImageIds(Record):
    """The ids of a filter in the order of its listing."""

    ids: tuple[str, ...]
    total: int = Field(description="How many there are; more than `ids` beyond the limit.")


class ImageStops(Record):
    """Where a virtual grid can jump to: item `n * every` follows `cursors[n]`.

    The first cursor stands before the first picture that there is now (null: there is none).
    """

    total: int
    every: int
    cursors: tuple[str | None, ...]


class Facets(Record):
    """How many pictures outside the trash there are of each kind."""

    total: int
    trashed: int
    starred: int
    category: dict[str, int]
    model: dict[str, int]
    mode: dict[str, int]
    tag: dict[str, int]


class BulkResult(Record):
    """What a change of many pictures did."""

    changed: int
    unchanged: int = Field(description="Were like that already.")
    missing: int = Field(description="Are not in the collection.")


class Emptied(Record):
    """What emptying the trash did."""

    deleted: int = Field(description="Pictures that are gone, file and all.")
    kept: int = Field(description="Taken out of every list; the file stays for pictures made from it.")


class Winners(Record):
    """What picking winners did; `restore` the trashed ones to undo it."""

    kept: tuple[str, ...]
    trashed: tuple[str, ...]


class ImageSummary(Record):
    """Enough of a picture to draw its thumbnail."""

    id: str
    width: int
    height: int
    category: Category
    label: str
    name: str | None
    prompt: str | None = Field(default=None, description="The beginning of it, to call the picture by.")
    model: str | None
    mode: Mode | None
    seed: int | None
    job_id: str | None
    batch_index: int | None
    created_at: datetime
    starred: bool
    anchor: bool
    trashed_at: datetime | None
    purged_at: datetime | None
