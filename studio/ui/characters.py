"""The Characters section: the cast, and the dialogs any section may open about a character."""

from __future__ import annotations

from dataclasses import dataclass

from studio.ui.characters_widgets import (
    BlueprintEditor,
    CharactersPage,
    CropTool,
    DesignsDialog,
    PortraitModal,
    ReferenceSetDialog,
    SheetDialog,
)


@dataclass(frozen=True, slots=True)
class CharactersPanel:
    """Components of the section."""

    page: CharactersPage
    portrait: PortraitModal
    crop: CropTool
    blueprint: BlueprintEditor
    references: ReferenceSetDialog
    sheet: SheetDialog
    designs: DesignsDialog


def create_characters() -> CharactersPanel:
    """Make the section."""
    return CharactersPanel(
        page=CharactersPage(elem_id="characters"),
        portrait=PortraitModal(visible="hidden"),
        crop=CropTool(visible="hidden"),
        blueprint=BlueprintEditor(visible="hidden"),
        references=ReferenceSetDialog(visible="hidden"),
        sheet=SheetDialog(visible="hidden"),
        designs=DesignsDialog(visible="hidden"),
    )
