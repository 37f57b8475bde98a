"""Qwen-Image: the edit models (several references), the drawing models, and 2.1, which does both.

This file holds the tables (torch-free); what runs is `pipelines.running.families.qwen_image`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pipelines.families.base import Family, merged
from pipelines.families.checkpoints import by_reference, choosing, controlled, masked, needed
from pipelines.families.options import ControlOptions
from pipelines.families.route import Route
from pipelines.families.step_cache import StepCache
from pipelines.families.wording import EDITING
from pipelines.request import MAX_REFERENCES, Mode, Role

Checkpoint = Literal["edit", "image", "2.1", "2.1-turbo"]
EDIT_REFERENCES = 3
"""The edit models have learned to tell up to three pictures apart."""


class Options(ControlOptions):
    """What an entry of this family says."""

    checkpoint: Checkpoint = "edit"


_DRAWN = Route(
    pipeline="QwenImagePipeline",
    guidance_arg="true_cfg_scale",
    size_multiple=16,
    vae=True,
    step_cache=StepCache(),
)
_PAINTED_OVER = replace(
    _DRAWN,
    pipeline="QwenImageImg2ImgPipeline",
    reference_arg="image",
    roles=(Role.SOURCE,),
    min_references=1,
    max_references=1,
    size_source="reference",
    strength=True,
    strength_rounding="ceil",
)
_EDITED = replace(
    _DRAWN,
    pipeline="QwenImageEditPlusPipeline",
    reference_arg="image",
    roles=(Role.SOURCE, Role.CHARACTER, Role.STYLE, Role.STRUCTURE),
    min_references=1,
    max_references=EDIT_REFERENCES,
    size_source="reference",
    shows="whole",
    wording=replace(EDITING, picture="picture {number}"),
)


_21 = replace(_DRAWN, pipeline="QwenImage21Pipeline", size_multiple=32)
_WHOLE_21: dict[Mode, Route] = {
    Mode.TEXT_TO_IMAGE: _21,
    **by_reference(
        replace(
            _EDITED,
            pipeline=_21.pipeline,
            size_multiple=_21.size_multiple,
            max_references=MAX_REFERENCES,
            wording=EDITING,
        )
    ),
}
CHECKPOINTS: Mapping[Checkpoint, Mapping[Mode, Route]] = {
    "edit": {
        mode: route.with_defaults({"guidance_scale": 4.0, "num_inference_steps": 40})
        for mode, route in by_reference(_EDITED).items()
    },
    "image": {
        mode: route.with_defaults({"guidance_scale": 4.0, "num_inference_steps": 50})
        for mode, route in {
            Mode.TEXT_TO_IMAGE: _DRAWN,
            Mode.IMG2IMG: _PAINTED_OVER,
            Mode.INPAINT: masked(_PAINTED_OVER, "QwenImageInpaintPipeline"),
            Mode.CONTROLNET: controlled(_PAINTED_OVER, "QwenImageControlNetPipeline"),
        }.items()
    },
    "2.1": {
        mode: route.with_defaults({"guidance_scale": 1.0, "num_inference_steps": 40})
        for mode, route in _WHOLE_21.items()
    },
    "2.1-turbo": {
        mode: replace(
            route, guidance_arg=None, negative_prompt=False, steps_range=(8, 8), step_cache=None
        ).with_defaults({"num_inference_steps": 8})
        for mode, route in _WHOLE_21.items()
    },
}


FOLDERS = {
    "QwenImageEditPlusPipeline": {},
    "QwenImagePipeline": {"checkpoint": "image"},
    "QwenImage21Pipeline": {"checkpoint": "2.1"},
}
FAMILY = Family(
    routes=merged(CHECKPOINTS),
    options=Options,
    narrow=choosing(CHECKPOINTS),
    needed_files=needed,
    base="qwen-image",
    folders=FOLDERS,
)
