"""`/models/…`: the library of models, downloads, consents, defaults. `GET /models` itself is in `system`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path
from pydantic import Field

from pipelines.request import Mode
from studio.models.library import ModelLibrary
from studio.models.records import Download, Library, MemorySetting, ModelCard

ModelId = Annotated[str, Path(min_length=1, max_length=128)]
ModelName = Annotated[str, Field(max_length=128)]


def add_models(router: APIRouter, library: ModelLibrary) -> None:
    """Add the calls about models."""
    _add_library(router, library)
    _add_downloads(router, library)
    _add_consents(router, library)


def _add_library(router: APIRouter, library: ModelLibrary) -> None:
    @router.get("/models/library")
    def everything() -> Library:
        """All models, what is here, what fits, what is on its way. Looks at this disk only."""
        return library.all()

    @router.post("/models/scan")
    def scan() -> Library:
        """Look through the models folder for what the artist has put there."""
        return library.scan()

    @router.put("/models/defaults/{mode}")
    def set_default(mode: Mode, model: Annotated[ModelName | None, Body(embed=True)] = None) -> Library:
        """The model a mode starts with; null: the first that is ready."""
        return library.set_default(mode, model)

    @router.put("/models/{model_id}/memory")
    def set_memory(model_id: ModelId, setting: MemorySetting) -> ModelCard:
        """How the model is kept in memory from the next job on; `auto`: as the studio thinks best."""
        return library.set_memory(model_id, setting)

    @router.delete("/models/{model_id}/files")
    def remove(model_id: ModelId) -> ModelCard:
        """Delete a downloaded model's files. Pictures made with it stay."""
        return library.remove(model_id)


def _add_downloads(router: APIRouter, library: ModelLibrary) -> None:
    @router.post("/models/{model_id}/download", status_code=202)
    def download(model_id: ModelId) -> Download:
        """Fetch the model from the hub, or go on where an earlier download stopped."""
        return library.download(model_id)

    @router.post("/models/{model_id}/update", status_code=202)
    def update(model_id: ModelId) -> Download:
        """Fetch the newest version from the hub; the one in use stays until all of it is here."""
        return library.update(model_id)

    @router.post("/models/{model_id}/download/cancel", status_code=202)
    def cancel(model_id: ModelId) -> Download:
        """End the download; what has come is kept for the next time."""
        return library.cancel(model_id)


def _add_consents(router: APIRouter, library: ModelLibrary) -> None:
    @router.put("/models/{model_id}/consent")
    def agree(model_id: ModelId) -> ModelCard:
        """Agree to the model's licence: asked once for models that may not be used commercially."""
        return library.agree(model_id)

    @router.delete("/models/{model_id}/consent")
    def withdraw(model_id: ModelId) -> ModelCard:
        """Take the agreement back."""
        return library.withdraw(model_id)
