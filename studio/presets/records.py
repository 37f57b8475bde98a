"""A preset as presets.yaml has it, and as REST and the page see it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipelines.modes import Mode
from pipelines.request import GenerationRequest, Guidance, Steps

MOST_PRESETS = 500
PresetId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PresetSettings(_Written):
    """Settings of a request that the words need; those left out stay as they are."""

    guidance_scale: Guidance | None = None
    num_inference_steps: Steps | None = None
    strength: float | None = Field(default=None, ge=0.0, le=1.0)


class PresetVariant(_Written):
    """What a preset says where it is used with one of these models in one of these modes."""

    models: tuple[Annotated[str, Field(min_length=1, max_length=128)], ...] = Field(
        default=(), max_length=64, description="Ids or families of models; none: all that know its words."
    )
    modes: tuple[Mode, ...] = Field(default=(), description="None: all that read a prompt.")
    words: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)] = Field(
        description="For the prompt."
    )
    negative: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = Field(
        default="", description="For the negative prompt."
    )
    settings: PresetSettings = PresetSettings()


class PresetWish(_Written):
    """A preset without its id."""

    label: _Name
    group: _Name = Field(description="In a prompt a preset takes the place of another of its group.")
    says: tuple[PresetVariant, ...] = Field(
        min_length=1, max_length=64, description="The first that fits model and mode is used."
    )


class Preset(PresetWish):
    """One entry of presets.yaml."""

    id: PresetId


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class PresetRecord(_Record):
    """A preset, and what it would say for one model in one mode."""

    id: str
    label: str
    group: str
    origin: Literal["shipped", "own", "changed"] = Field(
        description="changed: one that comes with the studio, as the artist has made it."
    )
    preset: Preset = Field(description="All of it, to be edited.")
    says: PresetVariant | None = Field(
        description="What it would put into the request; null: nothing, see `reason`."
    )
    reason: str | None = None


class PresetPage(_Record):
    """All presets, by group."""

    model: str = Field(description="The model they are told for.")
    mode: Mode
    items: tuple[PresetRecord, ...]
    faults: tuple[str, ...] = Field(description="A sentence for each entry that cannot be read.")


class PresetApplied(_Record):
    """A request with a preset in its words, or without it where it was there before."""

    request: GenerationRequest
    on: bool = Field(description="Whether its words stand in the prompt now.")


class PresetsTaken(_Record):
    """What an import brought."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
