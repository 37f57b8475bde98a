"""What entries of every family may say about their files.

Pure declarations. Locations are paths inside the model's folder, or `hub://owner/name/path` for another
repository.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.request import ControlKind, Mode, Role
from pipelines.route import Route

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
    scheduler_options: dict[str, Any] = Field(default_factory=dict)
    loras: dict[str, float] = Field(
        default_factory=dict, description="safetensors files woven into the weights, with their weights."
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

    controlnets: dict[ControlKind, str] = Field(default_factory=dict)

    def narrow_control(self, route: Route) -> Route:
        """A ControlNet route with the kinds there are files for. Raises ValueError where there are none."""
        if not self.controlnets:
            raise ValueError("'controlnet' needs options.controlnets")
        return replace(route, control_kinds=tuple(kind for kind in ControlKind if kind in self.controlnets))

    def needed_for(self, mode: Mode) -> tuple[str, ...]:
        """Locations `mode` needs beyond the base model."""
        controlnets = tuple(self.controlnets.values()) if mode is Mode.CONTROLNET else ()
        return (*super().needed_for(mode), *controlnets)
