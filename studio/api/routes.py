"""Puts the calls of `/api/v1` on an application, each group from its own file.

Handlers that only call the service are plain functions: FastAPI runs them in its thread pool, so
nothing here blocks the event loop.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from studio.api.advice import add_advice
from studio.api.batches import add_batches
from studio.api.characters import add_characters
from studio.api.designs import add_designs
from studio.api.door import add_door
from studio.api.events import QueueBroadcast, add_events
from studio.api.exchange import add_exchange
from studio.api.gallery import add_gallery
from studio.api.images import add_images
from studio.api.jobs import add_jobs
from studio.api.lineage import add_lineage
from studio.api.model_roots import add_model_roots
from studio.api.models import add_models
from studio.api.presets import add_presets
from studio.api.problems import Problem, add_problem_handlers
from studio.api.queue import add_queue
from studio.api.readers import add_readers
from studio.api.refinements import add_refinements
from studio.api.selection import add_selection
from studio.api.sweeps import add_sweeps
from studio.api.system import add_system
from studio.coach.advisor import Advisor
from studio.door.door import Door
from studio.service import StudioService
from studio.settings import Settings

PREFIX = "/api/v1"
OPENAPI_URL = f"{PREFIX}/openapi.json"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "content": {"application/problem+json": {}},
        "description": "Refused; `detail` says what to do.",
    }
}


def add_api(
    app: FastAPI,
    service: StudioService,
    settings: Settings,
    broadcast: QueueBroadcast,
    door: Door | None = None,
) -> None:
    """Add REST, its error bodies and a clear answer for every address below /api that is none."""
    router = APIRouter(prefix=PREFIX, responses=_PROBLEMS)
    add_system(router, service, settings)
    add_door(router, settings, door)
    add_gallery(router, service)  # before the pictures: `/images/ids` is not a picture
    add_images(router, service)
    add_exchange(router, service.exchange)
    add_refinements(router, service.refinements)
    add_lineage(router, service)
    add_advice(router, Advisor(service))
    add_batches(router, service)
    add_jobs(router, service)
    add_queue(router, service)
    add_sweeps(router, service.sweeps)
    add_presets(router, service.presets)
    add_models(router, service.library)
    add_model_roots(router, service.library.roots)
    add_characters(router, service.characters)
    add_designs(router, service.designs)
    add_readers(router, service)
    add_selection(router, service)
    add_events(router, broadcast)
    app.include_router(router)
    add_problem_handlers(app)
    _close_the_rest(app, router)


def _close_the_rest(app: FastAPI, router: APIRouter) -> None:
    """Gradio is mounted at `/` and would answer unknown addresses below /api with a page."""

    async def no_such_call(request: Request) -> Response:
        near = [route for route in router.routes if route.matches(request.scope)[0] is Match.PARTIAL]
        allowed = sorted({method for route in near for method in getattr(route, "methods", ())})
        if allowed:
            raise HTTPException(
                405, f"This address takes {', '.join(allowed)}.", {"Allow": ", ".join(allowed)}
            )
        raise HTTPException(404, "There is no such call. GET /api/v1/openapi.json lists them.")

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app.add_route("/api/{rest:path}", no_such_call, methods=methods, include_in_schema=False)
