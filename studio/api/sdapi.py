"""`/sdapi/v1`: the API of AUTOMATIC1111's web UI, for clients that know that one. Off unless asked for.

An application of its own, since its errors are others than those of `/api/v1`; it is mounted into the
studio's, behind the same middleware. `studio.sdapi` has what is sent and answered, `sdapi_pictures` what is
done.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

import psutil
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pipelines.errors import LikenessError
from studio.api.events import QueueBroadcast
from studio.api.problems import describe
from studio.api.sdapi_pictures import SdPictures
from studio.sdapi import answers
from studio.sdapi.fields import ExtraSingleImage, ImageToImage, PngInfo, TextToImage
from studio.security import SDAPI
from studio.service import StudioService
from studio.settings import PROGRAM, Settings

_WAITING_AT_ONCE = 64
"""Calls that wait for pictures, in threads of their own: what interrupts them must be answered meanwhile."""
_OFF = f"Clients of other tools are answered when the studio is started with --sdapi: {PROGRAM} --sdapi"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_log = logging.getLogger(__name__)
_Sent = TypeVar("_Sent")


class _Plain(JSONResponse):
    """JSON in ASCII: what was sent may hold halves of characters, and is told again."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def add_sdapi(app: FastAPI, service: StudioService, settings: Settings, broadcast: QueueBroadcast) -> None:
    """Answer below `/sdapi/v1`, or say how to turn that on."""
    if settings.sdapi:
        app.mount(SDAPI, _make(service, broadcast))
    app.add_route("/sdapi/{rest:path}", _off, methods=_METHODS, include_in_schema=False)


async def _off(_: Request) -> Response:
    return _refusal(404, "not_found", _OFF)


def _make(service: StudioService, broadcast: QueueBroadcast) -> FastAPI:
    app = FastAPI(openapi_url=None, default_response_class=_Plain)
    pictures = SdPictures(service, lambda: broadcast.stopping)
    router = APIRouter()
    _add_asking(router, pictures)
    _add_steering(router, pictures)
    _add_lists(router, service)
    app.include_router(router)
    app.add_exception_handler(LikenessError, _domain_error)
    app.add_exception_handler(RequestValidationError, _refused_fields)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    return app


def _add_asking(router: APIRouter, pictures: SdPictures) -> None:
    waiting = CapacityLimiter(_WAITING_AT_ONCE)

    async def answered(verb: Callable[[_Sent], answers.Json], sent: _Sent) -> Response:
        return await to_thread.run_sync(partial(_answer, verb, sent), limiter=waiting)

    @router.post("/txt2img")
    async def text_to_image(sent: TextToImage) -> Response:
        """Draw, and answer with the pictures."""
        return await answered(pictures.text_to_image, sent)

    @router.post("/img2img")
    async def image_to_image(sent: ImageToImage) -> Response:
        """Paint over a picture, all of it or inside a mask."""
        return await answered(pictures.image_to_image, sent)

    @router.post("/extra-single-image")
    async def enlarge(sent: ExtraSingleImage) -> Response:
        """Make a picture two or four times as large."""
        return await answered(pictures.enlarge, sent)

    @router.post("/png-info")
    def png_info(sent: PngInfo) -> Response:
        """What a picture's file says of its making."""
        return _answer(pictures.png_info, sent)


def _answer(verb: Callable[[_Sent], answers.Json], sent: _Sent) -> Response:
    """In the thread of the verb: pictures as JSON are long."""
    return _Plain(verb(sent))


def _add_steering(router: APIRouter, pictures: SdPictures) -> None:
    @router.get("/progress")
    def progress(skip_current_image: bool = False) -> Response:
        """How far the running job is that was asked for here."""
        return _Plain(pictures.progress(with_image=not skip_current_image))

    @router.post("/interrupt")
    @router.post("/skip")
    def interrupt() -> Response:
        """Cancel the running job, if it was asked for here."""
        pictures.interrupt()
        return _Plain({})

    @router.get("/options")
    def options() -> Response:
        """The few that mean something here."""
        return _Plain(answers.options(pictures.model_title()))

    @router.post("/options")
    def set_options(options: dict[str, Any]) -> Response:
        """Choose the model for requests that name none, until the studio ends."""
        return _Plain({"likeness": {"ignored": pictures.set_options(options)}})


def _add_lists(router: APIRouter, service: StudioService) -> None:
    @router.get("/sd-models")
    def sd_models() -> Response:
        """The models that are here."""
        return _Plain(answers.sd_models(service.models(add_ons=False)))

    @router.get("/upscalers")
    def upscalers() -> Response:
        """The enlargers that are here."""
        return _Plain(answers.upscalers(service.models(add_ons=False)))

    @router.get("/loras")
    def loras() -> Response:
        """Those of the models folder."""
        return _Plain(answers.loras(service.models()))

    @router.get("/memory")
    def memory() -> Response:
        """Of this machine."""
        now = psutil.virtual_memory()
        return _Plain(answers.memory(now.total, now.available))

    @router.post("/refresh-checkpoints")
    @router.post("/refresh-loras")
    @router.post("/refresh-vae")
    def refresh() -> Response:
        """Look through the models folder again."""
        service.library.scan()
        return _Plain({})

    def always(content: Any) -> Callable[[], Response]:
        return lambda: _Plain(content)

    for name, content in answers.LISTS.items():
        router.add_api_route(f"/{name}", always(content), methods=["GET"])


# --- errors ----------------------------------------------------------------------------------------


def _refusal(
    status: int, code: str, words: str, errors: Iterable[Any] = (), headers: Mapping[str, str] | None = None
) -> Response:
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return _Plain(answers.refusal(code, words, errors), status, kept)


async def _domain_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, LikenessError)
    named: list[Mapping[str, str]] = [{"field": error.field, "detail": error.detail}] if error.field else []
    return _refusal(error.status, error.code, error.detail, named)


async def _refused_fields(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [describe(each) for each in error.errors()]
    listed = [each.model_dump() for each in problems]
    return _refusal(422, "invalid_request", problems[0].detail, listed)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = "There is no such call here." if error.status_code == 404 else error.detail
    return _refusal(error.status_code, "refused", words, headers=error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    words = "Something went wrong inside the studio. Try again; the terminal it runs in says more."
    return _refusal(500, "internal_error", words)
