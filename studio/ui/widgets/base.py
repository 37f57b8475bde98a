"""What the page's own components share: how one of them starts its script.

A component's drawing stands in `static/`, in a function of the page's `likeness` object; its value and its
`scene` are data only, so nothing from a browser or a file is ever read as HTML.
"""

from __future__ import annotations

from typing import Any


def script(function: str, *events: str) -> str:
    """Start `likeness.<function>(element, props, watch, event…)`; calling an event triggers it."""
    triggers = "".join(f", (data) => trigger('{event}', data ?? {{}})" for event in events)
    return f"likeness.{function}(element, props, watch{triggers});"


def drawn(root: str, script_text: str) -> dict[str, Any]:
    """Arguments of a `gr.HTML` that is one empty element of class `root`, filled by `script_text`."""
    return {
        "html_template": f'<div class="{root}"></div>',
        "js_on_load": script_text,
        "apply_default_css": False,
    }
