"""The right side of the Studio: stage, queue strip, gallery. Dialogs open over it, in the browser."""

from __future__ import annotations

from dataclasses import dataclass

from studio.service import StudioService
from studio.ui.coach_widgets import CoachVerdict
from studio.ui.widgets.live_preview import LivePreview
from studio.ui.widgets.picture_grid import PictureGallery
from studio.ui.widgets.queue_view import QueueSummary


@dataclass(frozen=True, slots=True)
class OutputPanel:
    """Components of the output side."""

    preview: LivePreview
    verdict: CoachVerdict
    queue: QueueSummary
    gallery: PictureGallery


def create_output(service: StudioService) -> OutputPanel:
    """Place the output side into the open layout. The browser asks REST for everything it shows."""
    del service
    return OutputPanel(
        preview=LivePreview(elem_id="preview"),
        verdict=CoachVerdict(elem_id="coach-after"),
        queue=QueueSummary(elem_id="queue"),
        gallery=PictureGallery(elem_id="gallery"),
    )
