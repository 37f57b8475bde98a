"""`/designs`: named styles of the whole cast, which one is active, and bringing the cast to one."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from studio.characters.designs import Designs
from studio.characters.records import CastRun, CastWish, Design, DesignDraft, DesignUse


class Activation(BaseModel):
    """Which design is to be active; null: none."""

    model_config = ConfigDict(extra="forbid")

    design_id: str | None = Field(max_length=64)


class CastOrder(CastWish):
    """The cast to be brought to a design, by a tab."""

    tab: str | None = Field(default=None, max_length=128)


def add_designs(router: APIRouter, designs: Designs) -> None:
    """Add the calls about designs."""
    _add_designs(router, designs)
    _add_runs(router, designs)


def _add_designs(router: APIRouter, designs: Designs) -> None:
    @router.get("/designs")
    def all_designs() -> tuple[Design, ...]:
        """In the order they were made."""
        return designs.list()

    @router.post("/designs", status_code=201)
    def create(draft: DesignDraft, response: Response) -> Design:
        """A new design; the first one becomes active."""
        made = designs.create(draft)
        response.headers["Location"] = f"/api/v1/designs/{made.id}"
        return made

    @router.put("/designs/active")
    def activate(wanted: Activation) -> tuple[DesignUse, ...]:
        """Switch; says which portraits were made under which design."""
        return designs.activate(wanted.design_id)

    @router.get("/designs/{design_id}")
    def one(design_id: str) -> Design:
        """One design."""
        return designs.get(design_id)

    @router.patch("/designs/{design_id}")
    def change(design_id: str, draft: DesignDraft) -> Design:
        """Change what is sent; fields left out stay as they are."""
        return designs.change(design_id, draft)

    @router.delete("/designs/{design_id}", status_code=204)
    def delete(design_id: str) -> None:
        """Remove the design; portraits made under it stay."""
        designs.delete(design_id)

    @router.get("/designs/{design_id}/uses")
    def uses(design_id: str) -> tuple[DesignUse, ...]:
        """Of every character with a portrait: was it made under this design, or another."""
        return designs.uses(design_id)


def _add_runs(router: APIRouter, designs: Designs) -> None:
    @router.post("/designs/{design_id}/cast", status_code=202)
    def bring_cast(design_id: str, wish: CastOrder, response: Response) -> CastRun:
        """Bring the cast to this design: one job per character, each result a proposed version."""
        run = designs.bring_cast(design_id, wish, tab=wish.tab)
        response.headers["Location"] = f"/api/v1/cast-runs/{run.id}"
        return run

    @router.get("/designs/{design_id}/cast")
    def runs(design_id: str) -> tuple[CastRun, ...]:
        """Newest first."""
        return designs.runs(design_id)

    @router.get("/cast-runs/{run_id}")
    def run(run_id: str) -> CastRun:
        """How it stands."""
        return designs.run(run_id)

    @router.post("/cast-runs/{run_id}/cancel", status_code=202)
    def cancel(run_id: str) -> CastRun:
        """Cancel what has not ended; what was made stays proposed."""
        return designs.cancel_run(run_id)
