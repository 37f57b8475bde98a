"""Z-Image: Turbo (eight steps, no guidance) and the base model.

This file holds the tables (torch-free); what runs is `pipelines.running.families.z_image`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from pipelines.families.base import Family, merged
from pipelines.families.checkpoints import choosing, controlled, masked, needed
from pipelines.families.options import ControlOptions
from pipelines.families.route import Route
from pipelines.request import Mode, Role

Checkpoint = Literal["turbo", "base"]


class Options(ControlOptions):
    """What an entry of this family says."""

    checkpoint: Checkpoint = "turbo"
    control_config: dict[str, object] = Field(
        default_factory=dict[str, object], description="Shape of a ControlNet that comes as a single file."
    )


_PAINTED_OVER = Route(
    pipeline="ZImageImg2ImgPipeline",
    reference_arg="image",
    roles=(Role.SOURCE,),
    min_references=1,
    max_references=1,
    size_multiple=16,
    size_source="reference",
    strength=True,
    strength_rounding="ceil",
    guidance_range=(0.0, 20.0),
    vae=True,
)
_BASE: dict[Mode, Route] = {
    Mode.TEXT_TO_IMAGE: Route(
        pipeline="ZImagePipeline", size_multiple=16, guidance_range=(0.0, 20.0), vae=True
    ),
    Mode.IMG2IMG: _PAINTED_OVER,
    Mode.INPAINT: masked(_PAINTED_OVER, "ZImageInpaintPipeline"),
    Mode.CONTROLNET: replace(controlled(_PAINTED_OVER, "ZImageControlNetPipeline"), control_timing=False),
}
CHECKPOINTS: Mapping[Checkpoint, Mapping[Mode, Route]] = {
    "turbo": {
        mode: replace(route, guidance_arg=None, negative_prompt=False).with_defaults(
            {"num_inference_steps": 9}
        )
        for mode, route in _BASE.items()
    },
    "base": {
        mode: route.with_defaults({"guidance_scale": 5.0, "num_inference_steps": 50})
        for mode, route in _BASE.items()
    },
}


FOLDERS: dict[str, dict[str, object]] = {"ZImagePipeline": {}}
FAMILY = Family(
    routes=merged(CHECKPOINTS),
    options=Options,
    narrow=choosing(CHECKPOINTS),
    needed_files=needed,
    base="z-image",
    vaes=frozenset({"flux1"}),
    folders=FOLDERS,
)
