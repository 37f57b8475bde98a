"""The Studio's controls as one thing: their values become a state, a state becomes what they show.

The only place that knows which component holds which field of `StudioState`. Knows Gradio and the
models' knobs; asks nothing of the service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.base import Component

from pipelines.families.setting import Choices, SettingControl, Slider
from pipelines.families.settings import CONTROLS, SETTINGS, SHAPE
from pipelines.modes import MODES
from pipelines.request import DEFAULT_ROLE, LIKE_REFERENCE, MAX_REFERENCES, Mode, Role
from studio.records import ModelInfo
from studio.ui.knobs import SettingRanges, find_model, knobs_of
from studio.ui.loras import add_ons_scene
from studio.ui.panels.model import ModelPanel
from studio.ui.panels.prompt import PromptPanel
from studio.ui.panels.references import ReferencesPanel
from studio.ui.panels.settings import SettingsPanel
from studio.ui.settle import offered_models
from studio.ui.state import TOO_MANY, StudioState
from studio.ui.words import ROLE_WORDS

Updates = dict[Any, Any]
Availability = Mapping[Mode, str | None]

LIKE_REFERENCE_LABEL = "Like the reference"
NO_EDIT_MODEL = "No model here can edit images"
NEEDS_REFERENCE = "Add a reference first."
HAS_REFERENCE = "Remove the references to start from words alone."
NOT_HERE = {"downloadable": "Not on this machine yet.", "missing": "Its files are missing on this machine."}


@dataclass(frozen=True, slots=True)
class Controls:
    """The panels whose values make up the state."""

    references: ReferencesPanel
    model: ModelPanel
    prompt: PromptPanel
    settings: SettingsPanel

    @property
    def by_name(self) -> dict[str, Component]:
        """Components by field of the state, in one fixed order."""
        return {
            "references": self.references.strip,
            "model": self.model.select,
            "mode": self.prompt.assistant,
            "character": self.prompt.character,
            "prompt": self.prompt.prompt,
            **self.settings.controls,
            "add_ons": self.settings.add_ons,
        }

    @property
    def inputs(self) -> list[Component]:
        """What every handler is given."""
        return list(self.by_name.values())

    @property
    def outputs(self) -> list[Any]:
        """What `updates` may change."""
        return [*self.inputs, *self.settings.groups.values()]

    def read(self, values: Sequence[object]) -> StudioState:
        """The state in the values of `inputs`."""
        return StudioState.read(dict(zip(self.by_name, values, strict=True)))

    def updates(
        self,
        state: StudioState,
        models: Sequence[ModelInfo],
        availability: Availability,
        shown: Mapping[str, object],
    ) -> Updates:
        """What to change so that the page shows `state`, where its controls now hold `shown`.

        A control that holds its value already is not given it again: the artist may be typing in it.
        """
        model = find_model(models, state.model)
        knobs = knobs_of(model, state.mode)
        options = {
            "add_ons": {"scene": add_ons_scene(state.add_ons, model, knobs.fields)},
            "references": {"scene": _strip_scene(state, knobs)},
            "model": {"scene": {**_model_scene(state, models), "examples": _first_examples(model, models)}},
            "mode": {"scene": _mode_scene(state, availability)},
            "prompt": {"placeholder": MODES[state.mode].placeholder(_examples(model, state.mode))},
            **_options(state, knobs),
        }
        values: dict[str, Any] = {n: v for n, v in state.values().items() if shown.get(n) != v}
        changes = {
            component: gr.update(
                **options.get(name, {}), **({"value": values[name]} if name in values else {})
            )
            for name, component in self.by_name.items()
            if name in values or name in options
        }
        return {**changes, **self._groups(state, knobs)}

    def _groups(self, state: StudioState, knobs: SettingRanges) -> Updates:
        fields = state.knobs_shown(knobs)
        return {group: gr.update(visible=field in fields) for field, group in self.settings.groups.items()}


def _options(state: StudioState, knobs: SettingRanges) -> dict[str, dict[str, Any]]:
    """What each control of Additional settings offers, and whether it is shown."""
    offered = {control.name: _offered(control, state, knobs) for control in CONTROLS.values()}
    for setting in SETTINGS:
        if not setting.group:
            for control in setting.controls:
                offered[control.name]["visible"] = setting.field in knobs.fields
    return {name: options for name, options in offered.items() if options}


def _offered(control: SettingControl[Any], state: StudioState, knobs: SettingRanges) -> dict[str, Any]:
    if control is SHAPE:
        return {"choices": _ratios(state, knobs)}
    if isinstance(control.kind, Slider):
        low, high = control.kind.range(knobs.limits)
        return {"minimum": low, "maximum": high}
    if isinstance(control.kind, Choices):
        options = list(control.kind.options(knobs.limits))
        now = str(control.plain(state.get(control)))
        known = control.kind.closed or any(value == now for _, value in options)
        return {"choices": options if known else [*options, (_spelled(now), now)]}
    return {}


def _spelled(choice: str) -> str:
    """An enlarging that is none of those offered: '4 by someone', '1000x750'."""
    return f"× {choice}" if choice[:2] in ("1 ", "2 ", "4 ") else choice.replace("x", " × ")


def _ratios(state: StudioState, knobs: SettingRanges) -> list[tuple[str, str]]:
    """Those of the table; the reference's where there is one; and an exact size where one is chosen."""
    own = SHAPE.kind.options(knobs.limits) if isinstance(SHAPE.kind, Choices) else ()
    choices = [*([(LIKE_REFERENCE_LABEL, LIKE_REFERENCE)] if state.references else []), *own]
    shape = state.get(SHAPE)
    if any(value == shape for _, value in choices):
        return choices
    return [*choices, (shape.replace("x", " × "), shape)]


def _strip_scene(state: StudioState, knobs: SettingRanges) -> dict[str, Any]:
    roles = [role for role in ROLE_WORDS if role is not Role.MASK or role in knobs.limits.roles]
    return {
        "roles": {role.value: ROLE_WORDS[role] for role in roles},
        "usable": [role.value for role in knobs.limits.roles],
        "default_role": DEFAULT_ROLE[state.mode].value,
        "weights": knobs.limits.reference_weights,
        "limit": MAX_REFERENCES,
        "full": TOO_MANY,
    }


def _model_scene(state: StudioState, models: Sequence[ModelInfo]) -> dict[str, Any]:
    offered = offered_models(models, state)
    return {"models": [_model_entry(model) for model in offered], "none": NO_EDIT_MODEL}


def _examples(model: ModelInfo | None, mode: Mode) -> tuple[str, ...]:
    return model.examples.get(mode.value, ()) if model else ()


def _first_examples(model: ModelInfo | None, models: Sequence[ModelInfo]) -> dict[str, list[str]]:
    """What can be asked for first: of the chosen model, edits of the one that would take over for them."""
    editors = (m for m in models if Mode.SMART_EDIT.value in m.modes and m.available == "ready")
    editor = model if model and Mode.SMART_EDIT.value in model.modes else next(editors, None)
    return {
        "prompts": list(_examples(model, Mode.TEXT_TO_IMAGE)),
        "edits": list(_examples(editor, Mode.SMART_EDIT)),
    }


def _model_entry(model: ModelInfo) -> dict[str, Any]:
    return {
        "id": model.id,
        "label": model.label,
        "description": model.description,
        "edit": model.edit,
        "seconds": model.cost.seconds,
        "vram_mb": model.cost.vram_mb,
        "reason": NOT_HERE.get(model.available),
    }


def _mode_scene(state: StudioState, availability: Availability) -> dict[str, Any]:
    def entry(mode: Mode) -> dict[str, Any]:
        words = MODES[mode]
        reason = _mode_reason(state, mode, availability.get(mode))
        return {
            "id": mode.value,
            "label": words.label,
            "what": words.what,
            "when": words.when,
            "reason": reason,
        }

    return {"modes": [entry(mode) for mode in MODES]}


def _mode_reason(state: StudioState, mode: Mode, reason: str | None) -> str | None:
    if state.references and mode is Mode.TEXT_TO_IMAGE:
        return HAS_REFERENCE
    if not state.references and mode is not Mode.TEXT_TO_IMAGE:
        return reason or NEEDS_REFERENCE
    return reason
