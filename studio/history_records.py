"""The nouns of a picture's past: what changed, its family, how far it drifted, its batch, its second make.

As `records`: the JSON of REST and of the page, made by the collection.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from pipelines.request import GenerationRequest
from studio.records import ImageRecord, ImageSummary, JobStatus, ParentRole, Record


class Change(Record):
    """One thing that differs between two requests."""

    field: str = Field(description="As in the request: prompt, guidance_scale, references …")
    before: str | None
    after: str | None
    words: str = Field(description="“guidance 3.5 → 5”, “+ 'serious expression'”.")


class Drift(Record):
    """How far a picture is from its anchor."""

    structure: float = Field(description="SSIM of luminance: 1 is the same, 0 nothing in common.")
    colour: float = Field(description="Mean CIEDE2000 over a coarse grid: 0 is the same, 2 just visible.")
    face: float | None = Field(default=None, description="Likeness of the face; None: not measured.")


class FamilyNode(Record):
    """A picture in its family tree."""

    image: ImageSummary
    generation: int
    drift: Drift | None = Field(default=None, description="From its anchor, where it was measured before.")


class FamilyEdge(Record):
    """What one picture was to another."""

    child_id: str
    parent_id: str | None
    parent_pixel_sha256: str
    role: ParentRole
    order: int
    weight: float
    primary: bool = Field(description="The tree's own edge: the picture that was edited, else the first.")
    changes: tuple[Change, ...] = Field(default=(), description="Of primary edges: against the parent.")


class FamilyTree(Record):
    """Everything a picture descends from, and everything that descends from that."""

    root_ids: tuple[str, ...]
    nodes: tuple[FamilyNode, ...]
    edges: tuple[FamilyEdge, ...]
    truncated: bool = Field(description="There are more pictures than are shown.")


class BranchStep(Record):
    """A picture between the anchor and the one that was asked for, with its drift."""

    image_id: str
    depth: int = Field(description="Generations from the anchor.")
    drift: Drift
    changed: float | None = Field(
        default=None,
        description="Share of its source's pixels that this edit changed, the others being the very same; "
        "null where that is not known.",
    )


class DriftReport(Record):
    """How a line has moved away from its anchor."""

    anchor_id: str
    depth: int = Field(description="Generations from the anchor to the picture.")
    drift: Drift
    face_reason: str | None = Field(default=None, description="Why the face was not measured.")
    branch: tuple[BranchStep, ...] = Field(description="From the anchor to the picture.")
    suggestion: str | None = None


class Reproduction(Record):
    """A picture made once more, and how alike it came out."""

    job_id: str
    image_id: str
    result_id: str | None = Field(
        description="The new picture; null where pixels are identical or none came."
    )
    created_at: datetime
    status: JobStatus | None = Field(description="Of its job; null where the job is not known any more.")
    verdict: Literal["identical", "close", "different"] | None = Field(description="Null until it is done.")
    measures: dict[str, float] = Field(
        default_factory=dict, description="mean_difference and max_difference of 0–255, ssim."
    )
    differences: tuple[str, ...] = Field(default=(), description="What could explain it, in words.")


class BatchSweep(Record):
    """The sweep, or the edit over many pictures, that a batch is of."""

    id: str
    axes: tuple[str, ...] = Field(description="`picture` alone: one edit over many pictures.")
    request: GenerationRequest = Field(description="As it was asked for, before the axes.")
    total: int = Field(description="Its places; not all need have a picture.")


class Batch(Record):
    """The pictures of one Generate, of one character sheet or of one sweep."""

    job_id: str = Field(description="Of the newest picture; any job of the batch stands for it.")
    created_at: datetime
    title: str | None = Field(default=None, description="What it is, where that is more than one Generate.")
    sweep: BatchSweep | None = None
    request: GenerationRequest
    images: tuple[ImageSummary, ...] = Field(description="Outside the trash, in order.")
    trashed: int
    seconds: float | None = Field(default=None, description="Per picture, without waiting and loading.")
    memory_mb: int | None = None


class BatchPage(Record):
    """One page of the history."""

    items: tuple[Batch, ...]
    next: str | None = None


class ImageDetails(Record):
    """Everything there is to say about one picture."""

    image: ImageRecord
    seconds: float | None = Field(default=None, description="It took, without waiting and loading.")
    memory_mb: int | None = None
    batch: tuple[ImageSummary, ...] = Field(description="The pictures of the same Generate, itself included.")
    references: tuple[ImageSummary, ...] = Field(description="In order, as far as they are here.")
    changes: tuple[Change, ...] = Field(description="Against the picture it was made from.")
    anchor_id: str
    reproduces: str | None = Field(default=None, description="The picture this one is a second make of.")
    rights_lines: tuple[str, ...] = Field(description="Inherited from the pictures it was made from.")
