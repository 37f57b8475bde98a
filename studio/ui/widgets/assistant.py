"""Choices as Gradio components: the assistant's menu of modes and the model selector.

`value` is the choice (a mode's name; {chosen, earlier} for models), `scene` what there is to choose from.
Knows nothing of the service.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class Assistant(PageComponent):
    """The sparkle button with the chosen mode's name, and the menu behind it."""

    part = "assistant"
    root = "lk-assistant"


class ModelSelect(PageComponent):
    """The chosen model with its badge and cost, and the list behind it."""

    part = "modelSelect"
    root = "lk-models"
