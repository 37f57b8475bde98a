"""Request → complete request → plan: pure functions, no torch, no files.

`complete` closes what the artist left open (model, seed, size, strength) and refuses what cannot be
done; the studio calls it at submit and shows its notices before generating. `plan` turns a complete
request into the numbers a pipeline call is made of. Completing a complete request changes nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.catalog import add_ons
from pipelines.catalog.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.families.route import STUDIO_DEFAULTS, Route
from pipelines.families.setting import Setting, Slider
from pipelines.families.settings import SETTINGS
from pipelines.modes import MODES, Mode
from pipelines.planning import enlarging, extending, face_fixing, fitting, prompt_words, small_models
from pipelines.planning import sizes as sizing
from pipelines.planning.alternatives import Lists, no_lists
from pipelines.planning.plan import Plan, compose, effective_steps, plan
from pipelines.request import (
    MAX_RESULT_PX,
    MAX_SEED,
    MODE_LABEL,
    RANDOM_SEED,
    REFINEMENTS,
    CompleteRequest,
    Control,
    ControlKind,
    GenerationRequest,
    Keep,
    Reference,
    ResultSize,
    Role,
)
from pipelines.spec import ModelSpec

__all__ = ["Completion", "Plan", "complete", "compose", "effective_steps", "plan"]

_ADD_ONS = {"loras": "LoRAs", "vae": "other VAE", "ip_adapter": "other IP-Adapter"}
_NUMBERS = tuple((setting, setting.number) for setting in SETTINGS if setting.number)
_RESULT_SHAPE = 0.02
"""How far the shapes of model's picture and result may lie apart beyond what the model's steps make."""
_MASK_SHAPE = 0.02
"""How far the shapes of mask and source may lie apart: sizes are rounded to the model's steps."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete request and what the artist should be told about it."""

    request: CompleteRequest
    notices: tuple[str, ...] = ()
    composed_prompt: str | None = None
    """What the model reads, where that is more than the artist's own words."""


@dataclass(slots=True)
class _Draft:
    """A request while it is being completed."""

    request: GenerationRequest
    catalog: Catalog
    spec: ModelSpec
    route: Route
    sizes: Mapping[str, tuple[int, int]]
    notices: list[str] = field(default_factory=list[str])
    changes: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def label(self) -> str:
        return MODE_LABEL[self.request.mode]

    def left_open(self, name: str) -> bool:
        return name not in self.request.model_fields_set


def complete(
    request: GenerationRequest,
    catalog: Catalog,
    sizes: Mapping[str, tuple[int, int]],
    draw_seed: Callable[[], int],
    lists: Lists = no_lists,
    *,
    again: bool = False,
) -> Completion:
    """Close the open fields of `request`.

    `sizes`: (width, height) of each referenced picture by id. `draw_seed`: a random seed in
    [0, 2**32). `lists`: what a prompt names as `__list__`. `again`: it was complete once, maybe by an earlier
    version's rules. Raises RequestError (field and words) where the request cannot be carried out, and
    NotFound for an unknown model.
    """
    spec, route = _model(request, catalog)
    route = route if again else small_models.as_taught(route)
    draft = _Draft(request, catalog, spec, route, sizes)
    draft.changes["model"] = spec.id
    _seed(draft, draw_seed)
    _prompt(draft)
    if not (again or _is_drawn(request)):
        _words(draft, lists)
    _references(draft)
    for setting, slider in _NUMBERS:
        _number(draft, setting, slider)
    _weak_guidance(draft)
    _strength(draft)
    _control(draft)
    _add_ons(draft)
    _size(draft)
    if not again:
        _result(draft)
    _enlargers(draft, again=again)
    _faces(draft, again=again)
    _taught(draft)
    done = CompleteRequest.model_validate({**request.model_dump(), **draft.changes})
    composed = compose(done, draft.route)
    if composed == done.prompt:
        return Completion(done, tuple(draft.notices))
    return Completion(done, (*draft.notices, f"The model reads: {composed}"), composed)


def _model(request: GenerationRequest, catalog: Catalog) -> tuple[ModelSpec, Route]:
    """The model and how it does the mode; one that was named may turn out not to be usable."""
    named = request.model or (request.upscaler if request.mode is Mode.UPSCALE else None)
    spec = catalog.default_model(request.mode) if named is None else catalog.get(named)
    route = catalog.route(spec.id, request.mode)
    reason = None if named is None else catalog.unavailable_reason(spec.id, request.mode)
    if reason:
        raise RequestError(reason, field="model")
    return spec, route


def _prompt(draft: _Draft) -> None:
    request = draft.request
    what = MODES[request.mode].prompt_for
    if not request.prompt.strip() and what:
        raise RequestError(f"The prompt is empty. Describe {what}.", field="prompt")
    if request.negative_prompt and not draft.route.negative_prompt:
        draft.changes["negative_prompt"] = ""
        draft.notices.append(
            f"{draft.spec.label} does not read a negative prompt in {draft.label}; it is left out."
        )


def _is_drawn(request: GenerationRequest) -> bool:
    return request.seed != RANDOM_SEED and len(request.drawn) == request.num_images


def _words(draft: _Draft, lists: Lists) -> None:
    """Make the choices, read the lists and take the tags of LoRAs for what they mean, for each picture."""
    request, route = draft.request, draft.route
    written = prompt_words.PromptTexts(
        request.prompt, request.negative_prompt if route.negative_prompt else "", route.weights
    )
    read = prompt_words.read(written, int(draft.changes["seed"]), request.num_images, lists)
    draft.changes["drawn"] = read.drawn
    draft.notices.extend(read.notices(draft.spec.label))
    if read.loras and route.loras:
        loras, unknown = add_ons.called_up(draft.catalog, draft.spec, request.loras, read.loras)
        draft.changes["loras"] = loras
        draft.notices.extend(
            f"There is no LoRA “{name}” for {draft.spec.label} in the models folder; its tag is left out."
            for name in unknown
        )
    elif read.loras:
        draft.notices.append(f"{draft.spec.label} takes no LoRAs in {draft.label}; their tags are left out.")


def _references(draft: _Draft) -> None:
    request, route = draft.request, draft.route
    beside = len(request.with_role(Role.MASK)) if route.refines else 0
    if len(request.references) - beside > route.max_references:
        raise RequestError(_too_many(draft), field="references")
    roles = Counter(request.role_of(r) for r in request.references)
    for number, reference in enumerate(request.references, start=1):
        _check_reference(draft, number, reference)
    if len(request.references) - beside < route.min_references:
        raise RequestError(_too_few(draft), field="references")
    for role in route.required_roles:
        if not roles[role]:
            raise RequestError(_missing_role(draft, role), field="references")
    _check_mask(draft)
    for role, count in roles.items():
        limit = route.role_limit(role)
        if count > limit:
            raise RequestError(
                f"{draft.label} takes {limit} {role} reference, not {count}. "
                "Remove some, or give them other roles.",
                field="references",
            )
    draft.changes["references"] = _closed_references(draft)


def _closed_references(draft: _Draft) -> tuple[Reference, ...]:
    """Each with its role; weights where the route has no use for them become neutral, with words."""
    given = draft.request.references
    weights = [r.weight if draft.route.reference_weights else 1.0 for r in given]
    if weights != [r.weight for r in given]:
        draft.notices.append(f"A reference's weight does nothing in {draft.label}; it is left out.")
    return tuple(
        r.model_copy(update={"role": draft.request.role_of(r), "weight": weight})
        for r, weight in zip(given, weights, strict=True)
    )


def _too_many(draft: _Draft) -> str:
    limit, given = draft.route.max_references, len(draft.request.references)
    if limit == 0:
        return f"{draft.label} takes no references. Remove them, or choose a mode that uses them."
    few = "1 reference" if limit == 1 else f"{limit} references"
    who = f"{draft.label} with {draft.spec.label}"
    return f"{who} takes at most {few}, not {given}. Remove some, or choose another mode."


def _too_few(draft: _Draft) -> str:
    if not draft.request.references:
        return f"{draft.label} needs a reference: add a portrait to the References panel."
    return f"{draft.label} needs {draft.route.min_references} references."


def _missing_role(draft: _Draft, role: Role) -> str:
    if role is Role.MASK:
        return f"{draft.label} needs a mask: a picture that is white where the source may change."
    return f"{draft.label} needs a {role} reference: give one of the references the role {role}."


def _check_mask(draft: _Draft) -> None:
    """A mask of another shape would lie crookedly over its source."""
    masks = draft.request.with_role(Role.MASK)
    sources = draft.request.with_role(Role.SOURCE)
    if not (masks and sources):
        return
    shapes = [width / height for width, height in (draft.sizes[r.image_id] for r in (masks[0], sources[0]))]
    if abs(math.log(shapes[0] / shapes[1])) > _MASK_SHAPE:
        raise RequestError(
            "The mask has another shape than its source. Paint it on the source itself.", field="references"
        )


def _check_reference(draft: _Draft, number: int, reference: Reference) -> None:
    role = draft.request.role_of(reference)
    if role not in draft.route.known_roles:
        known = " or ".join(r.value for r in draft.route.known_roles)
        raise RequestError(
            f"{draft.label} with {draft.spec.label} can't use reference {number} as {role}. "
            f"Set its role to {known}, or remove it.",
            field="references",
        )
    width, height = draft.sizes[reference.image_id]
    if min(width, height) < draft.route.min_reference_px:
        least = draft.route.min_reference_px
        raise RequestError(
            f"Reference {number} is only {width}×{height} px. Use one of at least {least} px a side.",
            field="references",
        )


def _number(draft: _Draft, setting: Setting, slider: Slider) -> None:
    """The artist's number, or the model's own where the artist has left it open; inside the model's range."""
    name = setting.field
    value: float = getattr(draft.request, name)
    if draft.left_open(name):
        value = draft.route.default.get(name, value)
    if name in draft.route.no_use_for:
        given = None if draft.left_open(name) else value
        draft.notices.extend(small_models.no_better(draft.spec, setting, given, draft.route))
    elif name not in draft.route.fields:
        standard = GenerationRequest.model_fields[name].default
        if not draft.left_open(name) and value != standard:
            draft.notices.append(f"{draft.spec.label} has no {setting.called}; the setting is left out.")
        draft.changes[name] = standard
        return
    low, high = slider.range(draft.route.limits)
    if not low <= value <= high:
        goes = f"{setting.heading} {'go' if setting.plural else 'goes'}"
        raise RequestError(f"{goes} from {low:g} to {high:g} with {draft.spec.label}.", field=name)
    draft.changes[name] = value


def _weak_guidance(draft: _Draft) -> None:
    read = draft.request.negative_prompt and draft.route.negative_prompt
    if read and draft.route.guidance_arg and draft.changes["guidance_scale"] <= 1:
        draft.notices.append(
            "A guidance of 1 leaves the negative prompt without effect. Raise guidance to use it."
        )


def _strength(draft: _Draft) -> None:
    request, route = draft.request, draft.route
    has_source = bool(request.with_role(route.strength_role))
    if not (route.strength and has_source):
        if request.strength is not None:
            draft.notices.append(
                f"Influence does nothing in {draft.label} without a picture to start from; it is left out."
            )
        draft.changes["strength"] = None
        return
    strength = request.strength
    if strength is None:
        strength = float({**STUDIO_DEFAULTS, **route.default}["strength"])
    steps = int(draft.changes["num_inference_steps"])
    if effective_steps(steps, strength, route) < 1:
        least = _least_strength(steps, route)
        draft.notices.append(
            f"With {steps} steps an influence of {1 - strength:.0%} would change nothing; "
            f"{1 - least:.0%} (strength {least:g}) is used, the most that leaves one step."
        )
        strength = least
    draft.changes["strength"] = strength


def _least_strength(steps: int, route: Route) -> float:
    """The smallest strength in whole hundredths with which at least one step runs."""
    return next(n / 100 for n in range(1, 101) if effective_steps(steps, n / 100, route) >= 1)


def _control(draft: _Draft) -> None:
    request, route = draft.request, draft.route
    if not (route.control_kinds and request.with_role(Role.STRUCTURE)):
        if request.control is not None:
            draft.notices.append(f"Control settings do nothing in {draft.label}; they are left out.")
        draft.changes["control"] = None
        return
    control = request.control or Control(kind=ControlKind(route.control_kinds[0]))
    if control.kind not in route.control_kinds:
        known = " or ".join(route.control_kinds)
        raise RequestError(
            f"{draft.spec.label} has no ControlNet for {control.kind}. Choose {known}.", field="control"
        )
    if control.start >= control.end:
        raise RequestError(
            "The control must begin before it ends. Set its start below its end.", field="control"
        )
    if not route.control_timing and (control.start, control.end) != (0.0, 1.0):
        draft.notices.append(f"{draft.spec.label} holds the lines from first to last step.")
        control = control.model_copy(update={"start": 0.0, "end": 1.0})
    if control.network and not route.control_networks:
        draft.notices.append(f"{draft.spec.label} uses its own ControlNet; the other one is left out.")
        control = control.model_copy(update={"network": None})
    draft.changes["control"] = control


def _add_ons(draft: _Draft) -> None:
    """Files of the models folder: those this mode has no use for are left out with words."""
    for name, many in _ADD_ONS.items():
        if getattr(draft.request, name) and not getattr(draft.route, name):
            draft.changes[name] = GenerationRequest.model_fields[name].default
            draft.notices.append(f"{draft.spec.label} takes no {many} in {draft.label}; it is left out.")
    asked = draft.request.model_copy(update=draft.changes)
    draft.notices.extend(add_ons.check(draft.catalog, draft.spec, asked))


def _taught(draft: _Draft) -> None:
    """What the model was never taught, of what it reads: choices made, tags taken out."""
    spec, sized = draft.spec, (draft.changes["width"], draft.changes["height"])
    drawn = draft.changes.get("drawn") or draft.request.drawn
    prompts = [each.prompt for each in drawn] or [draft.request.prompt]
    said = small_models.unknown_words(spec, draft.catalog.folder(spec), *prompts)
    draft.notices.extend((*said, *small_models.unusual_shape(spec, *sized)))


def _faces(draft: _Draft, *, again: bool) -> None:
    """Which faces are fixed, or whether they are afterwards."""
    wish, notice = face_fixing.wished(draft.catalog, draft.spec, draft.route, draft.request, again=again)
    draft.changes["fix_face"] = wish
    draft.notices.extend(filter(None, (notice,)))


def _enlargers(draft: _Draft, *, again: bool) -> None:
    """What enlarges the finished pictures, and what a source before it is redrawn."""
    request, route, changes = draft.request, draft.route, draft.changes
    changes["upscaler"] = enlarging.before_redrawing(draft.catalog, route, request)
    side = max(int(changes["width"]), int(changes["height"]))
    sized = changes.get("result_size") not in (None, "model")
    finish = request.finish if again else enlarging.finish(draft.catalog, route, request, side, sized=sized)
    changes["finish"] = finish
    if not (again or "finish" not in request.model_fields_set):
        draft.notices.extend(enlarging.lessened(request.finish, finish, sized=sized))


def _size(draft: _Draft) -> None:
    request = draft.request
    if draft.route.enlarges:
        source = _leading_size(draft)
        assert source is not None  # the route needs a source
        _enlarging(draft, source)
        return
    if draft.route.extends:
        _extending(draft)
        return
    if draft.route.patches:
        side = sizing.snapped(draft.spec.resolution, draft.route.size_multiple)
        draft.changes.update(width=side, height=side, aspect_ratio=None, scale=None)
        return
    if request.scale is not None:
        draft.notices.append(f"A scale does nothing in {draft.label}; it is left out.")
        draft.changes["scale"] = None
    source = sizing.SizeWish(
        width=request.width,
        height=request.height,
        aspect_ratio=request.aspect_ratio,
        reference=_shaping_size(draft),
        prefer_reference=draft.route.size_source == "reference",
    )
    decided = sizing.decide(source, draft.spec.resolution, draft.route.size_multiple)
    most = sizing.MOST_AREA * draft.spec.resolution**2
    if decided.width * decided.height > most:
        side = math.isqrt(most)
        raise RequestError(
            f"{draft.spec.label} can't make {decided.width}×{decided.height} px. "
            f"Choose a size of about {side}×{side} px at most.",
            field="width",
        )
    draft.changes.update(width=decided.width, height=decided.height)
    draft.notices.extend(decided.notices)
    _fit(draft)


def _extending(draft: _Draft) -> None:
    """The canvas that is added, and the size its parts are painted at."""
    source, spec, multiple = _leading_size(draft), draft.spec, draft.route.size_multiple
    assert source is not None  # the route needs a source
    extend = extending.margins(draft.request.extend, draft.request.aspect_ratio, source)
    size = extending.working_size(extend, source, spec.resolution, multiple, spec.shapes)
    draft.changes.update(extend=extend, width=size[0], height=size[1], aspect_ratio=None)


def _fit(draft: _Draft) -> None:
    """What is done with a source of another shape than the picture."""
    source = _leading_size(draft) if draft.request.with_role(Role.SOURCE) else None
    size = int(draft.changes["width"]), int(draft.changes["height"])
    made = fitting.fit(draft.request, source, size, draft.catalog, draft.spec, draft.route)
    draft.changes.update(fit=made.fit, extend=made.extend)
    draft.notices.extend(made.notices)


def _result(draft: _Draft) -> None:
    """Size of the finished picture, and whether what was not asked to change stays."""
    request = draft.request
    sources = request.with_role(Role.SOURCE) if request.mode in REFINEMENTS else ()
    if not sources:
        if request.result_size not in (None, "model"):
            draft.notices.append(f"{draft.label} refines no source, so the picture has the model's own size.")
        draft.changes.update(result_size=None, keep=None)
        return
    masked = draft.route.mask_arg is not None
    size, keep = request.result_size or "source", None if masked else request.keep or Keep()
    if draft.route.extends:
        size = "source"
    source = fitting.fitted(draft.changes, draft.sizes[sources[0].image_id])
    if size != "model" and (words := _unfit(draft, source, size)):
        draft.notices.extend([words] if request.result_size else [])
        size, keep = "model", keep and keep.model_copy(update={"enabled": False})
    draft.changes.update(result_size=size, keep=keep)
    if size != "model":
        result = source if size == "source" else (size.width, size.height)
        draft.notices.extend(_sizes_in_words(draft, result, as_reference=size == "source"))


def _unfit(draft: _Draft, source: tuple[int, int], size: Literal["source"] | ResultSize) -> str | None:
    """Why the picture cannot come at `size`, in words."""
    width, height = draft.changes["width"], draft.changes["height"]
    steps = draft.route.size_multiple * (1 / width + 1 / height) / 2
    result = source if size == "source" else (size.width, size.height)
    if result[0] * result[1] > MAX_RESULT_PX:
        most = MAX_RESULT_PX // 1_000_000
        return f"The picture comes at the model's own size: {most} megapixels are the most it can be made of."
    long = max(source[0] / source[1], source[1] / source[0]) > sizing.MOST_STRETCHED
    apart = abs(math.log(result[0] / result[1] * height / width))
    if not (long or draft.route.extends) and apart > _RESULT_SHAPE + steps:
        return "The picture comes at the model's own size, because it has another shape than its source."
    return None


def _sizes_in_words(draft: _Draft, result: tuple[int, int], *, as_reference: bool) -> Iterator[str]:
    width, height = draft.changes["width"], draft.changes["height"]
    if result != (width, height):
        said = draft.changes.get("fit") or draft.changes.get("extend") is not None
        said = "" if said or not as_reference else ", as the reference"
        yield f"{result[0]}×{result[1]}{said} · the model works at {width}×{height}"


def _enlarging(draft: _Draft, source: tuple[int, int]) -> None:
    """The size of an enlarged picture, in place of everything that an enlarger has no use for."""
    made = enlarging.size(draft.request, draft.route, source)
    draft.changes.update(width=made.width, height=made.height, scale=made.scale, aspect_ratio=None)
    draft.notices.extend(made.notices)


def _leading_size(draft: _Draft) -> tuple[int, int] | None:
    """Size of the reference whose shape the picture follows: first source or structure, else the first."""
    references = draft.request.references
    shaping = [r for r in references if draft.request.role_of(r) in (Role.SOURCE, Role.STRUCTURE)]
    first = next(iter((*shaping, *references)), None)
    return draft.sizes[first.image_id] if first else None


def _shaping_size(draft: _Draft) -> tuple[int, int] | None:
    """The same with the canvas that is asked for around it."""
    size, extend = _leading_size(draft), fitting.wished(draft.request)
    return extend.around(*size) if size and extend else size


def _seed(draft: _Draft, draw_seed: Callable[[], int]) -> None:
    request = draft.request
    if not draft.route.draws:
        draft.changes["seed"] = max(request.seed, 0)
        return
    seed = draw_seed() if request.seed == RANDOM_SEED else request.seed
    last = seed + request.num_images - 1
    if last > MAX_SEED:
        most = MAX_SEED - request.num_images + 1
        raise RequestError(
            f"The seed is too large for {request.num_images} pictures. Use {most} or less.", field="seed"
        )
    draft.changes["seed"] = seed
