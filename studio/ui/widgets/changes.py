"""The one way from the page to the controls: asks Python for a change, and carries the answer back.

The order, and what an answer may still change when it arrives, is decided in the browser by
`static/studio/changes.js`. Takes no room on the page and knows nothing of what changes.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class Changes(PageComponent):
    """`value` is the last answer: new values by the place of their control. Triggers `asked`."""

    part = "changes"
    tells = ("asked",)
