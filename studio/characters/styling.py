"""A request under a design: its style prompt joined, its values where the artist left fields open. Pure."""

from __future__ import annotations

from typing import Any

from pipelines.request import GenerationRequest
from studio.characters import wording
from studio.characters.records import Design, SeedPolicy

_FIELDS = ("negative_prompt", "model", "guidance_scale", "num_inference_steps")


def under(design: Design | None, request: GenerationRequest, *, styled: bool) -> GenerationRequest:
    """The request as it is made under this design; what both leave open stays so, for the model to fill."""
    if design is None:
        return request
    wanted: dict[str, Any] = {name: getattr(design, name) for name in _FIELDS}
    wanted["seed"] = seed_of(design)
    if request.width is None and request.height is None:
        wanted["aspect_ratio"] = design.aspect_ratio
    given = request.model_dump(exclude_unset=True)
    opened = {name: value for name, value in wanted.items() if value and given.get(name) in (None, -1)}
    prompt = wording.joined(request.prompt, design.style_prompt) if styled else request.prompt
    return GenerationRequest.model_validate({**given, **opened, "prompt": prompt})


def seed_of(design: Design | None) -> int | None:
    """The seed that portraits of this design share; None: each has its own."""
    return design.seed if design is not None and design.seed_policy is SeedPolicy.FIXED else None
