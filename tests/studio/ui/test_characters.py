from __future__ import annotations

import gradio as gr

from pipelines.request import Mode
from studio.ui.characters import create_characters
from studio.ui.characters_widgets import CharactersPage
from studio.ui.knobs import SettingRanges
from studio.ui.state import StudioState


def test_the_section_holds_the_cast() -> None:
    with gr.Blocks():
        panel = create_characters()
    assert type(panel.page) is CharactersPage


def test_a_loaded_character_is_said_in_the_request() -> None:
    state = StudioState(character="c1", prompt="on a rooftop", mode=Mode.TEXT_TO_IMAGE)
    assert state.to_request(SettingRanges()).character == "c1"
    assert StudioState(prompt="on a rooftop", character="").to_request(SettingRanges()).character is None
