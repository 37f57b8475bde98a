"""The verbs of characters. REST and the page call these; `StudioService.characters` is one of these.

    characters.list() … the cast itself: create, rename, reorder, duplicate, archive, delete, blueprint
    characters.versions … portraits: add, use, trash; generate
    characters.avatars … the crop rectangle and avatar files
    characters.references … the reference set
    characters.sheets … character sheets
    characters.transfer … zip and character cards

`StudioService.designs` (`studio/characters/designs.py`) has the designs and “bring the cast to this design”.
All methods are thread-safe and never wait for the worker. Unknown ids raise NotFound.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.characters.avatars import Avatars
from studio.characters.records import Blueprint, BlueprintDraft, Character, CharacterSummary, Words
from studio.characters.references import References
from studio.characters.sheets import Sheets
from studio.characters.transfer import Transfer
from studio.characters.versions import VersionHistory


class Characters:
    """The cast of one studio."""

    versions: VersionHistory
    avatars: Avatars
    references: References
    sheets: Sheets
    transfer: Transfer

    def list(self, *, query: str = "", archived: bool = False) -> tuple[CharacterSummary, ...]:
        """The cast in its order; `query`: every word must be in name or description. Quick for thousands."""
        raise NotImplementedError

    def get(self, character_id: str) -> Character:
        """One character with description and blueprint."""
        raise NotImplementedError

    def exists(self, character_id: str) -> bool:
        """Whether there is such a character, archived or not."""
        raise NotImplementedError

    def create(self, name: str, *, description: str = "") -> Character:
        """A new character at the end of the list. Raises RequestError for a name without visible characters."""
        raise NotImplementedError

    def change(
        self,
        character_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        archived: bool | None = None,
    ) -> Character:
        """Rename, describe (the image prompt's start), archive or bring back; None: stays as it is."""
        raise NotImplementedError

    def reorder(self, character_ids: Sequence[str]) -> None:
        """Put these into this order, in the places they have between them; others stay where they are."""
        raise NotImplementedError

    def duplicate(self, character_id: str) -> Character:
        """A second one right after it with the same blueprint, versions, references and avatar."""
        raise NotImplementedError

    def delete(self, character_id: str) -> None:
        """Remove the character for good. Its pictures stay in the collection, all of them."""
        raise NotImplementedError

    def blueprint(self, character_id: str) -> Blueprint:
        """What is said of the character."""
        raise NotImplementedError

    def save_blueprint(
        self, character_id: str, draft: BlueprintDraft, *, overwrite: bool = False
    ) -> Blueprint:
        """Save the blueprint. Raises BlueprintChanged (a Conflict) where somebody saved meanwhile.

        The error says in words, and per field in `errors`, what would be overwritten; with `overwrite` it is.
        """
        raise NotImplementedError

    def words(self, character_id: str) -> Words:
        """What prompts can take from the blueprint: picker entries, identity line, keep clauses, description."""
        raise NotImplementedError

    def describe(self, character_id: str) -> str:
        """Auto-describe: the description made anew from blueprint and script context, not saved yet."""
        raise NotImplementedError
