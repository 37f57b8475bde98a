"""`/jobs`: asking for pictures, watching one job, cancelling it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from pipelines.errors import LikenessError
from pipelines.request import GenerationRequest
from studio.records import Checked, JobRecord, JobStatus
from studio.service import StudioService

_NOW_ONLY = {"Cache-Control": "no-store", "Content-Security-Policy": "sandbox; default-src 'none'"}


def add_jobs(router: APIRouter, service: StudioService) -> None:
    """Add the calls about jobs."""
    _add_verbs(router, service)
    _add_pictures(router, service)


def _add_verbs(router: APIRouter, service: StudioService) -> None:
    @router.post("/jobs", status_code=202)
    def submit(
        request: GenerationRequest,
        response: Response,
        tab: Annotated[str | None, Query(max_length=64)] = None,
    ) -> JobRecord:
        """Queue a request. The answer's request is complete: model, seed and size are decided.

        `tab`: the browser tab whose gallery the pictures belong to.
        """
        job = service.submit(request, tab=tab)
        response.headers["Location"] = f"/api/v1/jobs/{job.id}"
        return job

    @router.post("/jobs/check")
    def check(request: GenerationRequest) -> Checked:
        """What a request would become and what would be said of it, without queueing it."""
        try:
            completed, notices = service.preview_request(request)
        except LikenessError as error:  # a question, not a wish: to be refused is an answer, too
            return Checked(request=None, refusal=error.detail)
        return Checked(request=completed, notices=notices)

    @router.get("/jobs")
    def jobs(
        status: Annotated[JobStatus | None, BeforeValidator(lambda value: value or None)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> tuple[JobRecord, ...]:
        """Newest first."""
        return service.jobs(status=status, limit=limit)

    @router.get("/jobs/{job_id}")
    def job(job_id: str) -> JobRecord:
        """One job as it is now."""
        return service.job(job_id)

    @router.post("/jobs/{job_id}/cancel", status_code=202)
    def cancel(job_id: str) -> JobRecord:
        """Ask the job to end as cancelled, whatever phase it is in; an ended job stays as it is."""
        return service.cancel(job_id)


def _add_pictures(router: APIRouter, service: StudioService) -> None:
    @router.get("/jobs/{job_id}/preview", response_class=Response)
    def preview(job_id: str) -> Response:
        """What the picture looks like so far; 204 while there is nothing to see."""
        service.job(job_id)
        found = service.preview(job_id)
        if found is None:
            return Response(status_code=204, headers=_NOW_ONLY)
        return Response(found[0], media_type=found[1], headers=_NOW_ONLY)

    @router.get("/jobs/{job_id}/control-image", response_class=Response)
    def control_image(job_id: str) -> Response:
        """The control image made from the structure reference, PNG; 204 where there is none."""
        service.job(job_id)
        png = service.control_image(job_id)
        if png is None:
            return Response(status_code=204, headers=_NOW_ONLY)
        return Response(png, media_type="image/png", headers=_NOW_ONLY)
