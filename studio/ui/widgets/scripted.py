"""A Gradio component that is drawn in the browser by one of the scripts in `static/`.

What all of them need stands in the page's head, each script and stylesheet once, however many components name
it. A script speaks to Python through `likeness.change`. Knows nothing of what the widgets show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import gradio as gr

from pipelines.request import MODE_LABEL
from studio.ui.words import CONTROL_WORDS, ROLE_WORDS

STATIC = Path(__file__).resolve().parent.parent / "static"
SHARED = ("kit.js", "pictures.js", "toolbar.js")
CHARACTER_STYLES = ("characters.css", "characters_modal.css")
STYLES = (
    "output.css",
    "overlays.css",
    "models.css",
    "collection.css",
    "tree.css",
    "coach.css",
    *CHARACTER_STYLES,
)
_FIXED = ("html_template", "css_template", "js_on_load", "head", "apply_default_css")


def _literal(value: object) -> str:
    """`value` as a JavaScript literal that cannot end the script element it stands in."""
    return json.dumps(value).replace("</", "<\\/")


@cache
def _words_script() -> str:
    words = {
        "modes": MODE_LABEL,
        "roles": ROLE_WORDS,
        "controls": CONTROL_WORDS,
    }
    return f"<script>likeness.words = {_literal(words)};</script>"


@cache
def _script(name: str) -> str:
    source = (STATIC / name).read_text(encoding="utf-8")
    return f"<script>\n{source}</script>"


@cache
def _style_script(name: str) -> str:
    css = (STATIC / name).read_text(encoding="utf-8")
    return f"<script>likeness.kit.style({_literal(name)}, {_literal(css)});</script>"


def page_head(*more: str) -> str:
    """Words, shared scripts, styles, then the scripts of every scripted component and `more`, as elements."""
    named = [*(name for widget in _widgets(ScriptedHTML) for name in widget.scripts), *more]
    shared = [_words_script(), *map(_script, SHARED), *map(_style_script, STYLES)]
    return "\n".join([*shared, *map(_script, dict.fromkeys(named))])


def _widgets(kind: type[ScriptedHTML]) -> Iterator[type[ScriptedHTML]]:
    for widget in kind.__subclasses__():
        yield widget
        yield from _widgets(widget)


class ScriptedHTML(gr.HTML):
    """Draws itself with the function `widget` of `scripts`."""

    widget: ClassVar[str] = ""
    scripts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, value: None = None, *, elem_id: str | None = None, **options: Any) -> None:
        for name in _FIXED:  # Gradio passes them again when it updates a component
            options.pop(name, None)
        super().__init__(
            value,
            elem_id=elem_id,
            html_template="",
            css_template="",
            js_on_load=f'likeness.mount("{self.widget}", element);',
            apply_default_css=False,
            **options,
        )
