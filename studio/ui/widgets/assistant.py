"""Choices as Gradio components: the assistant's menu of modes and the model selector.

`value` is the choice (a mode's name; {chosen, earlier} for models), `scene` what there is to choose from.
Knows nothing of the service; the drawing is done by `static/choices.js`.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.ui.widgets.base import drawn, script


class Assistant(gr.HTML):
    """The sparkle button with the chosen mode's name, and the menu behind it."""

    def __init__(self, value: Any = None, *, scene: dict[str, Any] | None = None, **kwargs: Any) -> None:
        kwargs |= drawn("lk-assistant", script("assistant"))
        super().__init__(value, scene=scene, **kwargs)


class ModelSelect(gr.HTML):
    """The chosen model with its badge and cost, and the list behind it."""

    def __init__(self, value: Any = None, *, scene: dict[str, Any] | None = None, **kwargs: Any) -> None:
        kwargs |= drawn("lk-models", script("modelSelect"))
        super().__init__(value, scene=scene, **kwargs)
