"""`/characters/{id}/sheets`: one character in the expressions, angles or outfits that are chosen."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import Field

from studio.characters.characters import Characters
from studio.characters.sheet_records import Sheet, SheetAsk, SheetCell, SheetChoices, SheetWish


class SheetOrder(SheetWish):
    """A sheet to be made, by a tab."""

    tab: str | None = Field(default=None, max_length=128)


def add_sheets(router: APIRouter, characters: Characters) -> None:
    """Add the calls about character sheets."""
    sheets = characters.sheets

    @router.get("/characters/{character_id}/sheet-choices")
    def choices(character_id: str) -> SheetChoices:
        """Proposals of what a sheet can vary."""
        return sheets.choices(character_id)

    @router.post("/characters/{character_id}/sheet-cells")
    def compose(character_id: str, ask: SheetAsk) -> tuple[SheetCell, ...]:
        """A cell for each thing chosen, its prompt composed from the locked fields; to be edited."""
        return sheets.compose(character_id, ask)

    @router.post("/characters/{character_id}/sheets", status_code=202)
    def start(character_id: str, wish: SheetOrder, response: Response) -> Sheet:
        """Queue all pictures of a sheet."""
        sheet = sheets.start(character_id, wish, tab=wish.tab)
        response.headers["Location"] = f"/api/v1/characters/{character_id}/sheets/{sheet.id}"
        return sheet

    @router.get("/characters/{character_id}/sheets")
    def all_sheets(character_id: str) -> tuple[Sheet, ...]:
        """Newest first."""
        return sheets.list(character_id)

    @router.get("/characters/{character_id}/sheets/{sheet_id}")
    def sheet(character_id: str, sheet_id: str) -> Sheet:
        """How it stands; laid out with the first look after its last job."""
        return sheets.get(character_id, sheet_id)

    @router.post("/characters/{character_id}/sheets/{sheet_id}/cancel", status_code=202)
    def cancel_sheet(character_id: str, sheet_id: str) -> Sheet:
        """Cancel what has not ended; what was made stays."""
        return sheets.cancel(character_id, sheet_id)
