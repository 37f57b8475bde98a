"""Gradio's radio buttons, sliders and ticks, without its own judgement of what a browser sends.

What may be chosen depends on the model and the mode. Gradio judges a value by the choices it offered last, so
one that is on its way while they change would be refused with a message for developers. `StudioState.read`
and `settle` judge instead, and put it right.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


class LenientRadio(gr.Radio):
    """Radio buttons; hands on what was sent."""

    is_template = True  # drawn in the browser as what it is made from

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload


class LenientSlider(gr.Slider):
    """A slider; hands on what was sent."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload


class LenientCheckbox(gr.Checkbox):
    """On or off; hands on what was sent."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload
