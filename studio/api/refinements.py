"""`/images/{id}/change` and `/return`: what a refinement changed, and putting it together again."""

from __future__ import annotations

from fastapi import APIRouter, Response

from studio.collection.refinements import Correction, Refinements
from studio.records import ImageRecord


def add_refinements(router: APIRouter, refinements: Refinements) -> None:
    """Add the calls about refinements."""

    @router.get(
        "/images/{image_id}/change",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}, "description": "Grey, of the picture's size."}},
    )
    def change(image_id: str) -> Response:
        """What changed against the source, as a grey PNG: white is changed; 404 where that is not known."""
        return Response(
            refinements.change(image_id), media_type="image/png", headers={"Cache-Control": "private"}
        )

    @router.post("/images/{image_id}/return", status_code=201)
    def put_together(image_id: str, correction: Correction) -> ImageRecord:
        """Put a refinement together again with another change, without generating: a picture of its own."""
        return refinements.put_together(image_id, correction)
