"""Small live texts as Gradio components: the header, notices before Generate, queue words, the last seed.

What they show comes from the queue's snapshot in the browser, the notices from Python. The drawing is
done by `static/studio.js`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.ui.widgets.base import script


class Header(gr.HTML):
    """Name, sections, the worker's state and the light/dark switch."""

    def __init__(
        self, value: Any = None, *, sections: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        tabs = json.dumps(list((sections or {}).items()))
        kwargs |= {
            "html_template": '<header class="lk-header"></header>',
            "js_on_load": f"likeness.header(element, {tabs});",
        }
        super().__init__(value, **kwargs)


class Notices(gr.HTML):
    """A list of quiet sentences; triggers `settled` when the artist has stopped changing things."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= {
            "html_template": '<div class="lk-notices-root"></div>',
            "js_on_load": script("notices", "settled"),
        }
        super().__init__(value, **kwargs)


class GenerateStatus(gr.HTML):
    """How many jobs run and wait, below the Generate button."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= {
            "html_template": '<div class="lk-generate-root"></div>',
            "js_on_load": script("generateStatus"),
        }
        super().__init__(value, **kwargs)


class SeedMemory(gr.HTML):
    """The seed this tab used last; triggers `used` when the artist wants it back."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= {
            "html_template": '<div class="lk-seed-root"></div>',
            "js_on_load": "likeness.seedMemory(element, () => trigger('used', {}));",
        }
        super().__init__(value, **kwargs)
