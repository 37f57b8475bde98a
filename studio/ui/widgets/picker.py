"""The picker: a dialog with the saved pictures, to take references from."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class PickerDialog(ScriptedHTML):
    """Takes no room on the page. Its bus opens it with `picker:open` and hears `picker:picked`."""

    widget = "picker"
    scripts = ("fields.js", "source.js", "grid.js", "picker.js")
