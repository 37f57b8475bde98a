"""A door with a cheap password before a small application, spoken to without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from studio.door.door import Door
from studio.door.gate import Gate
from studio.door.keys import KeyFile
from studio.proxies import Proxies
from studio.security import Gatekeeper
from studio.settings import Settings

HOME = "http://192.168.1.7:7860"
PASSWORD = "correct horse battery"
ACCEPTS_PAGES = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Clock:
    """Time that goes on when it is told to; seconds."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


async def _page(request: Request) -> HTMLResponse:
    return HTMLResponse("the page")


async def _picture(request: Request) -> PlainTextResponse:
    return PlainTextResponse("a picture", headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def _take(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _stream(request: Request) -> StreamingResponse:
    async def beats() -> AsyncIterator[str]:
        for n in range(1000):
            yield f"data: {n}\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(beats(), media_type="text/event-stream")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def inner() -> Starlette:
    routes = [
        Route("/", _page),
        Route("/page/file.js", _picture),
        Route("/api/v1/health", _take, methods=["GET"]),
        Route("/api/v1/images", _take, methods=["GET", "POST"]),
        Route("/api/v1/images/1/file", _picture),
        Route("/api/v1/events", _stream),
        Route("/gradio_api/upload", _take, methods=["POST"]),
        WebSocketRoute("/gradio_api/queue/join", _socket),
    ]
    return Starlette(routes=routes)


def make_door(folder: Path, **more: object) -> Door:
    """With the password `PASSWORD`."""
    keys = KeyFile(folder / "door.json", **more)  # type: ignore[arg-type]
    keys.set_password(PASSWORD)
    return Door(keys)


def behind(door: Door, **settings: object) -> Starlette:
    """The application as the server has it: proxies, gatekeeper, gate."""
    app = inner()
    given = Settings(host="0.0.0.0", **settings)  # type: ignore[arg-type]
    layers = [
        Middleware(Proxies, settings=given, closed=True),
        Middleware(Gatekeeper, settings=given),
        Middleware(Gate, door=door),
    ]
    return Starlette(routes=app.routes, middleware=layers)


def client(app: object, address: str = "192.168.1.20", home: str = HOME) -> httpx.AsyncClient:
    """A browser or script at `address`. Its requests go through one after the other."""
    transport = httpx.ASGITransport(app, client=(address, 50000))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=home)
