from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.request import MODE_LABEL, Mode, Role
from studio.ui.widgets.compare import CompareDialog
from studio.ui.widgets.details import DetailsDialog
from studio.ui.widgets.history import ExportDialog, FamilyTreeDialog, ImportDialog, WinnersDialog
from studio.ui.widgets.live_preview import LivePreview
from studio.ui.widgets.picker import PickerDialog
from studio.ui.widgets.picture_grid import CollectionGrid, PictureGallery
from studio.ui.widgets.queue_view import QueuePage, QueueSummary
from studio.ui.widgets.scripted import SHARED, STATIC, STYLES, ScriptedHTML, _literal, page_head

WIDGETS: tuple[type[ScriptedHTML], ...] = (
    LivePreview,
    PictureGallery,
    CollectionGrid,
    QueueSummary,
    QueuePage,
    CompareDialog,
    DetailsDialog,
    PickerDialog,
    FamilyTreeDialog,
    WinnersDialog,
    ImportDialog,
    ExportDialog,
)
SCRIPTS = sorted({*SHARED, *(name for widget in WIDGETS for name in widget.scripts)})


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_starts_the_function_that_its_scripts_define(widget: type[ScriptedHTML]) -> None:
    defined = "".join((STATIC / name).read_text() for name in widget.scripts)
    assert f"kit.widgets.{widget.widget} =" in defined
    assert f'likeness.mount("{widget.widget}"' in str(widget().js_on_load)


@pytest.mark.parametrize("widget", WIDGETS)
def test_gradio_can_make_a_widget_again_from_its_own_config(widget: type[ScriptedHTML]) -> None:
    first = widget(elem_id="here")
    again = widget(
        elem_id="here", html_template="x", css_template="x", js_on_load="x", head="x", apply_default_css=True
    )
    assert (again.js_on_load, again.head, again.html_template) == (first.js_on_load, None, "")


def test_the_head_brings_shared_scripts_before_those_that_use_them() -> None:
    head = page_head()
    order = [head.index(text) for text in ("likeness.words =", "likeness.kit =", "likeness.pictures =")]
    assert order == sorted(order)
    assert head.index("likeness.toolbar =") < head.index("kit.widgets.stage =")
    assert all(f'"{name}"' in head for name in STYLES)


def test_the_page_carries_every_script_once_however_many_widgets_name_it() -> None:
    head = page_head("stage.js")
    for name in SCRIPTS:
        assert head.count((STATIC / name).read_text()) == 1, name


def test_words_for_modes_and_roles_come_from_one_place() -> None:
    found = re.search(r"likeness\.words = (\{.*?\});</script>", page_head())
    assert found
    words = json.loads(found[1])
    assert words["modes"] == {str(mode): MODE_LABEL[mode] for mode in Mode}
    assert set(words["roles"]) == {str(role) for role in Role}


def test_a_literal_cannot_end_its_script() -> None:
    literal = _literal("</script><script>alert(1)</script>")
    assert "</script" not in literal
    assert json.loads(literal) == "</script><script>alert(1)</script>"


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_set_text_only_as_text(name: str) -> None:
    source = (STATIC / name).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", source)
    assert "</script" not in source
    assert source.count("\n") < 400


def test_every_file_the_widgets_name_exists() -> None:
    missing = [name for name in (*SCRIPTS, *STYLES) if not Path(STATIC / name).is_file()]
    assert missing == []
