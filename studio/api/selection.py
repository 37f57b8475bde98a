"""`/images/{id}/head` and `/subject`: what a mask can be begun with, as far as a picture shows it."""

from __future__ import annotations

import io
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from pipelines.errors import NotFound
from studio.characters.faces import Kind
from studio.readers import Selection
from studio.service import StudioService

_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "White: the subject."}
}


_NONE: dict[int | str, dict[str, Any]] = {204: {"description": "With `optional`: none is found."}}


class HeadBox(BaseModel):
    """A box in parts of the picture: around a face, or around a figure's head with its hair."""

    kind: Kind
    x: float
    y: float
    width: float
    height: float


def add_selection(router: APIRouter, service: StudioService) -> None:
    """Add the calls."""

    @router.get("/images/{image_id}/head", response_model=HeadBox, responses=_NONE)
    def head(image_id: str, optional: bool = False) -> HeadBox | Response:
        """Where its head is; 404 where none is found, with `optional=1` 204."""
        try:
            found = service.head(image_id)
        except NotFound:
            if not optional:
                raise
            service.image(image_id)  # one that is gone stays a 404
            return Response(status_code=204)
        return HeadBox(kind=found.kind, x=found.x, y=found.y, width=found.width, height=found.height)

    @router.post("/images/{image_id}/selection", response_class=Response, responses=_PNG)
    def selection(image_id: str, wish: Selection) -> Response:
        """What a click or words mean in it, as a PNG of its size; 409 without a model that selects.

        Waits for the model, a few seconds also for a job that runs.
        """
        return Response(service.readers.select(image_id, wish), media_type="image/png")

    @router.get("/images/{image_id}/subject", response_class=Response, responses=_PNG)
    def subject(image_id: str) -> Response:
        """What stands out from its background, as a small PNG; 404 where nothing does."""
        body = io.BytesIO()
        service.subject(image_id).save(body, "PNG", compress_level=1)
        return Response(body.getvalue(), media_type="image/png")
