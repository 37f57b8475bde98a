"""The one way from the page to the controls: asks Python for a change, and carries the answer back.

The order, and what an answer may still change when it arrives, is decided in the browser by
`static/changes.js`. Takes no room on the page and knows nothing of what changes.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


class Changes(gr.HTML):
    """`value` is the last answer: new values by the place of their control. Triggers `asked`."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= {
            "html_template": "",
            "js_on_load": "likeness.changes.mount((data) => trigger('asked', data));",
            "apply_default_css": False,
        }
        super().__init__(value, **kwargs)
