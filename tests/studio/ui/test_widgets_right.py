from __future__ import annotations

import re

import gradio as gr
import pytest

from studio.ui.characters_widgets import CharactersPage, FieldPicker
from studio.ui.coach_widgets import CoachLine, CoachVerdict
from studio.ui.loras import AddOnsPart
from studio.ui.page_files import STATIC
from studio.ui.widgets.assistant import Assistant, ModelSelect
from studio.ui.widgets.base import PageComponent, page_js
from studio.ui.widgets.changes import Changes
from studio.ui.widgets.live_preview import LivePreview
from studio.ui.widgets.models_page import ModelsPage
from studio.ui.widgets.notices import (
    Disclosure,
    GenerateStatus,
    Header,
    Notices,
    PromptTools,
    SeedMemory,
    SweepButton,
)
from studio.ui.widgets.picture_grid import CollectionGrid, PictureGallery
from studio.ui.widgets.queue_view import QueuePage, QueueSummary
from studio.ui.widgets.reference_strip import ReferenceStrip

PARTS: tuple[type[PageComponent], ...] = (
    AddOnsPart,
    Assistant,
    Changes,
    CharactersPage,
    CoachLine,
    CoachVerdict,
    CollectionGrid,
    Disclosure,
    FieldPicker,
    GenerateStatus,
    Header,
    LivePreview,
    ModelSelect,
    ModelsPage,
    Notices,
    PictureGallery,
    PromptTools,
    QueuePage,
    QueueSummary,
    ReferenceStrip,
    SeedMemory,
    SweepButton,
)


def test_these_are_all_parts_of_the_page() -> None:
    assert set(PARTS) == set(PageComponent.__subclasses__())


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_known_to_the_page(part: type[PageComponent]) -> None:
    known = (STATIC / "main.js").read_text(encoding="utf-8").partition("const ANSWERS")[0]
    assert re.search(rf"\b{part.part}\b", known.partition("const PARTS")[2])
    assert f'likeness.mount("{part.part}"' in str(part().js_on_load)


@pytest.mark.parametrize("part", PARTS)
def test_gradio_can_make_a_part_again_from_its_own_config(part: type[PageComponent]) -> None:
    first = part(elem_id="here", scene={"a": 1})
    again = part(
        elem_id="here",
        scene={"a": 1},
        html_template="x",
        css_template="x",
        js_on_load="x",
        head="x",
        apply_default_css=True,
    )
    assert (again.js_on_load, again.head, again.html_template) == (
        first.js_on_load,
        None,
        first.html_template,
    )


def test_what_a_part_tells_python_of_can_be_bound() -> None:
    with gr.Blocks():
        for part in PARTS:
            made = part()
            for name in part.tells:
                assert callable(getattr(made, name))


def test_gradios_events_wait_for_the_page() -> None:
    assert page_js("changes.done(true)") == "async (...values) => (await likeness.page).changes.done(true)"
