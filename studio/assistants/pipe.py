"""An assistant that starts the program itself and speaks with it over stdin and stdout."""

from __future__ import annotations

import anyio
import httpx2 as httpx

from studio.assistants.calls import StudioCalls
from studio.assistants.server import make_server


def serve(url: str) -> None:
    """Serve the studio at `url` until the pipe is closed."""
    anyio.run(_serve, url.rstrip("/"))


async def _serve(url: str) -> None:
    # no proxy of the environment lies between: the studio stands on this machine or in the same house
    transport = httpx.AsyncHTTPTransport(retries=2)
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", transport=transport) as http:
        await make_server(StudioCalls(http, url)).run_stdio_async()
