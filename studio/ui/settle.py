"""How model, mode and knobs of a state are made to fit together again, and what is said about it.

Pure: `settle` takes a state after any change and gives the one the page should show. Knows nothing of
Gradio, of the service or of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from pipelines.families.setting import SettingControl
from pipelines.families.settings import CONTROLS
from pipelines.modes import MODES
from pipelines.request import MODE_LABEL, Mode
from studio.records import ModelInfo
from studio.ui import models_default
from studio.ui.knobs import SettingRanges, find_model, knobs_of
from studio.ui.state import StudioState

T = TypeVar("T")
EDIT_MODES = tuple(mode for mode in MODES if mode not in (Mode.TEXT_TO_IMAGE, Mode.UPSCALE, Mode.FIX_FACE))
"""In the order in which they are tried where the chosen one cannot be used."""


class Settled(NamedTuple):
    """A state whose parts fit together, and what the artist should be told about the changes."""

    state: StudioState
    warnings: tuple[str, ...] = ()


def settle(state: StudioState, models: Sequence[ModelInfo]) -> Settled:
    """Fit model to references, mode to model, knobs to both.

    Knobs that stand at the defaults of the mode and model they were last fitted to go to the new defaults;
    all are kept inside the limits.
    """
    started, said_of_default = models_default.begin(state.follow_references(), models)
    fitted, said_of_model = _fit_model(started, models)
    fitted, said_of_mode = _fit_mode(fitted, models)
    new = knobs_of(find_model(models, fitted.model), fitted.mode)
    knobs_fitted = _fit_knobs(fitted, _last_knobs(state, models), new).with_knobs_kept()
    settled = models_default.begun(knobs_fitted, models)
    return Settled(settled, (*said_of_default, *said_of_model, *said_of_mode))


def offered_models(models: Sequence[ModelInfo], state: StudioState) -> tuple[ModelInfo, ...]:
    """The models the selector lists: while references are loaded, those that have the chosen mode."""
    return tuple(
        model
        for model in models
        if state.mode in model.modes or not (state.references or enlarges_only(model))
    )


def enlarges_only(model: ModelInfo) -> bool:
    """It makes no pictures of its own."""
    return set(model.modes) == {Mode.UPSCALE.value}


def _fit_model(state: StudioState, models: Sequence[ModelInfo]) -> tuple[StudioState, tuple[str, ...]]:
    editing = bool(state.references)
    offered = _able(models, state)
    current = find_model(models, state.model)
    if not offered or current in offered or (editing and current and _mode_gives_way(state, current)):
        return state, ()
    ready = next((model for model in offered if model.available == "ready"), offered[0])
    first = models_default.default_of(offered, state.mode, editing=editing) or ready
    switched = state.model_copy(update={"model": first.id})
    if state.model is None:
        return switched, ()
    return switched, (_switched(state, current, first),)


def _able(models: Sequence[ModelInfo], state: StudioState) -> tuple[ModelInfo, ...]:
    """Models with the mode; where none of them is here, also those that refine in another one."""
    with_mode = tuple(model for model in models if state.mode in model.modes)
    if not state.references:
        return with_mode or tuple(model for model in models if not enlarges_only(model))
    if any(model.available == "ready" for model in with_mode):
        return with_mode
    return (*with_mode, *(m for m in models if m not in with_mode and models_default.refines(m)))


def _switched(state: StudioState, before: ModelInfo | None, now: ModelInfo) -> str:
    if not state.references:
        return f"Switched to {now.label}."
    if before is None or not models_default.refines(before):
        return models_default.CAN_EDIT.format(label=now.label)
    return f"Switched to {now.label} (supports {MODE_LABEL[state.mode]})."


def _mode_gives_way(state: StudioState, model: ModelInfo) -> bool:
    """Whether the mode is changed to suit the model: not where the artist has just chosen that mode."""
    mode, _, of = (state.knobs_of or "").partition(":")
    picked = mode not in ("", Mode.TEXT_TO_IMAGE, state.mode) and of == state.model
    return models_default.refines(model) and not picked


def _fit_mode(state: StudioState, models: Sequence[ModelInfo]) -> tuple[StudioState, tuple[str, ...]]:
    model = find_model(models, state.model)
    if not state.references or model is None or state.mode in model.modes:
        return state, ()
    mode = next((mode for mode in EDIT_MODES if mode in model.modes), state.mode)
    if mode is state.mode:
        return state, ()
    cannot, instead = MODE_LABEL[state.mode], MODE_LABEL[mode]
    return state.set_mode(mode), (f"{model.label} has no {cannot}. The mode is now {instead}.",)


def _last_knobs(state: StudioState, models: Sequence[ModelInfo]) -> SettingRanges:
    """What the knobs of `state` were last fitted to; the studio's own on a page just opened."""
    mode, _, model = (state.knobs_of or "").partition(":")
    return knobs_of(find_model(models, model), Mode(mode)) if mode in set(Mode) else SettingRanges()


def _fit_knobs(state: StudioState, old: SettingRanges, new: SettingRanges) -> StudioState:
    return state.with_settings(
        {
            name: control.fitted(_followed(control, state.settings[name], old, new), new.limits)
            for name, control in CONTROLS.items()
        }
    )


def _followed(control: SettingControl[T], value: T, old: SettingRanges, new: SettingRanges) -> T:
    """The new default, where the control stands at the old one."""
    return control.standard(new.defaults) if value == control.standard(old.defaults) else value
