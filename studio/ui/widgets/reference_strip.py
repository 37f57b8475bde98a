"""The reference strip as a Gradio component: `value` is a list of {image_id, role, weight}.

`scene` tells the browser which roles there are and how many references fit. What comes back is from a
browser and is read as such. Knows nothing of the service; the drawing is done by `static/references.js`.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.ui.widgets.base import drawn, script


class ReferenceStrip(gr.HTML):
    """Up to ten numbered references; asks for a change after every one by the artist."""

    def __init__(self, value: Any = None, *, scene: dict[str, Any] | None = None, **kwargs: Any) -> None:
        kwargs |= drawn("lk-references", script("referenceStrip"))
        super().__init__(value, scene=scene, **kwargs)
