from __future__ import annotations

import re

import gradio as gr
import pytest

from pipelines.request import Mode
from studio.characters.records import FieldName
from studio.ui.characters import CharactersPanel, create_characters
from studio.ui.characters_widgets import (
    BlueprintEditor,
    CharactersPage,
    CropTool,
    DesignsDialog,
    FieldPicker,
    PortraitModal,
    ReferenceSetDialog,
    SheetDialog,
)
from studio.ui.knobs import Knobs
from studio.ui.state import StudioState
from studio.ui.widgets.scripted import STATIC, STYLES, ScriptedHTML

WIDGETS: tuple[type[ScriptedHTML], ...] = (
    CharactersPage,
    PortraitModal,
    CropTool,
    BlueprintEditor,
    ReferenceSetDialog,
    SheetDialog,
    DesignsDialog,
)
SCRIPTS = sorted(path.name for path in STATIC.glob("characters*.js"))


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_starts_the_function_that_its_scripts_define(widget: type[ScriptedHTML]) -> None:
    defined = "".join((STATIC / name).read_text() for name in widget.scripts)
    assert f"kit.widgets.{widget.widget} =" in defined
    assert f'likeness.mount("{widget.widget}"' in str(widget().js_on_load)


def test_the_section_holds_one_of_each() -> None:
    with gr.Blocks():
        panel = create_characters()
    assert {type(getattr(panel, name)) for name in CharactersPanel.__slots__} == set(WIDGETS)


def test_the_field_picker_can_be_made_again_from_its_own_config() -> None:
    first = FieldPicker("c1", elem_id="here")
    again = FieldPicker("c1", elem_id="here", html_template="x", js_on_load="x", head="x")
    assert (again.js_on_load, again.html_template) == (first.js_on_load, first.html_template)
    assert "likeness.fieldPicker(" in str(first.js_on_load)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_set_text_only_as_text(name: str) -> None:
    source = (STATIC / name).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", source)
    assert source.count("\n") < 400


def test_every_script_and_style_is_brought_by_some_widget() -> None:
    assert {name for widget in WIDGETS for name in widget.scripts if name.startswith("characters")} == set(
        SCRIPTS
    )
    assert {path.name for path in STATIC.glob("characters*.css")} <= set(STYLES)


def test_the_editor_has_every_field_of_a_blueprint_in_order() -> None:
    source = (STATIC / "characters_blueprint.js").read_text()
    shown = re.findall(r'\["(\w+)", "\w+", "[^"]+"\]', source)
    assert shown == [field.value for field in FieldName]


def test_a_loaded_character_is_said_in_the_request() -> None:
    state = StudioState(character="c1", prompt="on a rooftop", mode=Mode.TEXT_TO_IMAGE)
    assert state.to_request(Knobs()).character == "c1"
    assert StudioState(prompt="on a rooftop", character="").to_request(Knobs()).character is None
