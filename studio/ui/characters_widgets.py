"""The Characters section and its dialogs, and the field picker beside the Studio's prompt.

Everything shown comes from REST, in the browser.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.ui.widgets.base import drawn, script
from studio.ui.widgets.scripted import ScriptedHTML

REST = "characters_rest.js"


class CharactersPage(ScriptedHTML):
    """Holds `#characters-list` with a row for each character of the cast."""

    widget = "characters"
    scripts = ("fields.js", REST, "characters.js")


class PortraitModal(ScriptedHTML):
    """Takes no room on the page; opens on the page's `portrait:open`."""

    widget = "portrait_modal"
    scripts = (
        "fields.js",
        REST,
        "characters_fields.js",
        "characters_knobs.js",
        "characters_versions.js",
        "characters_modal.js",
    )


class CropTool(ScriptedHTML):
    """Takes no room on the page; opens on the page's `crop:open`."""

    widget = "crop_tool"
    scripts = ("fields.js", REST, "characters_crop.js")


class BlueprintEditor(ScriptedHTML):
    """Takes no room on the page; opens on the page's `blueprint:open`."""

    widget = "blueprint_editor"
    scripts = ("fields.js", REST, "characters_blueprint.js")


class ReferenceSetDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `references:open`."""

    widget = "reference_set"
    scripts = ("fields.js", REST, "characters_references.js")


class SheetDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `sheet:open`."""

    widget = "sheet_dialog"
    scripts = ("fields.js", REST, "characters_sheet.js")


class DesignsDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `designs:open`."""

    widget = "designs_dialog"
    scripts = ("fields.js", REST, "characters_cast.js", "characters_designs.js")


class FieldPicker(gr.HTML):
    """A button beside the prompt while a character is loaded in this tab; `value` is its id, or None."""

    scripts = ("fields.js", REST, "characters_fields.js")

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= drawn("chr-picker-root", script("fieldPicker"))
        super().__init__(value, **kwargs)
