"""What a picture was made with, taken over into the state of a tab.

Pure, like the state itself: a record or another tool's settings in, a new state out. Whether the references
are still there is told by the caller. Knows nothing of Gradio, of the service or of files.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipelines.errors import RequestError
from pipelines.families.setting import Asked
from pipelines.families.settings import CONTROLS, SEED, SHAPE
from pipelines.request import DEFAULT_ROLE, LIKE_REFERENCE, GenerationRequest, Reference
from studio.records import ImageRecord, ModelInfo
from studio.ui.knobs import SettingRanges, find_model, knobs_of
from studio.ui.loras import NO_ADD_ONS, AddOns
from studio.ui.state import StudioState


def reuse_seed(state: StudioState, record: ImageRecord) -> StudioState:
    """Take the seed of this very picture. Raises RequestError where it has none."""
    if record.seed is None:
        raise RequestError("This picture was not made here, so it has no seed to reuse.", field="seed")
    return state.put(SEED, str(record.seed))


def reuse_references(state: StudioState, record: ImageRecord, present: Collection[str]) -> StudioState:
    """Load the references the picture was made from, as far as they are in `present` (ids)."""
    request = _request_of(record)
    loaded = _loaded(request, present)
    state = state.model_copy(update={"mode": request.mode} if loaded else {})
    return state.with_references(loaded)


def apply_record(state: StudioState, record: ImageRecord, present: Collection[str]) -> StudioState:
    """Set everything as it was when the picture was made; references as far as they are in `present`."""
    request = _request_of(record)
    applied = state.model_copy(
        update={
            "references": _loaded(request, present),
            "mode": request.mode,
            "model": request.model or state.model,
            "earlier_model": None,
            "model_picked": True,
            "character": request.character,
            "prompt": request.prompt,
            "add_ons": AddOns.of(request),
        }
    )
    said = request.model_dump()
    return applied.with_settings({name: control.standard(said) for name, control in CONTROLS.items()})


def apply_foreign(state: StudioState, settings: Asked, models: Sequence[ModelInfo]) -> StudioState:
    """Set everything as another tool's file says it; what it leaves out is cleared, none is left from before.

    Open knobs go to the model's defaults. References and their mode stay, and the model where none is named.
    """
    named = settings.get("model")
    model = find_model(models, named if isinstance(named, str) else state.model)
    return apply_settings(_cleared(state, knobs_of(model, state.mode)), settings).with_knobs_kept()


def _cleared(state: StudioState, knobs: SettingRanges) -> StudioState:
    """Only references, mode and model are left; pictures are not in a file, and a picture needs a model."""
    cleared = state.model_copy(update={"character": None, "prompt": "", "add_ons": NO_ADD_ONS})
    fresh = cleared.with_settings(
        {name: control.standard(knobs.defaults) for name, control in CONTROLS.items()}
    )
    return fresh.put(SHAPE, LIKE_REFERENCE) if state.references else fresh


def apply_settings(state: StudioState, settings: Asked) -> StudioState:
    """Take over the settings that are named, in a request's own fields, and leave the others."""
    said = {name: control.said(settings) for name, control in CONTROLS.items()}
    taken = state.with_settings({name: value for name, value in said.items() if value is not None})
    plain = {name: settings[name] for name in ("prompt", "model") if name in settings}
    applied = taken.model_copy(update={**plain, "add_ons": state.add_ons.taken(settings)})
    if "model" not in settings:
        return applied
    return applied.model_copy(update={"model_picked": True}).with_knobs_kept()


def _request_of(record: ImageRecord) -> GenerationRequest:
    if record.request is None:
        raise RequestError("This picture was not made here, so it has no settings to reuse.")
    return record.request


def _loaded(request: GenerationRequest, present: Collection[str]) -> tuple[Reference, ...]:
    """The references in `present`; a role that is the mode's own goes on following the mode."""
    standard = DEFAULT_ROLE[request.mode]
    return tuple(
        r.model_copy(update={"role": None}) if r.role is standard else r
        for r in request.references
        if r.image_id in present
    )
