"""One edit over many pictures: the axis of such a batch is the picture that leads the references.

A picture that cannot be edited is told and left out, and the rest goes on: one in the trash when the batch is
asked for, one that has no character where the prompt says `{name}`, one that was put into the trash while its
job waited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import LikenessError, RequestError
from pipelines.planning.complete import Completion
from pipelines.request import RANDOM_SEED, GenerationRequest, Reference
from studio.collection import character_links, queries
from studio.collection.character_models import CharacterRow
from studio.collection.models import ImageRow, SweepJobRow, SweepRow
from studio.database import Database
from studio.records import JobRecord
from studio.sweeps.grid import Grid
from studio.sweeps.records import Labelled, LeftOut

FIELD = "picture"
"""The axis."""
LEAST, MOST = 2, 200
NAME = "{name}"
_IN_TRASH = "It is in the trash."
_TRASHED = "The picture it was to be made from was put into the trash. Restore it, then let the batch go on."


class _ItsOwn(RequestError):
    """What keeps one picture out is no fault of the request."""


@dataclass(frozen=True, slots=True)
class BatchSource:
    """A picture that is to be edited."""

    id: str
    label: str
    trashed: bool
    character: str | None
    """Id of the first of its characters."""
    name: str | None
    """That character's."""


def read(session: Session, image_ids: Sequence[str]) -> dict[str, BatchSource]:
    """Those of the pictures that are in the collection."""
    rows = session.scalars(select(ImageRow).where(ImageRow.id.in_(image_ids), ImageRow.purged_at.is_(None)))
    characters = character_links.of_pictures(session, image_ids)
    names = {row.id: row.name for row in session.execute(select(CharacterRow.id, CharacterRow.name))}
    found: dict[str, BatchSource] = {}
    for row in rows:
        character = next(iter(characters.get(row.id, ())), None)
        name = names.get(character) if character else None
        found[row.id] = BatchSource(row.id, _called(row), row.trashed_at is not None, character, name)
    return found


def chosen(image_ids: Sequence[str]) -> tuple[str, ...]:
    """Each once. Raises RequestError for too few and too many."""
    different = tuple(dict.fromkeys(image_ids))
    if not LEAST <= len(different) <= MOST:
        raise RequestError(
            f"Choose {LEAST} to {MOST} pictures; these are {len(different):,}.", field="images"
        )
    return different


def worked_out(
    asked: GenerationRequest,
    image_ids: Sequence[str],
    sources: Mapping[str, BatchSource],
    complete: Callable[[GenerationRequest], Completion],
) -> Grid:
    """The batch. Raises RequestError and the like where none of the pictures can be edited so."""
    cells: list[Completion] = []
    used: list[BatchSource] = []
    left_out: list[LeftOut] = []
    refusal: LikenessError | None = None
    for image_id in image_ids:
        source = sources.get(image_id)
        try:
            request = _with(asked, _usable(source), cells[0].request.seed if cells else None)
            cells.append(complete(request))
        except LikenessError as error:
            refusal = refusal or error
            label = source.label if source else image_id
            left_out.append(LeftOut(image_id=image_id, label=label, reason=error.detail))
        else:
            used.append(_usable(source))
    if refusal is not None and not cells:
        if isinstance(refusal, _ItsOwn):
            refusal.detail = (
                f"None of these pictures can be edited so. “{left_out[0].label}”: {refusal.detail}"
            )
        raise refusal
    axis = Labelled(
        field=FIELD, values=tuple(each.id for each in used), labels=tuple(each.label for each in used)
    )
    return Grid(asked, axis, None, tuple(cells), tuple(left_out))


def refusal(database: Database, job: JobRecord) -> str | None:
    """Why a job of such a batch is not to begin: its picture is in the trash by now. None: it may."""
    if not job.request.references:
        return None
    with database.reading() as session:
        leading = select(ImageRow.trashed_at).where(ImageRow.id == job.request.references[0].image_id)
        if session.scalar(leading) is None:
            return None
        of_job = select(SweepRow.body).join(SweepJobRow).where(SweepJobRow.job_id == job.id)
        batch = session.scalar(of_job)
        return _TRASHED if batch and batch["x"]["field"] == FIELD else None


def _called(row: ImageRow) -> str:
    """By its name, else by its words, as in the collection."""
    said = queries.summary(row)
    return said.name or said.prompt or said.label


def _usable(source: BatchSource | None) -> BatchSource:
    if source is None:
        raise _ItsOwn("It is no longer in the collection.", field="images")
    if source.trashed:
        raise _ItsOwn(_IN_TRASH, field="images")
    return source


def _with(asked: GenerationRequest, source: BatchSource, seed: int | None) -> GenerationRequest:
    """The request for one picture, with its character's name in the words."""
    changes: dict[str, object] = {
        "num_images": 1,
        "prompt": _named(asked.prompt, source),
        "negative_prompt": _named(asked.negative_prompt, source),
        "references": (Reference(image_id=source.id), *asked.references),
    }
    if asked.character is None and source.character is not None:
        changes["character"] = source.character
    if asked.seed == RANDOM_SEED and seed is not None:
        changes["seed"] = seed
    given = asked.model_dump(mode="json", exclude_unset=True)
    return GenerationRequest.model_validate(given | changes)


def _named(text: str, source: BatchSource) -> str:
    if NAME not in text:
        return text
    if source.name is None:
        raise _ItsOwn(f"It belongs to no character, so {NAME} stands for nobody.", field="prompt")
    return text.replace(NAME, re.sub(r"[{|}()\[\]<>]", "", source.name))
