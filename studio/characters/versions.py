"""Portraits of a character: every version stays, one is current."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from pipelines.request import GenerationRequest
from studio.characters.records import Design, PortraitDefaults, Version, Versions
from studio.records import JobRecord


class VersionHistory:
    """The versions of all characters."""

    def list(self, character_id: str, *, trashed: bool = False) -> Versions:
        """Kept and proposed ones, newest first; `trashed`: those in the trash instead."""
        raise NotImplementedError

    def get(self, character_id: str, version_id: str) -> Version:
        """One version, wherever it is."""
        raise NotImplementedError

    def add_picture(self, character_id: str, image_id: str) -> Version:
        """A picture of the collection becomes the newest version, and current (“Apply to character”)."""
        raise NotImplementedError

    def add_upload(self, character_id: str, source: BinaryIO | Path, filename: str) -> Version:
        """Take a file in; it becomes the newest version, and current. Raises PictureRefused."""
        raise NotImplementedError

    def add_job(self, character_id: str, job_id: str) -> tuple[Version, ...]:
        """All pictures of an ended job become versions, the last one current. Raises Conflict before its end."""
        raise NotImplementedError

    def defaults(self, character_id: str) -> PortraitDefaults:
        """What the modal's knobs start with."""
        raise NotImplementedError

    def generate(
        self, character_id: str, request: GenerationRequest, *, tab: str | None = None, styled: bool = True
    ) -> JobRecord:
        """Queue a portrait; each of its pictures becomes a version the moment it is kept, the last one current.

        `request.prompt` is the image prompt; `styled` joins the active design's style prompt to it. Fields
        that are left open are the design's. Raises RequestError as `StudioService.submit` does.
        """
        raise NotImplementedError

    def use(self, character_id: str, version_id: str) -> Version:
        """“Use this version”: it is the character's portrait now. A proposed one is accepted by that."""
        raise NotImplementedError

    def accept(self, character_id: str, version_id: str) -> Version:
        """Accept a proposed version: it is kept, and current."""
        raise NotImplementedError

    def leave(self, character_id: str, version_id: str) -> Version:
        """Leave a proposed version: not among the versions any more, still a picture of the character."""
        raise NotImplementedError

    def trash(self, character_id: str, version_id: str) -> Version:
        """Into the trash, with its picture where no other character has it. The newest other one is current."""
        raise NotImplementedError

    def restore(self, character_id: str, version_id: str) -> Version:
        """Out of the trash, with its picture; a left one is kept again."""
        raise NotImplementedError

    def save_as_default(self, character_id: str, version_id: str) -> Design:
        """“Save as design default”: seed, negative prompt, model, guidance and steps of this version.

        They become those of the active design; without one, a design is made and becomes active. Raises
        RequestError for a picture that was not made here.
        """
        raise NotImplementedError
