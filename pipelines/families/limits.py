"""Within which limits a model works in one mode, as the page, the coach and scripts read it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import MAX_REFERENCES, ControlKind, Role

ALWAYS: tuple[str, ...] = ("aspect_ratio", "num_images", "num_inference_steps", "prompt", "seed")
"""Settings of the request that do something wherever a model draws."""


class Limits(BaseModel):
    """One mode of one model. Ranges are [lowest, highest], both included."""

    model_config = ConfigDict(frozen=True)

    fields: tuple[str, ...] = Field(
        default=ALWAYS, description="Settings of the request that do something, by name."
    )
    guidance_scale: tuple[float, float] = (1.0, 20.0)
    num_inference_steps: tuple[int, int] = (1, 150)
    roles: tuple[Role, ...] = Field(default=(), description="Roles it tells apart; the first is the default.")
    role_limits: dict[Role, int] = Field(default={}, description="Most references of each role.")
    min_references: int = 0
    max_references: int = MAX_REFERENCES
    reference_weights: bool = Field(default=False, description="A reference's weight has an effect.")
    control_kinds: tuple[ControlKind, ...] = ()
    control_timing: bool = Field(default=True, description="When the control begins and ends can be said.")
    control_networks: bool = Field(default=False, description="A ControlNet of the models folder can act.")
    size_multiple: int = Field(default=8, description="Widths and heights are multiples of this, in pixels.")
    shapes: tuple[str, ...] = Field(
        default=(), description="Aspect ratios the model was made for, the usual one first; none: all."
    )
    size_source: Literal["request", "reference"] = Field(
        default="request", description="Whose size the picture takes when none is asked for."
    )
