"""Compare: a dialog with two pictures as a slider, side by side, in turn, or their difference."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class CompareDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `compare:open`."""

    widget = "compare"
    scripts = ("fields.js", "compare.js")
