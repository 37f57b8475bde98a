"""The Queue section: running, waiting and finished jobs of all tabs."""

from __future__ import annotations

from dataclasses import dataclass

from studio.service import StudioService
from studio.ui.widgets.queue_view import QueuePage


@dataclass(frozen=True, slots=True)
class QueuePanel:
    """Components of the section."""

    jobs: QueuePage


def create_queue(service: StudioService) -> QueuePanel:
    """Place the section into the open layout. The browser asks REST for everything it shows."""
    del service
    return QueuePanel(jobs=QueuePage(elem_id="queue-page"))
