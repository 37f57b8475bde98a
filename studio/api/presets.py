"""`/presets`: words and settings under a name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Query, Response, UploadFile
from pydantic import BaseModel, BeforeValidator, ConfigDict

from pipelines.errors import RequestError
from pipelines.modes import Mode
from pipelines.request import GenerationRequest
from studio.presets.file import MAX_BYTES
from studio.presets.presets import Presets
from studio.presets.records import PresetApplied, PresetPage, PresetRecord, PresetsTaken, PresetWish

_Model = Annotated[Annotated[str, Query(max_length=128)] | None, BeforeValidator(lambda value: value or None)]


class PresetTarget(BaseModel):
    """The request a preset is for."""

    model_config = ConfigDict(extra="forbid")

    request: GenerationRequest


def add_presets(router: APIRouter, presets: Presets) -> None:
    """Add the calls about presets."""
    _add_files(router, presets)  # before the presets: `/presets/file` is none
    _add_verbs(router, presets)


def _add_files(router: APIRouter, presets: Presets) -> None:
    @router.get("/presets/file", response_class=Response)
    def export(everything: bool = False) -> Response:
        """The artist's own presets as YAML, or all of them."""
        return Response(
            presets.text(everything=everything),
            media_type="application/yaml",
            headers={"Content-Disposition": 'attachment; filename="presets.yaml"'},
        )

    @router.post("/presets/file")
    def take(file: Annotated[UploadFile, File()]) -> PresetsTaken:
        """Take in a file of presets, all or none; those with a known id take its place."""
        name = (file.filename or "The file")[-80:]
        try:
            text = file.file.read(MAX_BYTES + 1).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RequestError(f"{name} is not text in UTF-8.", field="file") from error
        return presets.take(text, name)


def _add_verbs(router: APIRouter, presets: Presets) -> None:
    @router.get("/presets")
    def page(mode: Mode = Mode.TEXT_TO_IMAGE, model: _Model = None) -> PresetPage:
        """All of them, each with what it says for this model in this mode, or why it says nothing."""
        return presets.page(mode, model)

    @router.post("/presets", status_code=201)
    def create(wish: PresetWish) -> PresetRecord:
        """One of your own."""
        return presets.create(wish)

    @router.put("/presets/{preset_id}")
    def change(preset_id: str, wish: PresetWish) -> PresetRecord:
        """Make it this; deleting one that comes with the studio makes it as it came again."""
        return presets.change(preset_id, wish)

    @router.delete("/presets/{preset_id}", status_code=204)
    def remove(preset_id: str) -> None:
        """Remove one of your own."""
        presets.remove(preset_id)

    @router.post("/presets/{preset_id}/apply", response_model_exclude_unset=True)
    def apply(preset_id: str, target: PresetTarget) -> PresetApplied:
        """The request with the preset in its words, or without where it stands in them; queues nothing.

        Of the request only what was sent and what the preset says: the rest stays open for whoever queues it.
        """
        return presets.applied(preset_id, target.request)
