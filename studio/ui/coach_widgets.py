"""The coach's two widgets on the Studio page. Everything they say comes from REST, in the browser."""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class CoachLine(PageComponent):
    """One line of advice under the prompt."""

    part = "coachLine"


class CoachVerdict(PageComponent):
    """Closer, same or drifted, under the result."""

    part = "coachVerdict"
