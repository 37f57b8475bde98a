"""Designs: one style for the whole cast, one of them active; and bringing the cast to one.

`StudioService.designs` is one of these. Thread-safe; unknown ids raise NotFound.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipelines.errors import NotFound, RequestError
from pipelines.request import GenerationRequest
from studio.characters.cast import CastRuns
from studio.characters.records import (
    MAX_NAME_CHARS,
    CastRun,
    CastWish,
    Design,
    DesignDraft,
    DesignReference,
    DesignUse,
    SeedPolicy,
)
from studio.characters.tools import Tools
from studio.collection import marks, queries
from studio.collection.character_models import CharacterRow, DesignReferenceRow, DesignRow, VersionRow

FIRST_NAME = "House style"
"""Of the design that “Save as design default” makes where there is none."""


class Designs:
    """The designs of one studio."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._database = tools.database
        self._cast = CastRuns(tools)

    def list(self) -> tuple[Design, ...]:
        """In the order they were made."""
        with self._database.reading() as session:
            rows = session.scalars(select(DesignRow).order_by(DesignRow.created_at, DesignRow.id)).all()
            return tuple(_record(session, row) for row in rows)

    def get(self, design_id: str) -> Design:
        """One design."""
        with self._database.reading() as session:
            return _record(session, _row(session, design_id))

    def active(self) -> Design | None:
        """The one portraits are made under."""
        with self._database.reading() as session:
            row = _active(session)
            return None if row is None else _record(session, row)

    def create(self, draft: DesignDraft) -> Design:
        """A new design; the first one becomes active. Raises RequestError for a name that is taken."""
        with self._database.transaction() as session:
            row = _new(session)
            self._write(session, row, draft, set(DesignDraft.model_fields))
            return _record(session, row)

    def change(self, design_id: str, draft: DesignDraft) -> Design:
        """Change the fields that are set in `draft` (`model_fields_set`)."""
        with self._database.transaction() as session:
            row = _row(session, design_id)
            self._write(session, row, draft, draft.model_fields_set)
            return _record(session, row)

    def activate(self, design_id: str | None) -> tuple[DesignUse, ...]:
        """Switch to it (None: none is active); says which portraits were made under which design."""
        with self._database.transaction() as session:
            row = None if design_id is None else _row(session, design_id)
            session.execute(update(DesignRow).where(DesignRow.active).values(active=False))
            if row is not None:
                session.execute(update(DesignRow).where(DesignRow.id == row.id).values(active=True))
            return _uses(session, design_id)

    def delete(self, design_id: str) -> None:
        """Portraits made under it stay; they were made under none then."""
        with self._database.transaction() as session:
            _row(session, design_id)
            session.execute(delete(DesignRow).where(DesignRow.id == design_id))

    def uses(self, design_id: str) -> tuple[DesignUse, ...]:
        """Of every character with a portrait: was it made under this design, or another."""
        with self._database.reading() as session:
            return _uses(session, _row(session, design_id).id)

    def take_defaults(self, request: GenerationRequest, *, activate: bool = True) -> Design:
        """Seed, negative prompt, model, guidance and steps for the active design, or for a new one.

        `activate`: a new one becomes the active one, so that portraits are made under it.
        """
        with self._database.transaction() as session:
            row = _active(session)
            if row is None:
                row = _new(session)
                row.name, row.active = _free_name(session), activate
            row.seed, row.seed_policy = request.seed, SeedPolicy.FIXED
            row.negative_prompt, row.model = request.negative_prompt, request.model
            row.guidance_scale = request.guidance_scale
            row.num_inference_steps = request.num_inference_steps
            row.updated_at = datetime.now(UTC)
            session.flush()
            return _record(session, row)

    # --- the cast ---------------------------------------------------------------------------

    def bring_cast(self, design_id: str, wish: CastWish, *, tab: str | None = None) -> CastRun:
        """Queue one job per character, all or none, each result a proposed version to accept or leave.

        Characters for whom no job can be made are named in `skipped`. Raises RequestError where none can.
        """
        chosen = wish.characters or tuple(use.character_id for use in self.uses(design_id) if not use.same)
        return self._cast.start(self.get(design_id), chosen, wish.mode, tab)

    def run(self, run_id: str) -> CastRun:
        """How it stands."""
        return self._cast.get(run_id)

    def runs(self, design_id: str) -> tuple[CastRun, ...]:
        """Newest first."""
        return self._cast.of_design(self.get(design_id).id)

    def cancel_run(self, run_id: str) -> CastRun:
        """Cancel the jobs of a run that have not ended; what was made stays proposed."""
        return self._cast.cancel(run_id)

    # --- inside -----------------------------------------------------------------------------

    def _write(self, session: Session, row: DesignRow, draft: DesignDraft, fields: set[str]) -> None:
        values: dict[str, Any] = draft.model_dump(include=fields - {"references"})
        if "name" in values:
            values["name"] = _clean_name(session, row, draft.name)
        if values.get("model") is not None:
            self._tools.catalog.get(values["model"])
        for name, value in values.items():
            setattr(row, name, value)
        if row.seed_policy == SeedPolicy.FIXED and row.seed is None:
            raise RequestError("A fixed seed policy needs a seed. Set one, or choose random.", field="seed")
        row.updated_at = datetime.now(UTC)
        session.flush()
        if "references" in fields:
            _set_references(session, row, draft.references)


def _row(session: Session, design_id: str) -> DesignRow:
    found = session.get(DesignRow, design_id)
    if found is None:
        raise NotFound("There is no such design in this studio.", field="design")
    return found


def _active(session: Session) -> DesignRow | None:
    return session.scalar(select(DesignRow).where(DesignRow.active))


def _new(session: Session) -> DesignRow:
    now = datetime.now(UTC)
    first = session.scalar(select(DesignRow.id).limit(1)) is None
    row = DesignRow(id=uuid.uuid4().hex, name="", active=first, created_at=now, updated_at=now)
    row.style_prompt = row.negative_prompt = ""
    row.seed_policy = SeedPolicy.RANDOM
    session.add(row)
    return row


def _clean_name(session: Session, row: DesignRow, name: str) -> str:
    line = marks.clean(name, MAX_NAME_CHARS, "name")
    if not line:
        raise RequestError("The name is empty. Give the design a name.", field="name")
    with session.no_autoflush:
        others = session.scalars(select(DesignRow.name).where(DesignRow.id != row.id)).all()
    if line.casefold() in {other.casefold() for other in others}:
        raise RequestError(f"There is a design “{line}” already. Choose another name.", field="name")
    return line


def _free_name(session: Session) -> str:
    with session.no_autoflush:
        taken = set(session.scalars(select(DesignRow.name)))
    names = [FIRST_NAME, *(f"{FIRST_NAME} {number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _set_references(session: Session, row: DesignRow, references: Sequence[DesignReference]) -> None:
    different = {reference.image_id: reference for reference in references}
    session.execute(delete(DesignReferenceRow).where(DesignReferenceRow.design_id == row.id))
    for position, reference in enumerate(different.values()):
        queries.row(session, reference.image_id)
        session.add(
            DesignReferenceRow(
                design_id=row.id,
                image_id=reference.image_id,
                position=position,
                weight=reference.weight,
            )
        )
    session.flush()


def _record(session: Session, row: DesignRow) -> Design:
    chosen = select(DesignReferenceRow).where(DesignReferenceRow.design_id == row.id)
    references = session.scalars(chosen.order_by(DesignReferenceRow.position)).all()
    return Design(
        id=row.id,
        name=row.name,
        active=row.active,
        style_prompt=row.style_prompt,
        negative_prompt=row.negative_prompt,
        model=row.model,
        aspect_ratio=row.aspect_ratio,
        seed_policy=SeedPolicy(row.seed_policy),
        seed=row.seed,
        guidance_scale=row.guidance_scale,
        num_inference_steps=row.num_inference_steps,
        references=tuple(DesignReference(image_id=each.image_id, weight=each.weight) for each in references),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _uses(session: Session, design_id: str | None) -> tuple[DesignUse, ...]:
    lines = session.execute(
        select(
            CharacterRow.id,
            CharacterRow.name,
            VersionRow.id.label("version_id"),
            VersionRow.image_id,
            VersionRow.design_id,
            DesignRow.name.label("design_name"),
        )
        .join(VersionRow, VersionRow.id == CharacterRow.current_version_id)
        .outerjoin(DesignRow, DesignRow.id == VersionRow.design_id)
        .where(CharacterRow.archived_at.is_(None))
        .order_by(CharacterRow.position)
    )
    return tuple(
        DesignUse(
            character_id=line.id,
            name=line.name,
            version_id=line.version_id,
            image_id=line.image_id,
            design_id=line.design_id,
            design_name=line.design_name,
            same=line.design_id == design_id,
        )
        for line in lines
    )
