"""The picker: a dialog with the saved pictures, to take references from."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class PickerDialog(ScriptedHTML):
    """Takes no room on the page; on its bus, `picker:open` {max} opens it and `picker:picked` {ids} answers."""

    widget = "picker"
    scripts = ("grid.js", "picker.js")
