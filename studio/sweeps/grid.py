"""A grid that is worked out: what it was asked for with, and a complete request for each of its places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.planning.complete import Completion
from pipelines.request import GenerationRequest
from studio.collection.models import SweepJobRow, SweepRow
from studio.sweeps.records import Labelled, LeftOut


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells` row by row."""

    asked: GenerationRequest
    x: Labelled
    y: Labelled | None
    cells: tuple[Completion, ...]
    left_out: tuple[LeftOut, ...] = ()

    def by_model(self) -> list[int]:
        """Places in an order that loads each model once."""
        models = list(dict.fromkeys(done.request.model for done in self.cells))
        return sorted(range(len(self.cells)), key=lambda place: models.index(self.cells[place].request.model))

    def row(self, sweep_id: str, job_ids: Sequence[str]) -> SweepRow:
        """To be kept; `job_ids` row by row."""
        return SweepRow(
            id=sweep_id,
            created_at=datetime.now(UTC),
            body={
                "request": self.asked.model_dump(mode="json"),
                "x": self.x.model_dump(mode="json"),
                "y": self.y.model_dump(mode="json") if self.y else None,
                "left_out": [each.model_dump(mode="json") for each in self.left_out],
            },
            job_ids=list(job_ids),
            jobs=[SweepJobRow(job_id=each, position=place) for place, each in enumerate(job_ids)],
        )
