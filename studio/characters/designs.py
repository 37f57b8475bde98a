"""Designs: one style for the whole cast, one of them active; and bringing the cast to one."""

from __future__ import annotations

from studio.characters.records import CastRun, CastWish, Design, DesignDraft, DesignUse


class Designs:
    """The designs of one studio. `StudioService.designs` is one of these."""

    def list(self) -> tuple[Design, ...]:
        """In the order they were made."""
        raise NotImplementedError

    def get(self, design_id: str) -> Design:
        """One design."""
        raise NotImplementedError

    def active(self) -> Design | None:
        """The one portraits are made under."""
        raise NotImplementedError

    def create(self, draft: DesignDraft) -> Design:
        """A new design; the first one becomes active. Raises RequestError for a name that is taken."""
        raise NotImplementedError

    def change(self, design_id: str, draft: DesignDraft) -> Design:
        """Change the fields that are set in `draft` (`model_fields_set`)."""
        raise NotImplementedError

    def activate(self, design_id: str | None) -> tuple[DesignUse, ...]:
        """Switch to it (None: none is active); says which portraits were made under which design."""
        raise NotImplementedError

    def delete(self, design_id: str) -> None:
        """Portraits made under it stay; they were made under none then."""
        raise NotImplementedError

    def uses(self, design_id: str) -> tuple[DesignUse, ...]:
        """Of every character with a portrait: was it made under this design, or another."""
        raise NotImplementedError

    def bring_cast(self, design_id: str, wish: CastWish, *, tab: str | None = None) -> CastRun:
        """Queue one job per character, all or none, each result a proposed version to accept or leave.

        Characters for whom no job can be made are named in `skipped`. Raises RequestError where none can.
        """
        raise NotImplementedError

    def run(self, run_id: str) -> CastRun:
        """How it stands."""
        raise NotImplementedError

    def runs(self, design_id: str) -> tuple[CastRun, ...]:
        """Newest first."""
        raise NotImplementedError

    def cancel_run(self, run_id: str) -> CastRun:
        """Cancel the jobs of a run that have not ended; what was made stays proposed."""
        raise NotImplementedError
