"""The coach's two widgets on the Studio page. Everything they say comes from REST, in the browser."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class CoachLine(ScriptedHTML):
    """One line of advice under the prompt."""

    widget = "coach_line"
    scripts = ("coach.js",)


class CoachVerdict(ScriptedHTML):
    """Closer, same or drifted, under the result."""

    widget = "coach_verdict"
    scripts = ("coach.js",)
