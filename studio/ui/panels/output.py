"""The right side of the Studio: stage, queue strip, gallery, and the dialogs that any section may open."""

from __future__ import annotations

from dataclasses import dataclass

from studio.service import StudioService
from studio.ui.coach_widgets import CoachVerdict
from studio.ui.widgets.compare import CompareDialog
from studio.ui.widgets.details import DetailsDialog
from studio.ui.widgets.history import ExportDialog, FamilyTreeDialog, ImportDialog, WinnersDialog
from studio.ui.widgets.live_preview import LivePreview
from studio.ui.widgets.picker import PickerDialog
from studio.ui.widgets.picture_grid import PictureGallery
from studio.ui.widgets.queue_view import QueueSummary


@dataclass(frozen=True, slots=True)
class OutputPanel:
    """Components of the output side."""

    preview: LivePreview
    verdict: CoachVerdict
    queue: QueueSummary
    gallery: PictureGallery
    compare: CompareDialog
    details: DetailsDialog
    picker: PickerDialog
    tree: FamilyTreeDialog
    winners: WinnersDialog
    importer: ImportDialog
    exporter: ExportDialog


def create_output(service: StudioService) -> OutputPanel:
    """Place the output side into the open layout. The browser asks REST for everything it shows."""
    del service
    return OutputPanel(
        preview=LivePreview(elem_id="preview"),
        verdict=CoachVerdict(elem_id="coach-after"),
        queue=QueueSummary(elem_id="queue"),
        gallery=PictureGallery(elem_id="gallery"),
        compare=CompareDialog(visible="hidden"),
        details=DetailsDialog(visible="hidden"),
        picker=PickerDialog(visible="hidden"),
        tree=FamilyTreeDialog(visible="hidden"),
        winners=WinnersDialog(visible="hidden"),
        importer=ImportDialog(visible="hidden"),
        exporter=ExportDialog(visible="hidden"),
    )
