"""The Collection section: every saved picture."""

from __future__ import annotations

from dataclasses import dataclass

from studio.service import StudioService
from studio.ui.widgets.picture_grid import CollectionGrid


@dataclass(frozen=True, slots=True)
class CollectionPanel:
    """Components of the section."""

    grid: CollectionGrid


def create_collection(service: StudioService) -> CollectionPanel:
    """Place the section into the open layout. The browser asks REST for everything it shows."""
    del service
    return CollectionPanel(grid=CollectionGrid(elem_id="collection"))
