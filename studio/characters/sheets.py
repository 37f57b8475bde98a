"""Character sheets: one picture per cell and seed, then all of them on one labelled sheet."""

from __future__ import annotations

from studio.characters.records import Sheet, SheetAsk, SheetCell, SheetChoices, SheetWish


class Sheets:
    """The sheets of all characters."""

    def choices(self, character_id: str) -> SheetChoices:
        """Proposals for each list; the blueprint's own outfit and expression come first."""
        raise NotImplementedError

    def compose(self, character_id: str, ask: SheetAsk) -> tuple[SheetCell, ...]:
        """A cell for each thing chosen, its prompt composed from the locked fields; to be edited."""
        raise NotImplementedError

    def start(self, character_id: str, wish: SheetWish, *, tab: str | None = None) -> Sheet:
        """Queue all pictures at once. Raises RequestError where one of them cannot be made."""
        raise NotImplementedError

    def get(self, character_id: str, sheet_id: str) -> Sheet:
        """How it stands. The first look after its last job lays the sheet out."""
        raise NotImplementedError

    def list(self, character_id: str) -> tuple[Sheet, ...]:
        """Newest first."""
        raise NotImplementedError
