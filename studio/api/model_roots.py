"""`/model-roots`: folders of other tools, whose models are used where they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from studio.models.records import ModelRoot
from studio.models.roots import ModelRoots


class NewRoot(BaseModel):
    """A folder on the computer that the studio runs on."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4096, description="Or an extra_model_paths.yaml of ComfyUI.")


def add_model_roots(router: APIRouter, roots: ModelRoots) -> None:
    """Add the calls about folders of other tools."""

    @router.get("/model-roots")
    def model_roots() -> tuple[ModelRoot, ...]:
        """Folders of other tools, with what each holds and what of it cannot be used."""
        return roots.all()

    @router.post("/model-roots", status_code=201)
    def add_root(root: NewRoot) -> ModelRoot:
        """Use the models of another tool's folder where they are; nothing in it is ever changed."""
        return roots.add(root.path)

    @router.delete("/model-roots", status_code=204)
    def forget_root(path: Annotated[str, Query(min_length=1, max_length=4096)]) -> None:
        """Look through a folder no more; everything in it stays as it is."""
        roots.forget(path)
