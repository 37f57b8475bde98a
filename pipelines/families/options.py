"""What entries of every family may say about their files.

Pure declarations. Locations are paths inside the model's folder, or `hub://owner/name/path` for another
repository.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.families.route import Route
from pipelines.request import ControlKind, Mode, Role

ADAPTED = (Mode.CHARACTER_REFERENCE, Mode.STYLE_REFERENCE)
"""Modes in which IP-Adapters act."""
AdapterRole = Literal[Role.CHARACTER, Role.STYLE]
Scheduler = Literal[
    "DDIMScheduler",
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "FlowMatchEulerDiscreteScheduler",
    "LCMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
]


class StockOptions(BaseModel):
    """Options that make sense for any family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: Scheduler | None = Field(default=None, description="None: the model's own.")
    scheduler_options: dict[str, Any] = Field(default_factory=dict[str, Any])
    loras: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="safetensors files woven into the weights, with their weights.",
    )

    def always_needed(self) -> tuple[str, ...]:
        """Locations that every mode needs."""
        return tuple(self.loras)

    def needed_for(self, mode: Mode) -> tuple[str, ...]:
        """Locations `mode` needs beyond the base model."""
        del mode  # families with parts of their own say more
        return self.always_needed()


class ControlOptions(StockOptions):
    """Options of families with ControlNets."""

    controlnets: dict[ControlKind, str] = Field(default_factory=dict[ControlKind, str])

    def narrow_control(self, route: Route) -> Route:
        """A ControlNet route with the kinds there are files for. Raises ValueError where there are none."""
        if not self.controlnets:
            raise ValueError("'controlnet' needs options.controlnets")
        return replace(route, control_kinds=tuple(kind for kind in ControlKind if kind in self.controlnets))

    def needed_for(self, mode: Mode) -> tuple[str, ...]:
        """Locations `mode` needs beyond the base model."""
        controlnets = tuple(self.controlnets.values()) if mode is Mode.CONTROLNET else ()
        return (*super().needed_for(mode), *controlnets)


class AdapterOptions(ControlOptions):
    """Options of families with IP-Adapters."""

    image_encoder: str | None = None
    feature_extractor: str | None = Field(default=None, description="None: CLIP's usual preparation.")
    ip_adapters: dict[AdapterRole, str] = Field(
        default_factory=dict[AdapterRole, str], description="safetensors files."
    )
    ip_scales: dict[AdapterRole, float] = Field(
        default_factory=dict[AdapterRole, float], description="Scale at weight 1.0."
    )

    def narrow_adapters(self, route: Route, mode: Mode) -> Route:
        """A route of IP-Adapters with the roles there are files for. Raises ValueError naming an option."""
        if self.image_encoder is None:
            raise ValueError(f"'{mode.value}' needs options.image_encoder")
        if route.roles[0] not in self.ip_adapters:
            raise ValueError(f"'{mode.value}' needs options.ip_adapters.{route.roles[0].value}")
        return replace(route, roles=tuple(role for role in route.roles if role in self.ip_adapters))

    def needed_for(self, mode: Mode) -> tuple[str, ...]:
        """Locations `mode` needs beyond the base model."""
        needed = super().needed_for(mode)
        if mode in ADAPTED and self.image_encoder:
            return (*needed, self.image_encoder, *self.ip_adapters.values())
        return needed
