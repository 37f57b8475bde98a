"""An assistant that starts the program itself and speaks with it over stdin and stdout."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import anyio
import httpx2 as httpx

from studio.assistants.calls import StudioCalls
from studio.assistants.server import make_server


def serve(url: str, headers: Mapping[str, str], verify: ssl.SSLContext | bool) -> None:
    """Serve the studio at `url` until the pipe is closed. `verify`: how its certificate is checked."""
    anyio.run(_serve, url.rstrip("/"), headers, verify)


async def _serve(url: str, headers: Mapping[str, str], verify: ssl.SSLContext | bool) -> None:
    # no proxy of the environment lies between: the studio stands on this machine or in the same house
    transport = httpx.AsyncHTTPTransport(retries=2, verify=verify)
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, transport=transport) as http:
        await make_server(StudioCalls(http, url)).run_stdio_async()
