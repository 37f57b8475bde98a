"""Portraits of a character: every version stays, one is current."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import Conflict, LikenessError, RequestError
from pipelines.planning.sizes import LIKE_REFERENCE
from pipelines.request import DEFAULT_ROLE, GenerationRequest, Mode, Reference
from studio.characters import blueprints, reading, styling, wording
from studio.characters.designs import Designs
from studio.characters.records import (
    Design,
    PortraitDefaults,
    PortraitVersion,
    Versions,
    VersionSource,
    VersionState,
)
from studio.characters.references import References
from studio.characters.tools import ENDED, Tools, character, version
from studio.collection import character_links, queries, rows
from studio.collection.character_models import CharacterJobRow, CharacterRow, VersionRow
from studio.records import JobRecord

PORTRAIT_ASPECT = "3:4"
"""Where no design says another."""
_KEEPING = (Mode.CHARACTER_REFERENCE, Mode.IMG2IMG, Mode.SMART_EDIT)
"""Modes that keep the person of a reference, the one to begin with first."""


class PortraitStart(NamedTuple):
    """How a picture of a character begins: what keeps the person, and the pictures that show her."""

    mode: Mode
    model: str | None
    references: tuple[Reference, ...]


class VersionHistory:
    """The versions of all characters."""

    def __init__(self, tools: Tools, designs: Designs, references: References) -> None:
        self._tools = tools
        self._database = tools.database
        self._designs = designs
        self._references = references

    def list(self, character_id: str, *, trashed: bool = False) -> Versions:
        """Kept and proposed ones, newest first; `trashed`: those in the trash instead."""
        with self._database.reading() as session:
            return reading.versions(session, character(session, character_id), trashed=trashed)

    def get(self, character_id: str, version_id: str) -> PortraitVersion:
        """One version, wherever it is."""
        with self._database.reading() as session:
            return _record(session, character_id, version(session, character_id, version_id))

    # --- adding -----------------------------------------------------------------------------

    def add_picture(self, character_id: str, image_id: str) -> PortraitVersion:
        """A picture of the collection becomes the newest version, and current (“Apply to character”).

        One that is a version already becomes current.
        """
        return self._add(character_id, image_id, VersionSource.PICTURE)

    def add_upload(self, character_id: str, source: BinaryIO | Path, filename: str) -> PortraitVersion:
        """Take a file in; it becomes the newest version, and current. Raises PictureRefused."""
        with self._database.reading() as session:
            character(session, character_id)
        record, _ = self._tools.collection.add_upload(source, filename)
        return self._add(character_id, record.id, VersionSource.UPLOAD)

    def add_job(self, character_id: str, job_id: str) -> tuple[PortraitVersion, ...]:
        """All pictures of an ended job become versions, the last one current. Raises Conflict before that."""
        job = self._tools.queue.get(job_id)
        if job.status not in ENDED or not job.images:
            raise Conflict("This job has no pictures yet. Wait until it is done.", field="job_id")
        with self._database.transaction() as session:
            character(session, character_id)
            added = [
                character_links.add_version(session, character_id, image_id, source=VersionSource.GENERATED)
                for image_id in job.images
            ]
            return tuple(_record(session, character_id, row) for row in added)

    def _add(self, character_id: str, image_id: str, source: VersionSource) -> PortraitVersion:
        with self._database.transaction() as session:
            character(session, character_id)
            picture = queries.row(session, image_id)
            if picture.trashed_at is not None:
                raise RequestError("This picture is in the trash. Restore it first.", field="image_id")
            added = character_links.add_version(session, character_id, image_id, source=source)
            return _record(session, character_id, added)

    # --- making -----------------------------------------------------------------------------

    def defaults(self, character_id: str) -> PortraitDefaults:
        """What the modal's knobs start with."""
        with self._database.reading() as session:
            said = character(session, character_id).description
            prompt = said or wording.description(blueprints.read(session, character_id))
            given = _portrait(session, character_id, drawn=False)
        design = self._designs.active()
        approved = self._references.as_request(character_id)
        mode, model, references = self._keeping(approved or given, design)
        shape = self._tall(model, mode) if approved or not references else LIKE_REFERENCE
        return PortraitDefaults(
            prompt=prompt,
            style_prompt=design.style_prompt if design else "",
            design_id=design.id if design else None,
            negative_prompt=design.negative_prompt if design else "",
            model=model,
            mode=mode,
            aspect_ratio=(design.aspect_ratio if design else None) or shape,
            seed=styling.seed_of(design),
            guidance_scale=design.guidance_scale if design else None,
            num_inference_steps=design.num_inference_steps if design else None,
            references=references,
        )

    def _tall(self, model: str | None, mode: Mode) -> str:
        """The shape of a portrait, where the model was made for that, else the model's own."""
        try:
            spec = self._tools.catalog.get(model) if model else self._tools.catalog.default_model(mode)
        except LikenessError:
            return PORTRAIT_ASPECT
        return PORTRAIT_ASPECT if PORTRAIT_ASPECT in (spec.shapes or (PORTRAIT_ASPECT,)) else spec.shapes[0]

    def in_studio(self, character_id: str) -> PortraitStart:
        """What “Load into the studio” brings: reference set and portrait, as many as the model takes."""
        with self._database.reading() as session:
            portrait = _portrait(session, character_id, drawn=True)
        approved = self._references.as_request(character_id)
        known = {each.image_id for each in approved}
        both = (*approved, *(each for each in portrait if each.image_id not in known))
        return self._keeping(both, self._designs.active())

    def generate(
        self, character_id: str, request: GenerationRequest, *, tab: str | None = None, styled: bool = True
    ) -> JobRecord:
        """Queue a portrait; each of its pictures becomes a version as it is kept, the last one current.

        `request.prompt` is the image prompt; `styled` joins the active design's style prompt to it. Fields
        that are left open are the design's. Raises RequestError as `StudioService.submit` does.
        """
        with self._database.reading() as session:
            character(session, character_id)
        design = self._designs.active()
        wanted = styling.under(design, request, styled=styled)
        done = self._tools.complete(wanted.model_copy(update={"character": character_id}))

        def note(session: Session, job_ids: tuple[str, ...]) -> None:
            session.add(
                CharacterJobRow(
                    job_id=job_ids[0],
                    character_id=character_id,
                    purpose=character_links.PORTRAIT,
                    design_id=design.id if design and styled else None,
                )
            )

        return self._tools.queue.add_all([(done.request, done.notices)], tab, note)[0]

    def _keeping(self, pictures: Sequence[Reference], design: Design | None) -> PortraitStart:
        """The first mode that keeps who is on the pictures; where none can, from words alone."""
        model = design.model if design else None
        for mode in _KEEPING if pictures else ():
            able = self._able(mode, model)
            if able is not None:
                most = self._tools.catalog.route(able, mode).max_references
                role = DEFAULT_ROLE[mode]
                kept = tuple(each.model_copy(update={"role": role}) for each in pictures[:most])
                return PortraitStart(mode, able, kept)
        return PortraitStart(Mode.TEXT_TO_IMAGE, model, ())

    def _able(self, mode: Mode, model: str | None) -> str | None:
        """The model where it can be used in the mode, else the default of the mode; None: there is none."""
        catalog = self._tools.catalog
        try:
            if model is None or catalog.unavailable_reason(model, mode):
                model = catalog.default_model(mode).id
            return None if catalog.unavailable_reason(model, mode) else model
        except LikenessError:
            return None

    # --- choosing ---------------------------------------------------------------------------

    def use(self, character_id: str, version_id: str) -> PortraitVersion:
        """“Use this version”: it is the character's portrait now. A proposed one is accepted by that."""
        with self._database.transaction() as session:
            row = version(session, character_id, version_id)
            if row.trashed_at is not None:
                raise Conflict("This version is in the trash. Restore it, then use it.", field="version")
            character_links.make_current(character(session, character_id), row)
            session.flush()
            return _record(session, character_id, row)

    def leave(self, character_id: str, version_id: str) -> PortraitVersion:
        """Leave a proposed version: not among the versions any more, still a picture of the character."""
        with self._database.transaction() as session:
            row = version(session, character_id, version_id)
            if row.state == VersionState.KEPT:
                raise Conflict(
                    "This version is kept already. Put it into the trash instead.", field="version"
                )
            row.state, row.held_image_id = VersionState.LEFT, None
            session.flush()
            return _record(session, character_id, row)

    def trash(self, character_id: str, version_id: str) -> PortraitVersion:
        """Into the trash, with its picture where nothing else has it. The newest other one is current."""
        with self._database.transaction() as session:
            row = version(session, character_id, version_id)
            now = datetime.now(UTC)
            row.trashed_at, row.held_image_id = row.trashed_at or now, None
            _let_go(session, character(session, character_id), row)
            session.flush()
            if not character_links.shared(session, row):
                picture = queries.row(session, row.image_id)
                picture.trashed_at = picture.trashed_at or now
                rows.marked(session, [picture.id], words=False)
            session.flush()
            return _record(session, character_id, row)

    def restore(self, character_id: str, version_id: str) -> PortraitVersion:
        """Out of the trash, with its picture; a left one is kept again. First of all, it is current."""
        with self._database.transaction() as session:
            row = version(session, character_id, version_id)
            row.trashed_at, row.state, row.held_image_id = None, VersionState.KEPT, row.image_id
            owner = character(session, character_id)
            owner.current_version_id = owner.current_version_id or row.id
            rows.restore(session, queries.row(session, row.image_id))
            session.flush()
            return _record(session, character_id, row)

    def save_as_default(self, character_id: str, version_id: str, *, activate: bool = True) -> Design:
        """“Save as design default”: seed, negative prompt, model, guidance and steps of this version.

        They become those of the active design; without one, a design is made, which `activate` makes the
        active one. Raises RequestError for a picture that was not made here.
        """
        with self._database.reading() as session:
            row = version(session, character_id, version_id)
            request = reading.own_request(queries.row(session, row.image_id))
        if request is None:
            raise RequestError("This picture was not made here, so it has no settings to save.")
        return self._designs.take_defaults(request, activate=activate)


def _portrait(session: Session, character_id: str, *, drawn: bool) -> tuple[Reference, ...]:
    """The portrait; without `drawn` none that comes from words alone, since it was given by nobody."""
    row = session.get(VersionRow, character(session, character_id).current_version_id or "")
    picture = None if row is None else queries.row(session, row.image_id)
    if picture is None or picture.trashed_at is not None:
        return ()
    request = reading.own_request(picture)
    if not drawn and request is not None and request.mode is Mode.TEXT_TO_IMAGE:
        return ()
    return (Reference(image_id=picture.id),)


def _let_go(session: Session, owner: CharacterRow, row: VersionRow) -> None:
    """The version is in the trash: neither portrait nor avatar any more."""
    if owner.avatar_version_id == row.id:
        owner.avatar_image_id = owner.avatar_version_id = owner.avatar_crop = None
    if owner.current_version_id == row.id:
        owner.current_version_id = session.scalar(
            select(VersionRow.id)
            .where(
                VersionRow.character_id == owner.id,
                VersionRow.trashed_at.is_(None),
                VersionRow.state == VersionState.KEPT,
                VersionRow.id != row.id,
            )
            .order_by(VersionRow.number.desc())
            .limit(1)
        )


def _record(session: Session, character_id: str, row: VersionRow) -> PortraitVersion:
    return reading.version(session, character(session, character_id), row)
