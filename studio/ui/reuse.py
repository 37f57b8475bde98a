"""What a picture was made with, taken over into the state of a tab.

Pure, like the state itself: a record or another tool's settings in, a new state out. Whether the references
are still there is told by the caller. Knows nothing of Gradio, of the service or of files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pipelines.errors import RequestError
from pipelines.request import DEFAULT_ROLE, Control, GenerationRequest, Reference
from studio.records import ImageRecord, ModelInfo
from studio.ui.knobs import find_model, influence_of, knobs_of
from studio.ui.loras import AddOns
from studio.ui.state import ASPECT_RATIOS, LIKE_REFERENCE, StudioState

_FRESH = {name: getattr(StudioState(), name) for name in StudioState.model_fields}
_NOT_IN_A_FILE = {
    "references", "mode", "model", "earlier_model", "model_picked", "model_begun", "knobs_of",
}  # fmt: skip
"""What stays where another tool's file is used again: pictures are not in it, and a picture needs a model."""


def reuse_seed(state: StudioState, record: ImageRecord) -> StudioState:
    """Take the seed of this very picture. Raises RequestError where it has none."""
    if record.seed is None:
        raise RequestError("This picture was not made here, so it has no seed to reuse.", field="seed")
    return state.model_copy(update={"seed": str(record.seed)})


def reuse_references(state: StudioState, record: ImageRecord, present: Collection[str]) -> StudioState:
    """Load the references the picture was made from, as far as they are in `present` (ids)."""
    request = _request_of(record)
    loaded = _loaded(request, present)
    state = state.model_copy(update={"mode": request.mode} if loaded else {})
    return state.with_references(loaded)


def apply_record(state: StudioState, record: ImageRecord, present: Collection[str]) -> StudioState:
    """Set everything as it was when the picture was made; references as far as they are in `present`."""
    request = _request_of(record)
    loaded = _loaded(request, present)
    control = request.control or Control()
    influence = _FRESH["influence"] if request.strength is None else influence_of(request.strength)
    return state.model_copy(
        update={
            "references": loaded,
            "mode": request.mode,
            "model": request.model or state.model,
            "earlier_model": None,
            "model_picked": True,
            "character": request.character,
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "guidance_scale": request.guidance_scale,
            "num_inference_steps": request.num_inference_steps,
            "seed": str(request.seed),
            "aspect_ratio": _shape_of(request),
            "num_images": request.num_images,
            "control_kind": control.kind,
            "control_weight": control.weight,
            "control_start": control.start,
            "control_end": control.end,
            "add_ons": AddOns.of(request),
            "influence": influence,
        }
    )


def apply_foreign(
    state: StudioState, settings: Mapping[str, object], models: Sequence[ModelInfo]
) -> StudioState:
    """Set everything as another tool's file says it; what it leaves out is cleared, none is left from before.

    Open knobs go to the model's defaults. References and their mode stay, and the model where none is named.
    """
    named = settings.get("model")
    model = find_model(models, named if isinstance(named, str) else state.model)
    knobs = knobs_of(model, state.mode)
    cleared = {name: value for name, value in _FRESH.items() if name not in _NOT_IN_A_FILE}
    fresh = state.model_copy(
        update={
            **cleared,
            "guidance_scale": knobs.defaults["guidance_scale"],
            "num_inference_steps": int(knobs.defaults["num_inference_steps"]),
            "influence": knobs.influence,
            **({"aspect_ratio": LIKE_REFERENCE} if state.references else {}),
        }
    )
    return apply_settings(fresh, settings).with_knobs_kept()


def apply_settings(state: StudioState, settings: Mapping[str, object]) -> StudioState:
    """Take over the settings that are named, and leave the others."""
    plain = {"prompt", "negative_prompt", "model", "guidance_scale", "num_inference_steps", "seed"}
    taken = {n: str(v) if n == "seed" else v for n, v in settings.items() if n in plain}
    if "model" in taken:
        taken["model_picked"] = True
    if isinstance(strength := settings.get("strength"), int | float):
        taken["influence"] = influence_of(strength)
    if settings.get("width") and settings.get("height"):
        taken["aspect_ratio"] = f"{settings['width']}x{settings['height']}"
    applied = state.model_copy(update={**taken, "add_ons": state.add_ons.taken(settings)})
    return applied.with_knobs_kept() if "model" in taken else applied


def _request_of(record: ImageRecord) -> GenerationRequest:
    if record.request is None:
        raise RequestError("This picture was not made here, so it has no settings to reuse.")
    return record.request


def _shape_of(request: GenerationRequest) -> str:
    if request.aspect_ratio in (*ASPECT_RATIOS, LIKE_REFERENCE):
        return request.aspect_ratio
    if request.width and request.height:
        return f"{request.width}x{request.height}"
    return LIKE_REFERENCE if request.references else "1:1"


def _loaded(request: GenerationRequest, present: Collection[str]) -> tuple[Reference, ...]:
    """The references in `present`; a role that is the mode's own goes on following the mode."""
    standard = DEFAULT_ROLE[request.mode]
    return tuple(
        r.model_copy(update={"role": None}) if r.role is standard else r
        for r in request.references
        if r.image_id in present
    )
