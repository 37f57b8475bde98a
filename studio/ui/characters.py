"""The Characters section: the cast. Dialogs about a character open from any section, in the browser."""

from __future__ import annotations

from dataclasses import dataclass

from studio.ui.characters_widgets import CharactersPage


@dataclass(frozen=True, slots=True)
class CharactersPanel:
    """Components of the section."""

    page: CharactersPage


def create_characters() -> CharactersPanel:
    """Make the section."""
    return CharactersPanel(page=CharactersPage(elem_id="characters"))
