"""Request → complete request: pure functions, no torch, no files.

`complete` closes what the artist left open (model, seed, size, strength) and refuses what cannot be
done; the studio calls it at submit and shows its notices before generating. Completing a complete request
changes nothing. What the pipelines are called with follows from a complete request alone: see `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.catalog import add_ons
from pipelines.catalog.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.families.route import STUDIO_DEFAULTS, Route
from pipelines.families.setting import Setting, Slider
from pipelines.families.settings import SETTINGS
from pipelines.modes import MODES, Mode
from pipelines.planning import enlarging, face_fixing, prompt_words, small_models
from pipelines.planning.alternatives import Lists, no_lists
from pipelines.planning.dimensions import settle_result, settle_size
from pipelines.planning.draft import Draft
from pipelines.planning.plan import compose, effective_steps
from pipelines.planning.reference_checks import settle_references
from pipelines.request import (
    MAX_SEED,
    RANDOM_SEED,
    CompleteRequest,
    Control,
    ControlKind,
    GenerationRequest,
    Role,
)
from pipelines.spec import ModelSpec

_ADD_ONS = {"loras": "LoRAs", "vae": "other VAE", "ip_adapter": "other IP-Adapter"}
_NUMBERS = tuple((setting, setting.number) for setting in SETTINGS if setting.number)


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete request and what the artist should be told about it."""

    request: CompleteRequest
    notices: tuple[str, ...] = ()
    composed_prompt: str | None = None
    """What the model reads, where that is more than the artist's own words."""


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
    draft = Draft(request, catalog, spec, route, sizes)
    draft.changes["model"] = spec.id
    _seed(draft, draw_seed)
    _prompt(draft)
    if not (again or _is_drawn(request)):
        _words(draft, lists)
    settle_references(draft)
    _numbers(draft)
    _weak_guidance(draft)
    _strength(draft)
    _quick_draft(draft)
    _control(draft)
    _add_ons(draft)
    settle_size(draft)
    if not again:
        settle_result(draft)
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


def _prompt(draft: Draft) -> None:
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


def _words(draft: Draft, lists: Lists) -> None:
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


def _numbers(draft: Draft) -> None:
    for setting, slider in _NUMBERS:
        _number(draft, setting, slider)


def _number(draft: Draft, setting: Setting, slider: Slider) -> None:
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


def _weak_guidance(draft: Draft) -> None:
    read = draft.request.negative_prompt and draft.route.negative_prompt
    if read and draft.route.guidance_arg and draft.changes["guidance_scale"] <= 1:
        draft.notices.append(
            "A guidance of 1 leaves the negative prompt without effect. Raise guidance to use it."
        )


def _strength(draft: Draft) -> None:
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


def _quick_draft(draft: Draft) -> None:
    """Whether steps are left out: only where the model can, and where there are steps to leave out."""
    if not draft.request.quick_draft:
        return
    cache = draft.route.step_cache
    steps = effective_steps(int(draft.changes["num_inference_steps"]), draft.changes["strength"], draft.route)
    if cache is None or not draft.route.drafts:
        draft.notices.append(
            f"{draft.spec.label} makes no quick drafts in {draft.label}; the picture is made in full."
        )
    elif not cache.guessed(steps):
        draft.notices.append(
            f"Of {steps} steps a quick draft would leave out none; the picture is made in full."
        )
    else:
        return
    draft.changes["quick_draft"] = False


def _least_strength(steps: int, route: Route) -> float:
    """The smallest strength in whole hundredths with which at least one step runs."""
    return next(n / 100 for n in range(1, 101) if effective_steps(steps, n / 100, route) >= 1)


def _control(draft: Draft) -> None:
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


def _add_ons(draft: Draft) -> None:
    """Files of the models folder: those this mode has no use for are left out with words."""
    for name, many in _ADD_ONS.items():
        if getattr(draft.request, name) and not getattr(draft.route, name):
            draft.changes[name] = GenerationRequest.model_fields[name].default
            draft.notices.append(f"{draft.spec.label} takes no {many} in {draft.label}; it is left out.")
    asked = draft.request.model_copy(update=draft.changes)
    draft.notices.extend(add_ons.check(draft.catalog, draft.spec, asked))


def _taught(draft: Draft) -> None:
    """What the model was never taught, of what it reads: choices made, tags taken out."""
    spec, sized = draft.spec, (draft.changes["width"], draft.changes["height"])
    drawn = draft.changes.get("drawn") or draft.request.drawn
    prompts = [each.prompt for each in drawn] or [draft.request.prompt]
    said = small_models.unknown_words(spec, draft.catalog.folder(spec), *prompts)
    draft.notices.extend((*said, *small_models.unusual_shape(spec, *sized)))


def _faces(draft: Draft, *, again: bool) -> None:
    """Which faces are fixed, or whether they are afterwards."""
    wish, notice = face_fixing.wished(draft.catalog, draft.spec, draft.route, draft.request, again=again)
    draft.changes["fix_face"] = wish
    after = face_fixing.caution(draft.catalog, draft.spec, draft.route, wish)
    draft.notices.extend(filter(None, (notice, draft.spec.cautions.get(draft.request.mode), after)))


def _enlargers(draft: Draft, *, again: bool) -> None:
    """What enlarges the finished pictures, and what a source before it is redrawn."""
    request, route, changes = draft.request, draft.route, draft.changes
    changes["upscaler"] = enlarging.before_redrawing(draft.catalog, route, request)
    side = max(int(changes["width"]), int(changes["height"]))
    sized = changes.get("result_size") not in (None, "model")
    finish = request.finish if again else enlarging.finish(draft.catalog, route, request, side, sized=sized)
    changes["finish"] = finish
    if not (again or "finish" not in request.model_fields_set):
        draft.notices.extend(enlarging.lessened(request.finish, finish, sized=sized))


def _seed(draft: Draft, draw_seed: Callable[[], int]) -> None:
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
