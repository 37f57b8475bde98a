"""`/images/{id}/…`: how a picture came to be, how far it is from where it began, making it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from studio.face_fixing import FixWish
from studio.history_records import Change, DriftReport, FamilyTree, ImageDetails, Reproduction
from studio.records import JobRecord
from studio.service import StudioService

_Id = Annotated[str | None, Query(max_length=64)]


def add_lineage(router: APIRouter, service: StudioService) -> None:
    """Add the calls about a picture's past."""
    _add_past(router, service)
    _add_fixing(router, service)
    _add_reproductions(router, service)


def _add_past(router: APIRouter, service: StudioService) -> None:
    @router.get("/images/{image_id}/details")
    def details(image_id: str) -> ImageDetails:
        """The record with cost, batch, references, changes, anchor and inherited rights."""
        return service.history.details(image_id)

    @router.get("/images/{image_id}/family")
    def family(image_id: str) -> FamilyTree:
        """What the picture came from, and all that came from the first of its line; at most 2,000 pictures.

        Masks and control images are edges without a node.
        """
        return service.history.family(image_id)

    @router.get("/images/{image_id}/changes")
    def changes(image_id: str, against: _Id = None) -> tuple[Change, ...]:
        """What was changed against the picture it was made from, or `against` any other."""
        return service.history.changes(image_id, against)

    @router.get("/images/{image_id}/drift")
    def drift(image_id: str, anchor: _Id = None) -> DriftReport:
        """How far the picture and its branch are from the line's anchor, or from any other picture.

        Structure is SSIM of luminance, colour the mean CIEDE2000 of a coarse grid. Measured once, then kept.
        """
        return service.history.drift(image_id, anchor or None)


def _add_fixing(router: APIRouter, service: StudioService) -> None:
    @router.post("/images/{image_id}/fix-face", status_code=202)
    def fix_face(
        image_id: str,
        response: Response,
        wish: FixWish | None = None,
        tab: Annotated[str | None, Query(max_length=64)] = None,
    ) -> JobRecord:
        """Draw its small faces anew, each at the model's full size; 422 where there is none.

        What comes of it waits in the trash until it is restored.
        """
        job = service.fix_face(image_id, wish or FixWish(), tab=tab)
        response.headers["Location"] = f"/api/v1/jobs/{job.id}"
        return job


def _add_reproductions(router: APIRouter, service: StudioService) -> None:
    @router.post("/images/{image_id}/reproduce", status_code=202)
    def reproduce(image_id: str, response: Response) -> JobRecord:
        """Run the picture's own request once more, with its own seed."""
        job = service.reproduce(image_id)
        response.headers["Location"] = f"/api/v1/jobs/{job.id}"
        return job

    @router.get("/images/{image_id}/reproductions")
    def reproductions(image_id: str) -> tuple[Reproduction, ...]:
        """Newest first: identical, close or different, and what could explain it."""
        return service.history.reproductions(image_id)
