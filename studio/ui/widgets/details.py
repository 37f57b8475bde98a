"""Details: a dialog that says how a picture came to be, and offers all that can be done with it."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class DetailsDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `details:open`."""

    widget = "details"
    scripts = ("fields.js", "facts.js", "tags.js", "rights.js", "foreign.js", "reproduce.js", "details.js")
