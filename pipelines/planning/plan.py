"""What one complete request comes to: the numbers a pipeline is called with. Pure; no torch, no catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pipelines.events import Box
from pipelines.families.route import Route
from pipelines.families.step_cache import StepCache
from pipelines.planning import faces
from pipelines.request import (
    CompleteRequest,
    Control,
    Extend,
    Finish,
    GenerationRequest,
    Keep,
    Lora,
    Mode,
    ResultSize,
    Role,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one complete request comes to: the numbers the pipeline is called with."""

    mode: Mode
    route: Route
    pipeline: str
    prompt: str
    composed_prompt: str
    """What the model reads: the prompt, with words for the references' roles where it needs them."""
    negative_prompt: str
    """These are the first picture's; see `for_picture`."""
    weighed: bool
    """Marks in the words say how much they count, and what is longer than the encoder is read in parts."""
    guidance_scale: float
    steps: int
    effective_steps: int
    """Steps really run for each picture: fewer than `steps` where strength is below 1."""
    strength: float | None
    width: int
    height: int
    seeds: tuple[int, ...]
    """One per picture: the request's seed, counting up."""
    references: tuple[tuple[Role, str, float], ...]
    """(role, image id, weight) in the artist's order."""
    control: Control | None
    result_size: Literal["source", "model"] | ResultSize | None = None
    keep: Keep | None = None
    extend: Extend | None = None
    """Canvas to add around the source before anything else is done to it, in its px."""
    fit: Literal["crop", "extend"] | None = None
    loras: tuple[Lora, ...] = ()
    vae: str | None = None
    ip_adapter: str | None = None
    finish: Finish | None = None
    upscaler: str | None = None
    """The enlarger that goes before a redrawing model."""
    step_cache: StepCache | None = None
    """What a quick draft leaves out; None: nothing is."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Where the add-ons named in the request lie, by id."""
    heads: tuple[Box, ...] = ()
    """Of the source, in px: those that are drawn anew where only heads are."""
    words: tuple[tuple[str, str, str], ...] = ()
    """Per picture prompt, composed prompt and negative prompt, where they differ from each other."""

    def for_picture(self, index: int) -> Plan:
        """The plan with the words of one picture."""
        if not self.words:
            return self
        prompt, composed, negative = self.words[index]
        return replace(self, prompt=prompt, composed_prompt=composed, negative_prompt=negative)

    @property
    def enlarger(self) -> str | None:
        """The model that enlarges beside the one that draws: before it redraws, or what it has drawn."""
        return self.upscaler or (self.finish.upscaler if self.finish else None)

    @property
    def finished(self) -> tuple[int, int]:
        """Width and height in px of a picture that was finished."""
        scale = self.finish.scale if self.finish else 1
        return self.width * scale, self.height * scale


def plan(
    request: CompleteRequest,
    route: Route,
    files: Mapping[str, Path] | None = None,
    heads: Sequence[Box] = (),
) -> Plan:
    """`files`: the request's add-ons by id; `heads`: of its source. Raises RequestError: no head to draw."""
    strength = request.strength if route.strength else None
    words = _words(request, route)
    first = words[0]
    return Plan(
        mode=request.mode,
        route=route,
        pipeline=route.pipeline_for({request.role_of(r) for r in request.references}),
        prompt=first[0],
        composed_prompt=first[1],
        negative_prompt=first[2],
        weighed=bool(request.drawn) and route.weights,
        words=words if len(set(words)) > 1 else (),
        guidance_scale=request.guidance_scale,
        steps=request.num_inference_steps,
        effective_steps=effective_steps(request.num_inference_steps, strength, route),
        strength=strength,
        width=request.width,
        height=request.height,
        seeds=tuple(request.seed + i for i in range(request.num_images)),
        references=tuple((request.role_of(r), r.image_id, r.weight) for r in request.references),
        control=request.control,
        result_size=request.result_size,
        keep=request.keep,
        extend=request.extend,
        fit=request.fit,
        loras=request.loras,
        vae=request.vae,
        ip_adapter=request.ip_adapter,
        finish=request.finish,
        upscaler=request.upscaler,
        step_cache=route.step_cache if request.quick_draft and route.drafts else None,
        heads=faces.chosen(heads, request.fix_face) if route.patches else (),
        files=files or {},
    )


def _words(request: CompleteRequest, route: Route) -> tuple[tuple[str, str, str], ...]:
    """Prompt, composed prompt and negative prompt of each picture; one entry where all read the same."""
    if not request.drawn:
        return ((request.prompt, compose(request, route), request.negative_prompt),)
    return tuple(
        (each.prompt, compose(request, route, index), each.negative_prompt)
        for index, each in enumerate(request.drawn)
    )


def effective_steps(steps: int, strength: float | None, route: Route) -> int:
    """Steps that are run for each picture, in [0, steps]."""
    if strength is None:
        return steps
    share = steps * strength
    return min(math.ceil(share) if route.strength_rounding == "ceil" else int(share), steps)


def compose(request: GenerationRequest, route: Route, picture: int = 0) -> str:
    """The prompt as the model reads it for one of the pictures."""
    prompt = request.drawn[picture].prompt if request.drawn else request.prompt
    if route.wording is None:
        return prompt
    roles = [role for role in map(request.role_of, request.references) if role is not Role.MASK]
    return route.wording.compose(prompt, roles)
