"""The stage: this tab's running job with phase, steps and preview, or the chosen picture with its toolbar.

Everything shown comes from the queue's snapshot and REST, in the browser.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class LivePreview(PageComponent):
    """Holds `#cancel`, `#use-as-reference` and the other buttons of the chosen picture."""

    part = "stage"
