"""How a part of the page is drawn in the browser: the one way in which a component starts its script.

The drawing stands in `static/`; `mount` in `static/main.js` finds it by the component's `part`. A component's
value and its `scene` are data only, so nothing from a browser or a file is ever read as HTML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import gradio as gr

_FIXED = ("html_template", "css_template", "js_on_load", "head", "apply_default_css")


class PageComponent(gr.HTML):
    """A part of the page.

    `root`: class of the one element it is drawn into, which its own styles need; `tells`: what it tells
    Python of.
    """

    part: ClassVar[str]
    root: ClassVar[str] = ""
    tells: ClassVar[tuple[str, ...]] = ()

    def __init__(self, value: Any = None, *, scene: Mapping[str, Any] | None = None, **options: Any) -> None:
        for name in _FIXED:  # Gradio passes them again when it updates a component
            options.pop(name, None)
        super().__init__(  # pyright: ignore[reportUnknownMemberType] some options have no type
            value,
            scene=scene,
            html_template=f'<div class="{self.root}"></div>' if self.root else "",
            css_template="",
            js_on_load=self._script(),
            apply_default_css=False,
            **options,
        )

    def _script(self) -> str:
        tell = ", ".join(f"{name}: (data = {{}}) => trigger({json.dumps(name)}, data)" for name in self.tells)
        return f"likeness.mount({json.dumps(self.part)}, {{ element, props, watch, tell: {{ {tell} }} }});"


def page_js(call: str) -> str:
    """JavaScript for an event of Gradio: a call of the page's own functions, with its inputs as `values`.

    What it gives goes to the event's outputs; where there are none, nothing may come of it.
    """
    return f"async (...values) => (await likeness.page).{call}"
