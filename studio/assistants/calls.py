"""Calls of a studio's REST by somebody who waits for several at once; refusals in the studio's own words."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
from mcp.server.mcpserver.exceptions import ToolError

from studio.json_values import problem_words

Json = dict[str, Any]
_SECONDS = httpx.Timeout(60.0, connect=5.0)
_MOST_WORDS = 600
"""Of a refusal: it may repeat what was sent."""


class StudioCalls:
    """One studio. `http` has the address of its REST as base; `url` is that of its page, for links.

    Each call raises ToolError: out of reach, or refused in the studio's words.
    """

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self.url = url.rstrip("/")

    async def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET, as JSON."""
        given = {name: value for name, value in query.items() if value is not None}
        return (await self._call("GET", path, params=given)).json()

    async def post(self, path: str, body: Json | None = None) -> Any:
        """The answer to a POST, as JSON."""
        return (await self._call("POST", path, json=body)).json()

    async def file(self, path: str) -> tuple[bytes, str]:
        """What lies there, and its MIME type."""
        answer = await self._call("GET", path)
        return answer.content, answer.headers["content-type"].partition(";")[0]

    async def _call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, timeout=_SECONDS, **arguments)
        except httpx.HTTPError as error:
            raise ToolError(f"No studio answers at {self.url} ({error}).") from error
        if not answer.is_success:
            raise ToolError(_words(answer))
        return answer


def _words(answer: httpx.Response) -> str:
    words = problem_words(answer.content) or f"The studio answered {answer.status_code}."
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]} …"
