"""FLUX.1: dev, Kontext (edits one picture) and Fill (paints inside a mask).

This file holds the tables (torch-free); what runs is `pipelines.running.families.flux1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pipelines.families.base import Family, merged
from pipelines.families.checkpoints import adapted, choosing, masked, needed
from pipelines.families.options import AdapterOptions
from pipelines.families.route import Route
from pipelines.families.step_cache import StepCache
from pipelines.request import ControlKind, Mode, Role

Checkpoint = Literal["dev", "kontext", "fill"]


class Options(AdapterOptions):
    """What an entry of this family says."""

    checkpoint: Checkpoint = "dev"


_DRAWN = Route(
    pipeline="FluxPipeline", negative_prompt=False, size_multiple=16, vae=True, step_cache=StepCache()
)
_PAINTED_OVER = replace(
    _DRAWN,
    pipeline="FluxImg2ImgPipeline",
    reference_arg="image",
    roles=(Role.SOURCE,),
    min_references=1,
    max_references=1,
    size_source="reference",
    strength=True,
    strength_rounding="ceil",
)
_MASKED = masked(_PAINTED_OVER, "FluxInpaintPipeline")
CHECKPOINTS: Mapping[Checkpoint, Mapping[Mode, Route]] = {
    "dev": {
        mode: route.with_defaults({"num_inference_steps": 28})
        for mode, route in {
            Mode.TEXT_TO_IMAGE: _DRAWN,
            Mode.IMG2IMG: _PAINTED_OVER,
            Mode.CHARACTER_REFERENCE: adapted(_DRAWN, Role.CHARACTER, Role.STYLE),
            Mode.STYLE_REFERENCE: adapted(_DRAWN, Role.STYLE, Role.CHARACTER),
            Mode.INPAINT: _MASKED,
            Mode.CONTROLNET: replace(
                _PAINTED_OVER,
                pipeline="FluxControlNetPipeline",
                pipeline_with=((Role.SOURCE, "FluxControlNetImg2ImgPipeline"),),
                reference_arg="control_image",
                roles=(Role.STRUCTURE, Role.SOURCE),
                max_references=2,
                role_limits=((Role.STRUCTURE, 1), (Role.SOURCE, 1)),
                control_kinds=tuple(ControlKind),
                control_networks=True,
            ),
        }.items()
    },
    "kontext": {
        mode: route.with_defaults({"guidance_scale": 2.5, "num_inference_steps": 28})
        for mode, route in {
            Mode.TEXT_TO_IMAGE: replace(_DRAWN, pipeline="FluxKontextPipeline"),
            Mode.SMART_EDIT: replace(
                _PAINTED_OVER,
                pipeline="FluxKontextPipeline",
                strength=False,
                strength_rounding=None,
                shows="whole",
            ),
            Mode.INPAINT: replace(_MASKED, pipeline="FluxKontextInpaintPipeline"),
        }.items()
    },
    "fill": {
        Mode.INPAINT: replace(_MASKED, pipeline="FluxFillPipeline", guidance_range=(1.0, 30.0)).with_defaults(
            {"guidance_scale": 30.0, "num_inference_steps": 50}
        )
    },
}


FOLDERS = {
    "FluxPipeline": {},
    "FluxKontextPipeline": {"checkpoint": "kontext"},
    "FluxFillPipeline": {"checkpoint": "fill"},
}
FAMILY = Family(
    routes=merged(CHECKPOINTS),
    options=Options,
    narrow=choosing(CHECKPOINTS),
    needed_files=needed,
    base="flux1",
    folders=FOLDERS,
)
