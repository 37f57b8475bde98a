"""Compare: a dialog with a slider between a picture and the reference it was made from."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class CompareDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `compare:open`."""

    widget = "compare"
    scripts = ("grid.js", "compare.js")
