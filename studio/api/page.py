"""Serves the files of the page: each under the hash of all of them, to be kept for ever."""

from __future__ import annotations

from functools import cache

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.ui.page_files import PREFIX, PageFiles

_FOR_EVER = "public, max-age=31536000, immutable"
_GONE = "The studio was updated since this page was loaded. Reload it."


def add_page_files(app: FastAPI, files: PageFiles) -> None:
    """Add `GET /page/{digest}/{path}`. The address of another version answers 404."""

    @cache
    def compressed(path: str) -> bytes:
        return files.files[path].compressed()

    async def page_file(request: Request) -> Response:
        path = request.path_params["path"]
        file = files.files.get(path)
        if file is None or request.path_params["digest"] != files.digest:
            return Response(_GONE, 404, {"Cache-Control": "no-store"}, media_type="text/plain")
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.body, 200, headers, media_type=file.media_type)
        headers["Content-Encoding"] = "gzip"
        return Response(compressed(path), 200, headers, media_type=file.media_type)

    app.add_route(f"/{PREFIX}/{{digest}}/{{path:path}}", page_file, methods=["GET"], include_in_schema=False)


class PageLinks:
    """ASGI middleware: the page itself names the files it opens with, so that they come along with it."""

    def __init__(self, app: ASGIApp, links: str) -> None:
        self.app = app
        self.links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; add the `Link` header to the page."""
        is_page = scope["type"] == "http" and scope["path"] in ("", "/")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Link", self.links)
            await send(message)

        await self.app(scope, receive, sending if is_page else send)
