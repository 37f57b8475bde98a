"""Character sheets: one picture per cell and seed, then all of them on one labelled sheet."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import NotFound, RequestError
from pipelines.planning.complete import Completion
from pipelines.request import DEFAULT_ROLE, RANDOM_SEED, GenerationRequest, Mode, Reference
from studio import images
from studio.characters import blueprints, layout, styling, wording
from studio.characters.designs import Designs
from studio.characters.records import Blueprint
from studio.characters.references import References
from studio.characters.sheet_records import (
    MAX_CELLS,
    Sheet,
    SheetAsk,
    SheetCell,
    SheetChoices,
    SheetPicture,
    SheetWish,
)
from studio.characters.tools import JobView, Tools, character, jobs_of_run
from studio.collection import character_links, queries, rows
from studio.collection.character_models import CharacterJobRow, RunRow
from studio.collection.metadata.sheet import SheetMark, SheetPart, encode
from studio.collection.rows import StoredFile
from studio.records import Category

_SEED_BITS = 32
_SETTINGS = ("model", "aspect_ratio", "guidance_scale", "num_inference_steps")


class Sheets:
    """The sheets of all characters."""

    def __init__(self, tools: Tools, designs: Designs, references: References) -> None:
        self._tools = tools
        self._database = tools.database
        self._designs = designs
        self._references = references

    def choices(self, character_id: str) -> SheetChoices:
        """Proposals for each list; the blueprint's own outfit and expression come first."""
        return wording.choices(self._blueprint(character_id))

    def compose(self, character_id: str, ask: SheetAsk) -> tuple[SheetCell, ...]:
        """A cell for each thing chosen, its prompt composed from the locked fields; to be edited."""
        return wording.cells(self._blueprint(character_id), ask)

    def start(self, character_id: str, wish: SheetWish, *, tab: str | None = None) -> Sheet:
        """Queue all pictures at once. Raises RequestError where one of them cannot be made."""
        self._blueprint(character_id)
        if len(wish.cells) * len(wish.seeds) > MAX_CELLS:
            raise RequestError(f"A sheet has at most {MAX_CELLS} pictures. Choose fewer.", field="cells")
        seeds = tuple(dict.fromkeys(map(_drawn, wish.seeds)))
        wanted = self._completed(character_id, wish, seeds)
        run_id = uuid.uuid4().hex
        labels = [cell.label for cell in wish.cells for _ in seeds]

        def note(session: Session, job_ids: tuple[str, ...]) -> None:
            session.add(_run(run_id, character_id, wish, seeds))
            session.flush()
            for position, (job_id, label) in enumerate(zip(job_ids, labels, strict=True)):
                session.add(_job(job_id, character_id, run_id, position, label))

        self._tools.queue.add_all([(done.request, done.notices) for done in wanted], tab, note)
        return self.get(character_id, run_id)

    def get(self, character_id: str, sheet_id: str) -> Sheet:
        """How it stands. The first look after its last job lays the sheet out."""
        run, jobs = self._read(character_id, sheet_id)
        made = [job for job in jobs if job.image_id is not None]
        if not run.body.get("laid_out") and made and all(job.ended for job in jobs):
            run.image_id = self._lay_out(run, jobs, made)
        return _record(run, jobs)

    def list(self, character_id: str) -> tuple[Sheet, ...]:
        """Newest first."""
        with self._database.reading() as session:
            character(session, character_id)
            chosen = select(RunRow.id).where(
                RunRow.character_id == character_id, RunRow.kind == character_links.SHEET
            )
            ids = session.scalars(chosen.order_by(RunRow.created_at.desc())).all()
        return tuple(self.get(character_id, each) for each in ids)

    def cancel(self, character_id: str, sheet_id: str) -> Sheet:
        """Cancel the pictures that have not been made; those that have are laid out. Raises NotFound."""
        for job in self._read(character_id, sheet_id)[1]:
            self._tools.queue.cancel(job.job_id)
        return self.get(character_id, sheet_id)

    # --- inside -----------------------------------------------------------------------------

    def _blueprint(self, character_id: str) -> Blueprint:
        with self._database.reading() as session:
            return blueprints.read(session, character(session, character_id).id)

    def _completed(self, character_id: str, wish: SheetWish, seeds: Sequence[int]) -> list[Completion]:
        design = self._designs.active()
        approved = self._references.as_request(character_id)
        mode = wish.mode or (Mode.CHARACTER_REFERENCE if approved else Mode.TEXT_TO_IMAGE)
        model = wish.model or (design.model if design else None) or self._tools.catalog.default_model(mode).id
        most = self._tools.catalog.route(model, mode).max_references
        references = [Reference(image_id=each.image_id, role=DEFAULT_ROLE[mode]) for each in approved[:most]]
        given = {name: value for name in _SETTINGS if (value := getattr(wish, name)) is not None}
        given |= {"mode": mode, "model": model, "character": character_id}
        return [
            self._tools.complete(styling.under(design, _request(given, cell, seed, references), styled=True))
            for cell in wish.cells
            for seed in seeds
        ]

    def _read(self, character_id: str, sheet_id: str) -> tuple[RunRow, tuple[JobView, ...]]:
        now = self._tools.queue.snapshot().jobs
        with self._database.reading() as session:
            run = session.get(RunRow, sheet_id)
            if run is None or run.kind != character_links.SHEET or run.character_id != character_id:
                raise NotFound("This character has no such sheet.", field="sheet")
            return run, jobs_of_run(session, sheet_id, now)

    def _lay_out(self, run: RunRow, jobs: Sequence[JobView], made: Sequence[JobView]) -> str:
        """File first, row last. Two looks at once lay out the same bytes, which are kept once."""
        columns = len(run.body["seeds"])
        cells = [
            layout.LabelledPicture(
                self._tools.collection.working_file(job.image_id or ""), job.label, f"seed {job.seed}"
            )
            for job in made
        ]
        with self._database.reading() as session:
            name = character(session, run.character_id or "").name
            parts = tuple(_part(session, job) for job in made)
        whole = len(made) == len(jobs)
        picture = layout.lay_out(cells, name, columns if whole and columns > 1 else 0)
        mark = SheetMark(name=name, character=run.character_id or "", parts=parts)
        data = encode(picture, mark)
        file = StoredFile(
            sha256=images.sha256(data),
            size_bytes=len(data),
            extension="png",
            mime="image/png",
            width=picture.width,
            height=picture.height,
            pixel_sha256=images.pixel_sha256(picture.width, picture.height, picture.tobytes()),
            plain=True,
        )
        with self._tools.collection.placing.of([file.name]):
            self._tools.collection.store.put(data, file.extension)
            return self._keep(run.id, file, mark)

    def _keep(self, run_id: str, file: StoredFile, mark: SheetMark) -> str:
        with self._database.transaction() as session:
            image = rows.by_hash(session, file.sha256)
            if image is None:
                row = rows.loaded(file, mark.label, (), datetime.now(UTC), said={}, category=Category.SHEET)
                image = rows.add_loaded(session, row, mark.parents)
            session.flush()
            run = session.get_one(RunRow, run_id)
            run.image_id, run.body = image.id, {**run.body, "laid_out": True}
            character_links.link(session, mark.character, image.id)
            return image.id


def _request(
    given: dict[str, Any], cell: SheetCell, seed: int, references: Sequence[Reference]
) -> GenerationRequest:
    return GenerationRequest.model_validate(
        {**given, "prompt": cell.prompt, "seed": seed, "references": tuple(references)}
    )


def _drawn(seed: int) -> int:
    """One seed for all cells, so that they differ by their words alone."""
    return secrets.randbits(_SEED_BITS) if seed == RANDOM_SEED else seed


def _run(run_id: str, character_id: str, wish: SheetWish, seeds: Sequence[int]) -> RunRow:
    body = {"cells": [cell.model_dump() for cell in wish.cells], "seeds": list(seeds)}
    return RunRow(
        id=run_id,
        kind=character_links.SHEET,
        character_id=character_id,
        body=body,
        created_at=datetime.now(UTC),
    )


def _job(job_id: str, character_id: str, run_id: str, position: int, label: str) -> CharacterJobRow:
    return CharacterJobRow(
        job_id=job_id,
        character_id=character_id,
        purpose=character_links.SHEET,
        run_id=run_id,
        position=position,
        label=label,
    )


def _part(session: Session, job: JobView) -> SheetPart:
    picture = queries.row(session, job.image_id or "")
    return SheetPart(label=job.label, seed=job.seed, image_id=picture.id, pixel_sha256=picture.pixel_sha256)


def _record(run: RunRow, jobs: Sequence[JobView]) -> Sheet:
    return Sheet(
        id=run.id,
        character_id=run.character_id or "",
        created_at=run.created_at,
        pictures=tuple(
            SheetPicture(
                label=job.label,
                seed=job.seed,
                job_id=job.job_id,
                status=job.status,
                step=job.step,
                total_steps=job.total_steps,
                error=job.error,
                image_id=job.image_id,
            )
            for job in jobs
        ),
        columns=len(run.body["seeds"]),
        image_id=run.image_id,
        total=len(jobs),
        ended=sum(job.ended for job in jobs),
    )
