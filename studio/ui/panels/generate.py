"""The bar with the Generate button, what to know before pressing it, and how many jobs wait."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from studio.ui.widgets.changes import Changes
from studio.ui.widgets.notices import GenerateStatus, Notices, SweepButton


@dataclass(frozen=True, slots=True)
class GeneratePanel:
    """Components of the Generate bar; `changes` asks Python for what the artist wants, Generate included."""

    notices: Notices
    button: gr.Button
    changes: Changes


def create_generate() -> GeneratePanel:
    """Make the bar; it stays in view on every screen."""
    with gr.Column(elem_id="generate-bar"):
        notices = Notices([], elem_id="notices")
        with gr.Row(elem_id="generate-row"):
            button = gr.Button("Generate", variant="primary", elem_id="generate")
            SweepButton(elem_id="sweep-place")
        GenerateStatus(elem_id="generate-note")
        changes = Changes(visible="hidden")
    return GeneratePanel(notices=notices, button=button, changes=changes)
