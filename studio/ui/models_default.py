"""Which model a mode begins with: the artist's default for it, unless another was chosen in this tab.

Pure. A default is applied once for each mode that is begun (and again when the default itself changes);
what a tab has begun with is remembered in its state. Knows nothing of Gradio or of the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipelines.modes import MODE_LABEL, MODES, Mode
from studio.records import ModelInfo
from studio.ui.knobs import find_model
from studio.ui.state import StudioState

CAN_EDIT = "Switched to {label} (supports image editing)."


def begin(state: StudioState, models: Sequence[ModelInfo]) -> tuple[StudioState, tuple[str, ...]]:
    """Change to the mode's default where it is due, and say so; on a page just opened without words."""
    default = default_of(models, state.mode, editing=bool(state.references))
    if default is None or state.model_picked or state.model_begun == _begun(state.mode, default):
        return state, ()
    changed = state.model_copy(update={"model": default.id})
    if changed.model == state.model or state.model is None or state.model_begun is None:
        return changed, ()
    return changed, (_words(state, find_model(models, state.model), default),)


def begun(state: StudioState, models: Sequence[ModelInfo]) -> StudioState:
    """Remember that the mode has begun with what is its default now."""
    default = default_of(models, state.mode, editing=bool(state.references))
    return state.model_copy(update={"model_begun": _begun(state.mode, default)})


def default_of(models: Iterable[ModelInfo], mode: Mode, *, editing: bool) -> ModelInfo | None:
    """The artist's default for `mode` where it can be used now; with references, where it has the mode."""
    fitting = (
        model
        for model in models
        if mode.value in model.default_for and (mode.value in model.modes or not editing)
    )
    return next((model for model in fitting if model.available == "ready"), None)


def refines(model: ModelInfo) -> bool:
    """It can start from a picture as it is; with a mask alone it cannot."""
    return any(MODES[Mode(mode)].refines for mode in model.modes)


def _begun(mode: Mode, default: ModelInfo | None) -> str:
    return f"{mode.value}:{default.id if default else ''}"


def _words(state: StudioState, before: ModelInfo | None, default: ModelInfo) -> str:
    if state.references and before is not None and not refines(before):
        return CAN_EDIT.format(label=default.label)
    return f"Switched to {default.label}, your default for {MODE_LABEL[state.mode]}."
