"""The reference strip as a Gradio component: `value` is a list of {image_id, role, weight}.

`scene` tells the browser which roles there are and how many references fit. What comes back is from a
browser and is read as such. Knows nothing of the service.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class ReferenceStrip(PageComponent):
    """Up to ten numbered references; asks for a change after every one by the artist."""

    part = "references"
    root = "lk-references"
