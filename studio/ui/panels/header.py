"""The header: name, sections, what the worker is doing, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.ui.widgets.notices import Header


@dataclass(frozen=True, slots=True)
class HeaderPanel:
    """Components of the header."""

    header: Header


def create_header(sections: Mapping[str, str]) -> HeaderPanel:
    """Make the header; `sections` maps each section's id to its name."""
    return HeaderPanel(header=Header(scene={"sections": list(sections.items())}, elem_id="header"))
