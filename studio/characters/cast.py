"""“Bring the cast to this design”: one job per character, queued together, each result a proposed version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import LikenessError, NotFound, RequestError
from pipelines.planning.complete import Completion
from pipelines.request import GenerationRequest, Mode, Reference, Role
from studio.characters import blueprints, styling, wording
from studio.characters.records import Blueprint, CastJob, CastRun, Design, Skipped, VersionState
from studio.characters.tools import JobView, Tools, character, jobs_of_run
from studio.collection import character_links
from studio.collection.character_models import CharacterJobRow, CharacterRow, RunRow, VersionRow


@dataclass(frozen=True, slots=True)
class _Member:
    """A character who is to be brought to a design."""

    id: str
    name: str
    description: str
    blueprint: Blueprint
    portrait: str | None


class CastRuns:
    """All runs of one studio."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._database = tools.database

    def start(self, design: Design, chosen: Sequence[str], mode: Mode, tab: str | None) -> CastRun:
        """Queue the jobs. Raises RequestError where none of the characters can be brought there."""
        members = self._members(chosen)
        wanted: list[tuple[_Member, Completion]] = []
        skipped: list[Skipped] = []
        for member in members:
            try:
                wanted.append((member, self._completed(design, member, mode)))
            except LikenessError as error:
                skipped.append(Skipped(character_id=member.id, name=member.name, reason=error.detail))
        if not wanted:
            raise RequestError(_nobody(skipped), field="characters")
        run_id = uuid.uuid4().hex

        def note(session: Session, job_ids: tuple[str, ...]) -> None:
            session.add(_run(run_id, design, mode, skipped))
            session.flush()
            session.add_all(
                CharacterJobRow(
                    job_id=job_id,
                    character_id=member.id,
                    purpose=character_links.CAST,
                    run_id=run_id,
                    design_id=design.id,
                    position=position,
                    label=member.name,
                )
                for position, (job_id, (member, _)) in enumerate(zip(job_ids, wanted, strict=True))
            )

        self._tools.queue.add_all([(done.request, done.notices) for _, done in wanted], tab, note)
        return self.get(run_id)

    def get(self, run_id: str) -> CastRun:
        """How it stands. Raises NotFound."""
        now = self._tools.queue.snapshot().jobs
        with self._database.reading() as session:
            run = session.get(RunRow, run_id)
            if run is None or run.kind != character_links.CAST:
                raise NotFound("There is no such run.")
            jobs = jobs_of_run(session, run_id, now)
            found = _versions(session, [job.image_id for job in jobs if job.image_id])
        return _record(run, jobs, found)

    def of_design(self, design_id: str) -> tuple[CastRun, ...]:
        """Newest first."""
        chosen = select(RunRow.id).where(RunRow.design_id == design_id, RunRow.kind == character_links.CAST)
        with self._database.reading() as session:
            ids = session.scalars(chosen.order_by(RunRow.created_at.desc())).all()
        return tuple(self.get(run_id) for run_id in ids)

    def cancel(self, run_id: str) -> CastRun:
        """Cancel what has not ended."""
        for job in self.get(run_id).jobs:
            self._tools.queue.cancel(job.job_id)
        return self.get(run_id)

    def _members(self, chosen: Sequence[str]) -> list[_Member]:
        with self._database.reading() as session:
            return [_member(session, character(session, each)) for each in dict.fromkeys(chosen)]

    def _completed(self, design: Design, member: _Member, mode: Mode) -> Completion:
        if member.portrait is None:
            raise RequestError("There is no portrait yet. Generate one under the design instead.")
        made = _smart_edit if mode is Mode.SMART_EDIT else _style_reference
        requests = [
            styling.under(design, each, styled=False) for each in made(design, member, member.portrait)
        ]
        for request in requests[:-1]:
            try:
                return self._tools.complete(request)
            except RequestError:  # the model cannot hold the face besides; the description must do
                continue
        return self._tools.complete(requests[-1])


def _smart_edit(design: Design, member: _Member, portrait: str) -> list[GenerationRequest]:
    if not design.style_prompt.strip():
        raise RequestError("The design has no style prompt. Write one, then bring the cast to it.")
    return [
        GenerationRequest(
            mode=Mode.SMART_EDIT,
            prompt=wording.cast_edit(member.blueprint, design.style_prompt),
            references=(Reference(image_id=portrait, role=Role.SOURCE),),
            character=member.id,
        )
    ]


def _style_reference(design: Design, member: _Member, portrait: str) -> list[GenerationRequest]:
    """With the portrait as character where the model takes one, else without; best first."""
    if not design.references:
        raise RequestError("The design has no style pictures. Add one, or use smart edits.")
    style = tuple(
        Reference(image_id=each.image_id, role=Role.STYLE, weight=each.weight) for each in design.references
    )
    described = member.description or wording.description(member.blueprint) or "portrait of a person"
    prompt = wording.joined(described, design.style_prompt)
    face = Reference(image_id=portrait, role=Role.CHARACTER)
    return [
        GenerationRequest(
            mode=Mode.STYLE_REFERENCE, prompt=prompt, references=references, character=member.id
        )
        for references in ((*style, face), (style[0], face), style, style[:1])
    ]


def _member(session: Session, row: CharacterRow) -> _Member:
    current = session.get(VersionRow, row.current_version_id or "")
    return _Member(
        id=row.id,
        name=row.name,
        description=row.description,
        blueprint=blueprints.read(session, row.id),
        portrait=current.image_id if current else None,
    )


def _run(run_id: str, design: Design, mode: Mode, skipped: Sequence[Skipped]) -> RunRow:
    body: dict[str, Any] = {"mode": mode.value, "skipped": [each.model_dump() for each in skipped]}
    now = datetime.now(UTC)
    return RunRow(id=run_id, kind=character_links.CAST, design_id=design.id, body=body, created_at=now)


def _nobody(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "Every portrait was made under this design already. Choose characters to bring to it anyway."
    return f"{skipped[0].name}: {skipped[0].reason}"


def _versions(session: Session, image_ids: Sequence[str]) -> dict[tuple[str, str], VersionRow]:
    chosen = select(VersionRow).where(VersionRow.image_id.in_(image_ids))
    return {(row.character_id, row.image_id): row for row in session.scalars(chosen)}


def _record(run: RunRow, jobs: Sequence[JobView], versions: dict[tuple[str, str], VersionRow]) -> CastRun:
    return CastRun(
        id=run.id,
        design_id=run.design_id,
        mode=Mode(run.body["mode"]),
        created_at=run.created_at,
        jobs=tuple(_job(job, versions.get((job.character_id, job.image_id or ""))) for job in jobs),
        skipped=tuple(Skipped.model_validate(each) for each in run.body["skipped"]),
        total=len(jobs),
        ended=sum(job.ended for job in jobs),
    )


def _job(job: JobView, version: VersionRow | None) -> CastJob:
    return CastJob(
        character_id=job.character_id,
        name=job.label,
        job_id=job.job_id,
        status=job.status,
        step=job.step,
        total_steps=job.total_steps,
        error=job.error,
        version_id=version.id if version else None,
        image_id=job.image_id,
        state=VersionState(version.state) if version else None,
    )
