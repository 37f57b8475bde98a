"""The nouns of character sheets. Frozen; knows no rows and no files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from pipelines.request import MAX_SEED, Guidance, Mode, Steps
from studio.characters.records import MAX_TEXT_CHARS, InputModel, Line, Record
from studio.records import JobStatus

MAX_CELLS = 64


class SheetCell(InputModel):
    """One picture of a sheet per seed: what stands under it, and its prompt."""

    label: Annotated[str, Field(min_length=1, max_length=60)]
    prompt: str = Field(max_length=MAX_TEXT_CHARS)


class SheetChoices(Record):
    """What a sheet can vary; the lists are proposals to be edited."""

    expressions: tuple[str, ...]
    angles: tuple[str, ...]
    outfits: tuple[str, ...]
    lights: tuple[str, ...]


class SheetAsk(InputModel):
    """What a sheet is to vary."""

    expressions: Annotated[tuple[Line, ...], Field(max_length=MAX_CELLS)] = ()
    angles: Annotated[tuple[Line, ...], Field(max_length=MAX_CELLS)] = ()
    outfits: Annotated[tuple[Line, ...], Field(max_length=MAX_CELLS)] = ()
    lights: Annotated[tuple[Line, ...], Field(max_length=MAX_CELLS)] = ()
    edit: bool = Field(default=False, description="Prompts that edit the anchor, not ones that describe.")


class SheetWish(InputModel):
    """A sheet to be made: cells times seeds."""

    cells: Annotated[tuple[SheetCell, ...], Field(min_length=1, max_length=MAX_CELLS)]
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=-1, le=MAX_SEED)], ...], Field(min_length=1, max_length=8)
    ] = (-1,)
    mode: Mode | None = Field(
        default=None, description="None: Character Reference where the set has pictures."
    )
    model: Annotated[str, Field(max_length=128)] | None = None
    aspect_ratio: Annotated[str, Field(max_length=16)] | None = None
    guidance_scale: Guidance | None = None
    num_inference_steps: Steps | None = None


class SheetPicture(Record):
    """One picture of a sheet."""

    label: str
    seed: int
    job_id: str
    status: JobStatus
    step: int
    total_steps: int
    error: str | None
    image_id: str | None


class Sheet(Record):
    """A character sheet, made or being made: pictures by cell, then by seed."""

    id: str
    character_id: str
    created_at: datetime
    pictures: tuple[SheetPicture, ...]
    columns: int = Field(description="Pictures of one cell: one per seed.")
    image_id: str | None = Field(description="The laid-out sheet, once all jobs have ended.")
    total: int
    ended: int
