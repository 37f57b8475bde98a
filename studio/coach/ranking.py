"""A batch in the order of what is measured of its pictures; what cannot be measured comes last.

A picture takes a moment to measure, so it is measured once, and who asks may have what is known by then.
"""

from __future__ import annotations

import logging
import math
import threading
import time
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
_KEPT = 10_000
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
    waiting: int = Field(default=0, description="How many of them are not measured yet; ask again.")


class Ranker:
    """Remembers what it measured, by picture: neither it nor its source ever changes. Thread-safe."""

    def __init__(self, service: StudioService) -> None:
        self._service = service
        self._known: dict[str, tuple[str | None, PictureMeasures]] = {}
        self._one = threading.Lock()

    def ranking(self, batch_id: str, by: By, seconds: float | None = None) -> Ranking:
        """Most alike, least changed or sharpest first; what is not known last. `batch_id`: of a job or sweep.

        After so many seconds no further picture is measured, but one always is. Raises NotFound.
        """
        pictures = self._service.history.pictures_of_batch(batch_id)
        if not pictures:
            raise NotFound("There is no such batch, or all of it is in the trash.")
        ends = math.inf if seconds is None else time.monotonic() + seconds
        found: list[Ranked] = []
        waiting, one_more = 0, True
        for picture in pictures:
            known = self._known.get(picture.id)
            if known is None and (one_more or time.monotonic() < ends):
                known = self._measured(picture)
                one_more = one_more and known is None
            elif known is None:
                waiting += 1
            found.append(_ranked(picture, *(known or (None, None))))
        items = tuple(sorted(found, key=lambda one: _place(one, by)))
        return Ranking(by=by, items=items, waiting=waiting)

    def _measured(self, picture: ImageSummary) -> tuple[str | None, PictureMeasures] | None:
        """None where it cannot be; one at a time, so that a picture is not measured for two at once."""
        with self._one:
            if picture.id in self._known:
                return self._known[picture.id]
            try:
                source = None if picture.mode in _NOT_ALIGNED else _source(self._service.image(picture.id))
                found = source, self._measure(picture.id, source)
            except (LikenessError, OSError) as problem:
                log.info("no measure of picture %s: %s", picture.id, problem)
                return None
            if len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[picture.id] = found
            return found

    def _measure(self, image_id: str, source: str | None) -> PictureMeasures:
        service = self._service
        picture = service.working_file(image_id)
        if source is None:
            return measures.alone(picture)
        return measures.against(picture, service.working_file(source), service.refinements.known(image_id))


def _ranked(picture: ImageSummary, source: str | None, found: PictureMeasures | None) -> Ranked:
    return Ranked(
        image=picture,
        source=source,
        likeness=found.likeness if found else None,
        changed=found.changed if found else None,
        sharpness=found.sharpness if found else None,
    )


def _place(one: Ranked, by: By) -> tuple[bool, float]:
    value: float | None = getattr(one, by)
    if value is None:
        return True, 0.0
    return False, value if by == "changed" else -value


def _source(record: ImageRecord) -> str | None:
    """What it was made from: the picture it refines, else the first that acted on it."""
    parents = [each for each in record.parents if each.role is not Role.MASK and each.image_id]
    refined = [each for each in parents if each.role is Role.SOURCE]
    return next((each.image_id for each in (*refined, *parents)), None)
