"""Which worker makes a job: one that has the model in memory, else one that it fits and that did least.

Pure, on what the engine says of its workers. Knows nothing of rows, threads and orders.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from studio.engine import Place
from studio.job_table import Choice, Choose


def chooser(places: Sequence[Place], busy: Collection[str]) -> Choose:
    """Chooses among `places`; `busy` are the names of those that have a job."""
    free = [place for place in places if place.free and place.worker not in busy]

    def choose(model: str | None, lost_with: str | None) -> Choice | None:
        able = [place for place in free if place.takes(model)]
        elsewhere = [place for place in able if place.worker != lost_with]
        if (
            able
            and not elsewhere
            and any(place.takes(model) for place in places if place.worker != lost_with)
        ):
            return None  # it was lost with this one: another will be free
        best = min(elsewhere or able, key=lambda place: _rank(place, model), default=None)
        return Choice(best.worker, best.model == model) if best else None

    return choose


def _rank(place: Place, model: str | None) -> tuple[bool, bool, int]:
    """Smallest first: the model is there; nothing is, so that no other leaves; it had the fewest orders."""
    return place.model != model, place.model is not None, place.orders
