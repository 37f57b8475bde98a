"""Puts the calls of `/api/v1` on an application, each group from its own file.

Handlers that only call the service are plain functions: FastAPI runs them in its thread pool, so
nothing here blocks the event loop.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from studio.api.events import QueueBroadcast, events_router
from studio.api.images import images_router
from studio.api.jobs import jobs_router
from studio.api.problems import Problem, add_problem_handlers
from studio.api.system import system_router
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


def add_api(app: FastAPI, service: StudioService, settings: Settings, broadcast: QueueBroadcast) -> None:
    """Add REST, its error bodies and a clear answer for every address below /api that is none."""
    router = APIRouter(prefix=PREFIX, responses=_PROBLEMS)
    router.include_router(system_router(service, settings))
    router.include_router(images_router(service))
    router.include_router(jobs_router(service))
    router.include_router(events_router(broadcast))
    app.include_router(router)
    add_problem_handlers(app)
    _close_the_rest(app)


def _close_the_rest(app: FastAPI) -> None:
    """Gradio is mounted at `/` and would answer unknown addresses below /api with a page."""
    calls = list(app.router.routes)

    async def no_such_call(request: Request) -> NoReturn:
        near = [route for route in calls if route.matches(request.scope)[0] is Match.PARTIAL]
        allowed = sorted({method for route in near for method in getattr(route, "methods", ())})
        if allowed:
            raise HTTPException(
                405, f"This address takes {', '.join(allowed)}.", {"Allow": ", ".join(allowed)}
            )
        raise HTTPException(404, "There is no such call. GET /api/v1/openapi.json lists them.")

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app.add_api_route("/api{rest:path}", no_such_call, methods=methods, include_in_schema=False)
