"""A model declares its own knobs: one `Route` per mode of a family.

Pure data. The page shows controls from it, `planning` checks requests against it, the family's file
builds the call from it, and a test holds it against `inspect.signature` of the installed class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.request import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one family does one mode."""

    pipeline: str
    """Class name in `diffusers`."""
    pipelines_used: tuple[str, ...] = ()
    """Further classes the route may pick (ControlNet with a source: the img2img class)."""
    reference_arg: str | None = None
    """Argument of the pipeline call that takes the references; None: takes none."""
    roles: tuple[Role, ...] = ()
    """Roles this route can tell apart; the first is the default."""
    min_references: int = 0
    max_references: int = 0
    guidance_arg: str | None = "guidance_scale"
    """None: guidance has no effect and its knob is hidden."""
    negative_prompt: bool = True
    strength: bool = False
    strength_rounding: Literal["floor", "ceil"] | None = None
    control_kinds: tuple[str, ...] = ()
    size_multiple: int = 8
    size_source: Literal["request", "reference"] = "request"
    """Whose size the picture takes when the artist picks none."""
    min_reference_px: int = 16
    step_callback: bool = True
    defaults: tuple[tuple[str, float | int], ...] = ()
    """Values that differ from the studio's own (3.5 guidance, 20 steps), by field name."""
    guidance_range: tuple[float, float] = (1.0, 20.0)
    steps_range: tuple[int, int] = (1, 150)

    @property
    def default(self) -> dict[str, float | int]:
        """`defaults` as a dictionary."""
        return dict(self.defaults)

    @property
    def fields(self) -> frozenset[str]:
        """Names of the request's knobs this route uses; the page shows these and no others."""
        used = {"prompt", "num_inference_steps", "seed", "num_images", "aspect_ratio"}
        if self.guidance_arg:
            used.add("guidance_scale")
        if self.negative_prompt:
            used.add("negative_prompt")
        if self.strength:
            used.add("strength")
        if self.control_kinds:
            used.add("control")
        if self.max_references:
            used.add("references")
        return frozenset(used)
