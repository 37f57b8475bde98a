"""The prompt panel: what to make or to change, and the assistant's mode beside it."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from pipelines.modes import MODES
from pipelines.request import Mode
from studio.ui.characters_widgets import FieldPicker
from studio.ui.coach_widgets import CoachLine
from studio.ui.widgets.assistant import Assistant
from studio.ui.widgets.notices import PromptTools


@dataclass(frozen=True, slots=True)
class PromptPanel:
    """Components of the prompt panel."""

    prompt: gr.Textbox
    assistant: Assistant
    character: FieldPicker
    coach: CoachLine


def create_prompt() -> PromptPanel:
    """Make the panel in text to image."""
    mode = Mode.TEXT_TO_IMAGE
    with gr.Column(elem_id="prompt-panel"):
        assistant = Assistant(mode.value, elem_id="assistant")
        prompt = gr.Textbox(
            label="Prompt",
            placeholder=MODES[mode].placeholder(),
            lines=4,
            max_lines=12,
            elem_id="prompt",
            interactive=True,
        )
        PromptTools(elem_id="prompt-tools")
        character = FieldPicker(elem_id="character-fields")
        coach = CoachLine(elem_id="coach")
    return PromptPanel(prompt=prompt, assistant=assistant, character=character, coach=coach)
