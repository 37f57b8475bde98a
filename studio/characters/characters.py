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

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete

from studio.characters import blueprints, copying, kept_cards, reading, wording
from studio.characters.avatars import Avatars
from studio.characters.designs import Designs
from studio.characters.records import (
    Blueprint,
    BlueprintDraft,
    BlueprintWords,
    Character,
    CharacterSummary,
)
from studio.characters.references import References
from studio.characters.rows import clean_name, clean_text, copy_name, new_row, place_after
from studio.characters.sheets import Sheets
from studio.characters.tools import Tools, character
from studio.characters.transfer import Transfer
from studio.characters.versions import VersionHistory
from studio.collection.character_models import CharacterJobRow, CharacterRow


class Characters:
    """The cast of one studio."""

    def __init__(self, tools: Tools, designs: Designs) -> None:
        self._database = tools.database
        self._store = tools.collection.store
        self.references = References(tools)
        self.versions = VersionHistory(tools, designs, self.references)
        self.avatars = Avatars(tools)
        self.sheets = Sheets(tools, designs, self.references)
        self.transfer = Transfer(tools)
        kept_cards.settle(self._store, self._database)

    def list(self, *, query: str = "", archived: bool = False) -> tuple[CharacterSummary, ...]:
        """The cast in its order; `query`: every word must be in name or description. Quick for thousands."""
        with self._database.reading() as session:
            return reading.cast(session, query=query, archived=archived)

    def get(self, character_id: str) -> Character:
        """One character with description and blueprint."""
        with self._database.reading() as session:
            return reading.one(session, character(session, character_id).id)

    def exists(self, character_id: str) -> bool:
        """Whether there is such a character, archived or not."""
        with self._database.reading() as session:
            return session.get(CharacterRow, character_id) is not None

    def portrait_of(self, character_id: str) -> str | None:
        """The picture that is its portrait now; None without one, or without such a character."""
        with self._database.reading() as session:
            if session.get(CharacterRow, character_id) is None:
                return None
            portrait = reading.one(session, character_id).portrait
        return portrait.image_id if portrait else None

    def asked_for(self, job_id: str) -> bool:
        """Whether the job was queued for a portrait, a sheet or a cast, not from the Studio."""
        with self._database.reading() as session:
            return session.get(CharacterJobRow, job_id) is not None

    def create(self, name: str, *, description: str = "") -> Character:
        """A new character at the end of the list. Raises RequestError for a name that shows nothing."""
        with self._database.transaction() as session:
            row = new_row(session, name, description)
            return reading.one(session, row.id)

    def change(
        self,
        character_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        archived: bool | None = None,
    ) -> Character:
        """Rename, describe (the image prompt's start), archive or bring back; None: stays as it is."""
        with self._database.transaction() as session:
            row = character(session, character_id)
            now = datetime.now(UTC)
            row.name = row.name if name is None else clean_name(name)
            row.description = row.description if description is None else clean_text(description)
            if archived is not None:
                row.archived_at = (row.archived_at or now) if archived else None
            row.updated_at = now
            session.flush()
            return reading.one(session, character_id)

    def reorder(self, character_ids: Sequence[str]) -> None:
        """Put these into this order, in the places they have between them; others stay where they are."""
        wanted = tuple(dict.fromkeys(character_ids))
        with self._database.transaction() as session:
            rows = [character(session, character_id) for character_id in wanted]
            places = sorted(row.position for row in rows)
            for row, place in zip(rows, places, strict=True):
                row.position = place

    def duplicate(self, character_id: str) -> Character:
        """A second one right after it with the same blueprint, versions, references and avatar."""
        with self._database.transaction() as session:
            row = character(session, character_id)
            place = place_after(session, row)
            twin = copying.duplicate(session, row, copy_name(row.name), place)
            return reading.one(session, twin.id)

    def delete(self, character_id: str) -> None:
        """Remove the character for good. Its pictures stay in the collection, all of them."""
        with self._database.reading() as session:
            card = character(session, character_id).card
        with kept_cards.SETTLING if card is not None else contextlib.nullcontext():
            if card is not None:
                kept_cards.unsettle(self._store, card)
            with self._database.transaction() as session:
                character(session, character_id)
                session.execute(delete(CharacterRow).where(CharacterRow.id == character_id))
            kept_cards.settle(self._store, self._database)

    def blueprint(self, character_id: str) -> Blueprint:
        """What is said of the character."""
        with self._database.reading() as session:
            return blueprints.read(session, character(session, character_id).id)

    def save_blueprint(
        self, character_id: str, draft: BlueprintDraft, *, overwrite: bool = False
    ) -> Blueprint:
        """Save the blueprint. Raises BlueprintChanged (a Conflict) where somebody saved meanwhile.

        The error says in words, and per field in `errors`, what would be overwritten; with `overwrite` it is.
        """
        with self._database.transaction() as session:
            row = character(session, character_id)
            blueprints.save(session, character_id, draft, overwrite=overwrite)
            row.updated_at = datetime.now(UTC)
            session.flush()
            return blueprints.read(session, character_id)

    def words(self, character_id: str) -> BlueprintWords:
        """What prompts can take from the blueprint: picker, identity line, keep clauses, description."""
        return wording.words(self.blueprint(character_id))

    def describe(self, character_id: str) -> str:
        """Auto-describe: the description made anew from blueprint and script context, not saved yet."""
        return wording.description(self.blueprint(character_id))
