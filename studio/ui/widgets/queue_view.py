"""The queue of all tabs, as a strip for the Studio and as the Queue section."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class QueueSummary(ScriptedHTML):
    """What runs and what waits, on a strip of fixed height."""

    widget = "queue_summary"
    scripts = ("queue.js",)


class QueuePage(ScriptedHTML):
    """Running, waiting and finished jobs, with the words of those that failed."""

    widget = "queue_page"
    scripts = ("queue.js",)
