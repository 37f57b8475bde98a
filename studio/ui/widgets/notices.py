"""Small live texts as Gradio components: the header, notices before Generate, queue words, the last seed.

What they show comes from the queue's snapshot in the browser, the notices from Python. The drawing is
done by `static/studio.js`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.ui.widgets.base import drawn, script


class Header(gr.HTML):
    """Name, sections, the worker's state and the light/dark switch."""

    def __init__(
        self, value: Any = None, *, sections: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        tabs = json.dumps(list((sections or {}).items()))
        kwargs |= drawn("lk-header", f"likeness.header(element, {tabs});")
        super().__init__(value, **kwargs)


class Notices(gr.HTML):
    """A list of quiet sentences; triggers `settled` when the artist has stopped changing things."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= drawn("lk-notices-root", script("notices", "settled"))
        super().__init__(value, **kwargs)


class GenerateStatus(gr.HTML):
    """How many jobs run and wait, below the Generate button."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= drawn("lk-generate-root", script("generateStatus"))
        super().__init__(value, **kwargs)


class SeedMemory(gr.HTML):
    """The seed this tab used last; triggers `used` when the artist wants it back."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        kwargs |= drawn("lk-seed-root", "likeness.seedMemory(element, () => trigger('used', {}));")
        super().__init__(value, **kwargs)


class Disclosure(gr.HTML):
    """A button that opens and closes the part of the page with the id `target`."""

    def __init__(self, value: Any = None, *, target: str = "", words: str = "", **kwargs: Any) -> None:
        script_text = f"likeness.disclosure(element, {json.dumps(target)}, {json.dumps(words)});"
        kwargs |= drawn("lk-disclosure-root", script_text)
        super().__init__(value, **kwargs)
