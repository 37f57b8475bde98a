"""The Models section."""

from __future__ import annotations

from dataclasses import dataclass

from studio.ui.widgets.models_page import ModelsPage


@dataclass(frozen=True, slots=True)
class ModelsPanel:
    """Components of the section."""

    page: ModelsPage


def create_models() -> ModelsPanel:
    """Make the section."""
    return ModelsPanel(page=ModelsPage(elem_id="models"))
