"""Additional Settings: the controls of the table of settings, each with one sentence of help.

Which are shown is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components.base import Component

from pipelines.families.limits import ALWAYS, Limits
from pipelines.families.setting import Choices, Setting, SettingControl, Slider, Switch
from pipelines.families.settings import INFLUENCE, SEED, SETTINGS
from studio.ui.loras import AddOnsPart, create_add_ons
from studio.ui.widgets.lenient import LenientCheckbox, LenientRadio, LenientSlider
from studio.ui.widgets.notices import Disclosure, SeedMemory

_LIMITS = Limits()
"""Of a page just opened, which has no model yet."""


@dataclass(frozen=True, slots=True)
class SettingsPanel:
    """Components of the additional settings: `controls` by name, `groups` by field of the request."""

    controls: dict[str, Component]
    groups: dict[str, gr.Column]
    dice: gr.Button
    seed_memory: SeedMemory
    add_ons: AddOnsPart


@dataclass(slots=True)
class _Made:
    """What has been made so far."""

    controls: dict[str, Component] = field(default_factory=dict[str, Component])
    groups: dict[str, gr.Column] = field(default_factory=dict[str, gr.Column])
    dice: gr.Button | None = None
    seed_memory: SeedMemory | None = None


def create_settings() -> SettingsPanel:
    """Make the closed part with all controls at the studio's defaults."""
    with gr.Column(elem_id="additional-settings"):
        Disclosure(scene={"target": "knobs", "words": "Additional settings"}, elem_id="knobs-toggle")
        return _controls()


def _controls() -> SettingsPanel:
    made = _Made()
    with gr.Column(elem_id="knobs", elem_classes="lk-hidden"):
        for setting in SETTINGS:
            with _group(setting, made):
                for control in setting.controls:
                    _add(control, made)
        add_ons = create_add_ons()
    assert made.dice is not None
    assert made.seed_memory is not None
    return SettingsPanel(made.controls, made.groups, made.dice, made.seed_memory, add_ons)


@contextmanager
def _group(setting: Setting, made: _Made) -> Generator[None]:
    """Around the controls that are shown and hidden together."""
    if not setting.group:
        yield
        return
    with gr.Column(elem_id=setting.group, visible=setting.field in ALWAYS) as group:
        made.groups[setting.field] = group
        yield


def _add(control: SettingControl[Any], made: _Made) -> None:
    """Make the control, and what stands beside it."""
    if control is SEED:
        with gr.Row(elem_id="seed-row"):
            made.controls[control.name] = _component(control)
            made.dice = gr.Button("Random seed", elem_id="seed-dice", size="md")
        made.seed_memory = SeedMemory(elem_id="seed-memory")
        return
    made.controls[control.name] = _component(control)
    if control is INFLUENCE:
        gr.HTML(
            '<span id="strength" class="lk-muted">strength 0.75</span>',
            elem_id="strength-note",
            js_on_load=None,
        )


def _component(control: SettingControl[Any]) -> Component:
    said: dict[str, Any] = {
        "value": control.plain(control.start),
        "label": control.label,
        "info": control.help,
        "elem_id": control.elem_id,
        "interactive": True,
    }
    kind = control.kind
    if isinstance(kind, Slider):
        low, high = kind.range(_LIMITS)
        return LenientSlider(low, high, step=kind.step, buttons=[], **said)
    if isinstance(kind, Choices):
        return LenientRadio(list(kind.options(_LIMITS)), **said)
    if isinstance(kind, Switch):
        return LenientCheckbox(**said)
    return gr.Textbox(lines=kind.lines, max_lines=kind.lines if kind.lines == 1 else 3 * kind.lines, **said)
