"""The references panel: what the next picture is made from."""

from __future__ import annotations

from dataclasses import dataclass

from studio.ui.widgets.reference_strip import ReferenceStrip


@dataclass(frozen=True, slots=True)
class ReferencesPanel:
    """Components of the references panel."""

    strip: ReferenceStrip


def create_references() -> ReferencesPanel:
    """Make the panel, empty."""
    return ReferencesPanel(strip=ReferenceStrip([], elem_id="references"))
