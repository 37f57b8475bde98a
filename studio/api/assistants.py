"""`/mcp`: the studio for assistants, made when the first one comes. See `studio.assistants`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.datastructures import URL
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.security import refusal
from studio.settings import install_extra

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

PATH = "/mcp"


class Assistants:
    """An ASGI endpoint; `rest` makes the studio's REST without door and middleware.

    That and importing the protocol take a second, so they wait for the first call; links to pictures then
    begin with the address of that call.
    """

    def __init__(self, rest: Callable[[], ASGIApp]) -> None:
        self._rest = rest
        self._making = asyncio.Lock()
        self._closing = asyncio.Event()
        self._server: MCPServer[Any] | None = None
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; 501 where the package is missing."""
        try:
            server = await self._started(str(URL(scope=scope).replace(path="", query="")))
        except ImportError:
            words = f"Assistants need one more package. Run: {install_extra('mcp')}"
            await refusal(501, words)(scope, receive, send)
            return
        await server.session_manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """End every session."""
        self._closing.set()
        if self._running is not None:
            await self._running

    async def _started(self, url: str) -> MCPServer[Any]:
        async with self._making:
            if self._server is None:
                server = await asyncio.to_thread(_made, self._rest, url)
                ready = asyncio.Event()
                self._running = asyncio.create_task(self._run(server, ready))
                await ready.wait()
                self._server = server
            return self._server

    async def _run(self, server: MCPServer[Any], ready: asyncio.Event) -> None:
        """Sessions live in the task that began them, so that one ends them, too."""
        async with server.session_manager.run():
            ready.set()
            await self._closing.wait()


def _made(rest: Callable[[], ASGIApp], url: str) -> MCPServer[Any]:
    import httpx2 as httpx
    from mcp.server.transport_security import TransportSecuritySettings

    from studio.assistants.calls import StudioCalls
    from studio.assistants.server import make_server

    http = httpx.AsyncClient(transport=httpx.ASGITransport(rest()), base_url=f"{url}/api/v1")
    server = make_server(StudioCalls(http, url))
    # hosts and origins are the gatekeeper's business
    trusting = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(streamable_http_path=PATH, transport_security=trusting)
    return server


def add_assistants(app: FastAPI, assistants: Assistants) -> None:
    """Answer at PATH; before the page is mounted, which answers at every other address."""
    app.router.routes.append(Route(PATH, assistants, methods=None, include_in_schema=False))
