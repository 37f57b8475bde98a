"""`/sweeps`: many pictures that differ in one or two settings, as a grid."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from studio.sweeps.records import Sweep, SweepEstimate, SweepPage, SweepRequest, SweepStarted
from studio.sweeps.sweeps import Sweeps


def add_sweeps(router: APIRouter, sweeps: Sweeps) -> None:
    """Add the calls about sweeps."""
    _add_asking(router, sweeps)
    _add_verbs(router, sweeps)


def _add_asking(router: APIRouter, sweeps: Sweeps) -> None:
    @router.post("/sweeps", status_code=202)
    def start(asked: SweepRequest) -> SweepStarted:
        """Queue a picture for each place of the grid, all or none."""
        return sweeps.start(asked)

    @router.post("/sweeps/estimate")
    def estimate(asked: SweepRequest) -> SweepEstimate:
        """How many pictures that would be, and about how long they take."""
        return sweeps.estimate(asked)

    @router.get("/sweeps")
    def newest(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
        cells: bool = True,
    ) -> SweepPage:
        """Newest first; `cells=false` leaves the places out."""
        return sweeps.newest(limit, cursor or None, cells=cells)


def _add_verbs(router: APIRouter, sweeps: Sweeps) -> None:
    @router.get("/sweeps/{sweep_id}")
    def sweep(sweep_id: str) -> Sweep:
        """The grid as it stands."""
        return sweeps.get(sweep_id)

    @router.get("/sweeps/{sweep_id}/sheet", response_class=Response)
    def sheet(sweep_id: str) -> Response:
        """The grid as one labelled PNG, as far as it is made."""
        headers = {"Content-Disposition": f'attachment; filename="sweep-{sweep_id[:8]}.png"'}
        return Response(sweeps.sheet(sweep_id), media_type="image/png", headers=headers)

    @router.post("/sweeps/{sweep_id}/cancel")
    def cancel(sweep_id: str) -> Sweep:
        """End what is not made yet."""
        return sweeps.cancel(sweep_id)

    @router.post("/sweeps/{sweep_id}/resume")
    def resume(sweep_id: str) -> Sweep:
        """Queue what was cancelled or failed again."""
        return sweeps.resume(sweep_id)
