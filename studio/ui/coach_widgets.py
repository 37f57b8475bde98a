"""The coach's two widgets on the Studio page. Everything they say comes from REST, in the browser."""

from __future__ import annotations

from studio.ui.widgets.base import Drawn


class CoachLine(Drawn):
    """One line of advice under the prompt."""

    part = "coachLine"


class CoachVerdict(Drawn):
    """Closer, same or drifted, under the result."""

    part = "coachVerdict"
