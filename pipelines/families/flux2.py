"""FLUX.2: klein (4B, 9B, with and without distillation, with a cache of its references) and dev.

The model looks at up to ten whole pictures and is told in words what each is for. This file holds the
tables (torch-free); what runs is `pipelines.running.families.flux2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from pipelines.families.base import Family, merged
from pipelines.families.checkpoints import by_reference, choosing, needed
from pipelines.families.options import StockOptions
from pipelines.families.route import Route
from pipelines.families.step_cache import StepCache
from pipelines.families.wording import EDITING
from pipelines.request import MAX_REFERENCES, Mode, Role

Checkpoint = Literal["klein", "klein-base", "klein-kv", "dev"]


class Options(StockOptions):
    """What an entry of this family says."""

    checkpoint: Checkpoint = Field(default="klein", description="Which of the family's models it is.")


_DRAWN = Route(pipeline="Flux2KleinPipeline", size_multiple=16, vae=True, step_cache=StepCache())
_EDITED = replace(
    _DRAWN,
    reference_arg="image",
    roles=(Role.SOURCE, Role.CHARACTER, Role.STYLE, Role.STRUCTURE),
    min_references=1,
    max_references=MAX_REFERENCES,
    min_reference_px=64,
    size_source="reference",
    wording=EDITING,
)
_PAINTED_OVER = replace(
    _DRAWN,
    pipeline="Flux2KleinInpaintPipeline",
    reference_arg="image",
    roles=(Role.SOURCE,),
    min_references=1,
    max_references=1,
    min_reference_px=64,
    size_source="reference",
    strength=True,
    strength_rounding="ceil",
)
_MASKED = replace(
    _PAINTED_OVER,
    mask_arg="mask_image",
    roles=(Role.SOURCE, Role.MASK, Role.CHARACTER, Role.STYLE),
    max_references=3,
    role_limits=((Role.SOURCE, 1), (Role.MASK, 1), (Role.CHARACTER, 1), (Role.STYLE, 1)),
    wording=replace(EDITING, source_first=True),
    defaults=(("strength", 1.0),),
)
_WITH_REFERENCES: dict[Mode, Route] = {Mode.TEXT_TO_IMAGE: _DRAWN, **by_reference(_EDITED)}
_BASE = {**_WITH_REFERENCES, Mode.IMG2IMG: _PAINTED_OVER, Mode.INPAINT: _MASKED}


def _distilled(routes: Mapping[Mode, Route]) -> dict[Mode, Route]:
    """A distilled model's route: four steps, no guidance, no negative prompt."""
    return {
        mode: replace(route, guidance_arg=None, negative_prompt=False, step_cache=None).with_defaults(
            {"num_inference_steps": 4}
        )
        for mode, route in routes.items()
    }


CHECKPOINTS: Mapping[Checkpoint, Mapping[Mode, Route]] = {
    "klein": _distilled(_BASE),
    "klein-base": {
        mode: route.with_defaults({"guidance_scale": 4.0, "num_inference_steps": 50})
        for mode, route in _BASE.items()
    },
    "klein-kv": {
        mode: replace(route, pipeline="Flux2KleinKVPipeline")
        for mode, route in _distilled(_WITH_REFERENCES).items()
    },
    "dev": {
        mode: replace(route, pipeline="Flux2Pipeline", negative_prompt=False).with_defaults(
            {"guidance_scale": 4.0, "num_inference_steps": 28}
        )
        for mode, route in _WITH_REFERENCES.items()
    },
}


FOLDERS = {
    "Flux2KleinPipeline": {},
    "Flux2KleinKVPipeline": {"checkpoint": "klein-kv"},
    "Flux2Pipeline": {"checkpoint": "dev"},
}
FAMILY = Family(
    routes=merged(CHECKPOINTS),
    options=Options,
    narrow=choosing(CHECKPOINTS),
    needed_files=needed,
    base="flux2",
    folders=FOLDERS,
    told_apart={("Flux2KleinPipeline", "is_distilled", False): {"checkpoint": "klein-base"}},
)
