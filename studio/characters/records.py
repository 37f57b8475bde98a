"""The nouns of characters and designs, as scripts and pages see them. Frozen; knows no rows and no files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import MAX_REFERENCES, MAX_SEED, Guidance, Mode, Reference, Steps
from studio.history_records import Change
from studio.records import JobStatus

MAX_NAME_CHARS = 120
MAX_VALUE_CHARS = 500
MAX_TEXT_CHARS = 10_000
MAX_FREE_FIELDS = 40
_Id = Annotated[str, Field(min_length=1, max_length=64)]
Line = Annotated[str, Field(max_length=MAX_VALUE_CHARS)]


class Record(BaseModel):
    """Base of what REST answers."""

    model_config = ConfigDict(frozen=True)


class InputModel(BaseModel):
    """Base of what REST takes; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- blueprint ------------------------------------------------------------------------------


class FieldName(StrEnum):
    """The blueprint's own fields, in the order they are shown and spoken."""

    AGE = "age"
    FACE = "face"
    EYES = "eyes"
    HAIR = "hair"
    SKIN = "skin"
    BUILD = "build"
    MARKS = "marks"
    OUTFIT = "outfit"
    ACCESSORIES = "accessories"
    EXPRESSION = "expression"
    POSE = "pose"


class BlueprintField(InputModel):
    """One thing that is said of a character; locked: it must not change."""

    value: Line = ""
    locked: bool = False


class FreeField(InputModel):
    """A field of the artist's own."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    value: Line = ""
    locked: bool = False


class BlueprintDraft(InputModel):
    """A blueprint as it is to be saved; `revision` is the one that was read before it was edited."""

    revision: int = Field(ge=0)
    fields: dict[FieldName, BlueprintField] = Field(default_factory=dict[FieldName, BlueprintField])
    free: Annotated[tuple[FreeField, ...], Field(max_length=MAX_FREE_FIELDS)] = ()
    script: str = Field(default="", max_length=MAX_TEXT_CHARS, description="Who this is, in free text.")


class Blueprint(Record):
    """What is said of a character. Every own field is there, empty where nothing is said."""

    character_id: str
    revision: int = Field(description="Counts up with every save; 0: never saved.")
    updated_at: datetime | None
    fields: dict[FieldName, BlueprintField]
    free: tuple[FreeField, ...]
    script: str


class PickerEntry(Record):
    """One entry of the field picker."""

    field: str = Field(description="Name of the field; free ones have the artist's name.")
    label: str
    text: str = Field(description="What is inserted at the caret.")
    locked: bool


class BlueprintWords(Record):
    """What the blueprint gives prompts to work with."""

    picker: tuple[PickerEntry, ...] = Field(description="Fields of which something is said, in order.")
    identity_line: str = Field(description="All locked fields, for “insert all locked”.")
    keep: tuple[PickerEntry, ...] = Field(description="A keep clause for each locked field, for smart edits.")
    description: str = Field(description="Auto-describe: from blueprint and script context.")


# --- characters and versions ----------------------------------------------------------------


class Crop(InputModel):
    """A rectangle on the upright, untouched picture, in its pixels."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    aspect: Literal["free", "1:1", "3:4"] = "free"


class Avatar(Record):
    """What of which picture is the character's avatar."""

    image_id: str
    version_id: str | None
    crop: Crop


class CropGuess(Record):
    """A first rectangle for the crop tool."""

    crop: Crop
    around: Literal["face", "figure", "middle"] = Field(
        description="A face that was found, the head of what stands out from the margins, or nothing: "
        "then it is the upper middle."
    )


class Portrait(Record):
    """The picture a character has now."""

    version_id: str
    number: int
    image_id: str
    width: int
    height: int


class CharacterSummary(Record):
    """A row of the list."""

    id: str
    name: str
    position: int
    archived: bool
    versions: int = Field(description="Outside the trash, without proposed ones.")
    proposed: int = Field(description="Versions that wait to be accepted or left.")
    references: int
    portrait: Portrait | None
    avatar: Avatar | None
    other_design: bool = Field(
        description="There is an active design and the portrait was not made under it."
    )
    created_at: datetime
    updated_at: datetime


class Character(CharacterSummary):
    """A character with all that is said of it."""

    description: str = Field(description="Pre-fills the image prompt.")
    blueprint: Blueprint


class VersionSource(StrEnum):
    """How a version came."""

    GENERATED = "generated"
    UPLOAD = "upload"
    PICTURE = "picture"
    """A picture that was in the collection: chosen there or brought back from the studio."""
    CAST = "cast"
    """Made to bring the character to a design."""
    IMPORTED = "imported"


class VersionState(StrEnum):
    """Whether a version is one of the character's, or only proposed."""

    KEPT = "kept"
    PROPOSED = "proposed"
    LEFT = "left"
    """Proposed and declined: not among the versions, still a picture of the character."""


class PortraitVersion(Record):
    """One portrait of a character; never changed, never overwritten."""

    id: str
    character_id: str
    number: int = Field(description="Counts up, never used again.")
    place: int = Field(
        description="“3 of 7”: counted from the oldest that is listed; 0 in the trash or left."
    )
    total: int
    current: bool
    state: VersionState
    source: VersionSource
    image_id: str
    width: int
    height: int
    created_at: datetime
    trashed_at: datetime | None
    label: str
    model: str | None
    mode: Mode | None
    seed: int | None
    prompt: str
    negative_prompt: str
    guidance_scale: float | None
    num_inference_steps: int | None
    design_id: str | None
    design_name: str | None
    changes: tuple[Change, ...] = Field(
        description="Against the picture it was made from, else the version before."
    )


class Versions(Record):
    """All versions of a character, newest first."""

    items: tuple[PortraitVersion, ...]
    current_id: str | None


# --- reference set --------------------------------------------------------------------------


class ReferenceItem(Record):
    """A picture of the set."""

    image_id: str
    anchor: bool
    width: int
    height: int
    colours: float | None = Field(
        default=None,
        description="How far the main colours around the head are from the anchor's (CIEDE2000); None: not "
        "measured yet, or it is the anchor.",
    )
    disagrees: bool = Field(default=False, description="They are so far that it may be somebody else.")


class ReferenceSet(Record):
    """The approved pictures that hold a character's identity, in order; exactly one is the anchor."""

    character_id: str
    items: tuple[ReferenceItem, ...]
    warning: str | None = Field(default=None, description="Where the set disagrees with itself.")


# --- portrait modal -------------------------------------------------------------------------


class PortraitDefaults(Record):
    """What the modal starts with: description, active design, reference set."""

    prompt: str
    style_prompt: str
    design_id: str | None
    negative_prompt: str
    model: str | None
    mode: Mode
    aspect_ratio: str
    seed: int | None = Field(description="None: random.")
    guidance_scale: float | None
    num_inference_steps: int | None
    references: tuple[Reference, ...]


# --- designs --------------------------------------------------------------------------------


class SeedPolicy(StrEnum):
    """Where portraits made under a design get their seed from."""

    RANDOM = "random"
    FIXED = "fixed"


class DesignReference(InputModel):
    """A style reference of a design."""

    image_id: _Id
    weight: float = Field(default=1.0, ge=0.0, le=2.0)


class DesignDraft(InputModel):
    """A design as it is sent. In a change, fields that are left out stay as they are."""

    name: str = Field(default="", max_length=MAX_NAME_CHARS)
    style_prompt: str = Field(default="", max_length=MAX_TEXT_CHARS)
    negative_prompt: str = Field(default="", max_length=MAX_TEXT_CHARS)
    model: Annotated[str, Field(max_length=128)] | None = None
    aspect_ratio: Annotated[str, Field(max_length=16)] | None = None
    seed_policy: SeedPolicy = SeedPolicy.RANDOM
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    guidance_scale: Guidance | None = None
    num_inference_steps: Steps | None = None
    references: Annotated[tuple[DesignReference, ...], Field(max_length=MAX_REFERENCES)] = ()


class Design(Record):
    """A named production design: one style for the whole cast."""

    id: str
    name: str
    active: bool
    style_prompt: str
    negative_prompt: str
    model: str | None
    aspect_ratio: str | None
    seed_policy: SeedPolicy
    seed: int | None
    guidance_scale: float | None
    num_inference_steps: int | None
    references: tuple[DesignReference, ...]
    created_at: datetime
    updated_at: datetime


class DesignUse(Record):
    """Under which design a character's portrait was made."""

    character_id: str
    name: str
    version_id: str
    image_id: str
    design_id: str | None
    design_name: str | None
    same: bool


class CastWish(InputModel):
    """Bring these characters (none: all that were made under another design) to a design."""

    characters: Annotated[tuple[_Id, ...], Field(max_length=2000)] = ()
    mode: Literal[Mode.SMART_EDIT, Mode.STYLE_REFERENCE] = Mode.SMART_EDIT


class CastJob(Record):
    """One character's job of a cast run."""

    character_id: str
    name: str
    job_id: str
    status: JobStatus
    step: int
    total_steps: int
    error: str | None
    version_id: str | None = Field(description="The proposed version, once it is made.")
    image_id: str | None
    state: VersionState | None


class Skipped(Record):
    """A character for whom no job was queued, and why."""

    character_id: str
    name: str
    reason: str


class CastRun(Record):
    """“Bring the cast to this design”, once."""

    id: str
    design_id: str | None
    mode: Mode
    created_at: datetime
    jobs: tuple[CastJob, ...]
    skipped: tuple[Skipped, ...]
    total: int
    ended: int = Field(description="Jobs that are done, failed or cancelled.")


class Imported(Record):
    """A character that was taken in, and what could not be."""

    character: Character
    notes: tuple[str, ...] = ()
