"""Additional Settings: the knobs, each with one sentence of help. Which are shown is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from pipelines.request import MAX_IMAGES, ControlKind
from studio.ui.loras import AddOnsPart, create_add_ons
from studio.ui.state import ASPECT_RATIOS, StudioState
from studio.ui.widgets.lenient import Choice, Knob
from studio.ui.widgets.notices import Disclosure, SeedMemory
from studio.ui.words import CONTROL_WORDS, HELP

START = StudioState()
LIKE_REFERENCE_LABEL = "Like the reference"
PLAIN_RATIOS = [(ratio, ratio) for ratio in ASPECT_RATIOS]


@dataclass(frozen=True, slots=True)
class SettingsPanel:
    """Components of the additional settings."""

    guidance: Knob
    steps: Knob
    influence: Knob
    influence_group: gr.Column
    seed: gr.Textbox
    dice: gr.Button
    seed_memory: SeedMemory
    aspect_ratio: Choice
    num_images: Knob
    control_group: gr.Column
    control_kind: Choice
    control_weight: Knob
    control_start: Knob
    control_end: Knob
    negative_prompt: gr.Textbox
    add_ons: AddOnsPart


def create_settings() -> SettingsPanel:
    """Make the closed part with all knobs at the studio's defaults."""
    with gr.Column(elem_id="additional-settings"):
        Disclosure(scene={"target": "knobs", "words": "Additional settings"}, elem_id="knobs-toggle")
        return _knobs()


def _knobs() -> SettingsPanel:
    with gr.Column(elem_id="knobs", elem_classes="lk-hidden"):
        influence = _influence()
        control = _control()
        guidance = _slider("Guidance", "guidance", START.guidance_scale, 1, 20, 0.1)
        steps = _slider("Steps", "steps", START.num_inference_steps, 1, 150, 1)
        seed = _seed()
        ratio = Choice(
            PLAIN_RATIOS,
            value=START.aspect_ratio,
            label="Aspect ratio",
            info=HELP["aspect_ratio"],
            elem_id="aspect-ratio",
            interactive=True,
        )
        images = _slider("Number of images", "num-images", START.num_images, 1, MAX_IMAGES, 1)
        negative = gr.Textbox(
            label="Negative prompt",
            info=HELP["negative_prompt"],
            lines=2,
            max_lines=6,
            elem_id="negative-prompt",
            interactive=True,
        )
        add_ons = create_add_ons()
    return SettingsPanel(
        guidance=guidance,
        steps=steps,
        aspect_ratio=ratio,
        num_images=images,
        negative_prompt=negative,
        add_ons=add_ons,
        **influence,
        **control,
        **seed,
    )


def _slider(label: str, elem_id: str, value: float, low: float, high: float, step: float) -> Knob:
    return Knob(
        low,
        high,
        value=value,
        step=step,
        label=label,
        info=HELP[elem_id.replace("-", "_")],
        elem_id=elem_id,
        buttons=[],
        interactive=True,
    )


def _influence() -> dict[str, Any]:
    with gr.Column(elem_id="influence-group", visible=False) as group:
        slider = _slider("Influence, %", "influence", START.influence, 0, 100, 1)
        gr.HTML(
            '<span id="strength" class="lk-muted">strength 0.75</span>',
            elem_id="strength-note",
            js_on_load=None,
        )
    return {"influence": slider, "influence_group": group}


def _control() -> dict[str, Any]:
    with gr.Column(elem_id="control-group", visible=False) as group:
        kind = Choice(
            [(CONTROL_WORDS[kind], kind.value) for kind in ControlKind],
            value=START.control_kind.value,
            label="Traced from the reference",
            info=HELP["control_kind"],
            elem_id="control-kind",
            interactive=True,
        )
        weight = _slider("Hold", "control-weight", START.control_weight, 0, 2, 0.05)
        start = _slider("Begins at", "control-start", START.control_start, 0, 1, 0.05)
        end = _slider("Ends at", "control-end", START.control_end, 0, 1, 0.05)
    return {
        "control_group": group,
        "control_kind": kind,
        "control_weight": weight,
        "control_start": start,
        "control_end": end,
    }


def _seed() -> dict[str, Any]:
    with gr.Column(elem_id="seed-group"):
        with gr.Row(elem_id="seed-row"):
            seed = gr.Textbox(
                START.seed, label="Seed", info=HELP["seed"], max_lines=1, elem_id="seed", interactive=True
            )
            dice = gr.Button("Random seed", elem_id="seed-dice", size="md")
        memory = SeedMemory(elem_id="seed-memory")
    return {"seed": seed, "dice": dice, "seed_memory": memory}
