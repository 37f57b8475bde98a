"""The model panel: which model makes the picture, whether it edits, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from studio.ui.widgets.assistant import ModelSelect


@dataclass(frozen=True, slots=True)
class ModelPanel:
    """Components of the model panel."""

    select: ModelSelect


def create_model() -> ModelPanel:
    """Make the panel; the models come when the page is restored."""
    return ModelPanel(select=ModelSelect({"chosen": None, "earlier": None}, elem_id="model-select"))
