"""A batch in the order of what is measured of its pictures; what cannot be measured comes last."""

from __future__ import annotations

import logging
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import LikenessError, NotFound
from pipelines.request import Mode, Role
from studio.coach import measures
from studio.coach.measures import PictureMeasures
from studio.records import ImageRecord, ImageSummary
from studio.service import StudioService

log = logging.getLogger(__name__)

_NOT_ALIGNED = (Mode.OUTPAINT,)
"""Modes whose result shows more than its source: pixels of the two do not lie on each other."""
By = Literal["likeness", "changed", "sharpness"]


class Ranked(BaseModel):
    """A picture of a batch with what was measured; null: not known."""

    model_config = ConfigDict(frozen=True)

    image: ImageSummary
    source: str | None = Field(description="Id of the picture it was measured against.")
    likeness: float | None = Field(
        description="Structure it shares with its source where nothing was changed, 0 to 1."
    )
    changed: float | None = Field(description="Share of it that is not its source's any more, 0 to 1.")
    sharpness: float | None = Field(description="1 is crisp.")


class Ranking(BaseModel):
    """All pictures of a batch outside the trash."""

    model_config = ConfigDict(frozen=True)

    by: By
    items: tuple[Ranked, ...]


def ranking(service: StudioService, batch_id: str, by: By) -> Ranking:
    """Most alike, least changed or sharpest first; what is not known last. `batch_id`: of a job or a sweep.

    Raises NotFound.
    """
    pictures = service.history.pictures_of_batch(batch_id)
    if not pictures:
        raise NotFound("There is no such batch, or all of it is in the trash.")
    found = [_ranked(service, each) for each in pictures]
    return Ranking(by=by, items=tuple(sorted(found, key=lambda one: _place(one, by))))


def _place(one: Ranked, by: By) -> tuple[bool, float]:
    value: float | None = getattr(one, by)
    if value is None:
        return True, 0.0
    return False, value if by == "changed" else -value


def _ranked(service: StudioService, picture: ImageSummary) -> Ranked:
    source = None if picture.mode in _NOT_ALIGNED else _source(service.image(picture.id))
    found = _measured(service, picture.id, source)
    return Ranked(
        image=picture,
        source=source,
        likeness=found.likeness if found else None,
        changed=found.changed if found else None,
        sharpness=found.sharpness if found else None,
    )


def _source(record: ImageRecord) -> str | None:
    """What it was made from: the picture it refines, else the first that acted on it."""
    parents = [each for each in record.parents if each.role is not Role.MASK and each.image_id]
    refined = [each for each in parents if each.role is Role.SOURCE]
    return next((each.image_id for each in (*refined, *parents)), None)


def _measured(service: StudioService, image_id: str, source: str | None) -> PictureMeasures | None:
    try:
        picture = service.working_file(image_id)
        if source is None:
            return measures.alone(picture)
        return measures.against(picture, service.working_file(source), service.refinements.known(image_id))
    except (LikenessError, OSError) as problem:
        log.info("no measure of picture %s: %s", image_id, problem)
        return None
