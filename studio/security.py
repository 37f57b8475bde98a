"""Who may talk to the studio, and what a page may do: the outermost layer around REST and Gradio.

By default the studio asks nobody for a password: it trusts the person at this machine. So it must not be
usable by a web page that the same person has open. Who may come in from elsewhere, `studio.door` knows.
Knows nothing of pictures or jobs.
"""

from __future__ import annotations

import contextlib
import html
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.hosts import is_address, named_host, one_spelling, reachable, url_of
from studio.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"0.0.0.0", "::"})
MAX_BODY_BYTES = 4 * 2**20
"""Of a request that is not an upload."""

_CONTENT_SECURITY = "; ".join(
    (
        "default-src 'self'",
        # Gradio's page is built of inline scripts and of functions made from strings.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


SDAPI = "/sdapi/v1"
"""Where clients of other tools are answered, if they are: they send pictures as base64, in JSON."""
TAKES_ARCHIVES = "/api/v1/characters/import"
MAX_ARCHIVE_BYTES = 2 * 2**30
"""A character with all its pictures; each of them is held to the size of a picture where it is unpacked."""


class Gatekeeper:
    """ASGI middleware: refuses foreign hosts, foreign pages and oversized bodies; sets the headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.names = LOOPBACK | {one_spelling(settings.host), *settings.names}
        self.any_address = settings.host in WILDCARDS
        self.max_upload = settings.max_upload_bytes + 2**16
        self.max_json = self.max_upload * 4 // 3 if settings.sdapi else MAX_BODY_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 400 (host), 403 (another page) or 413 (too much)."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = _with_headers(send)
        refused = self._refusal(scope, headers)
        if refused is not None:
            readable = "text/html" in headers.get("accept", "") and not inner_path(scope).startswith("/api/")
            await refusal(*refused, readable=readable)(scope, receive, send)
            return
        with contextlib.suppress(ClientDisconnect):  # an upload that was cut: nobody is there to answer
            await self.app(scope, _limited(receive, self._limit(scope, headers)), send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if not self._is_trusted(headers.getlist("host")):
            return 400, self._foreign_name(scope, headers.getlist("host"))
        if _is_foreign(scope.get("method", "GET"), headers):
            return 403, "Another web page tried to use the studio. Open the studio's own page instead."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limit(scope, headers):
            return 413, "That is too large for the studio to take in."
        return None

    def _is_trusted(self, hosts: list[str]) -> bool:
        host = named_host(hosts[0]) if len(hosts) == 1 else None
        # Rebinding a name to this machine needs a name; a literal address cannot be rebound.
        return host is not None and (host in self.names or (self.any_address and is_address(host)))

    def _foreign_name(self, scope: Scope, hosts: list[str]) -> str:
        name = named_host(hosts[0]) if len(hosts) == 1 else None
        words = f"This studio does not answer under that address. Open it as {self._home(scope)} instead."
        return f"{words} To open it as {name}, start it with --name {name}." if name else words

    def _home(self, scope: Scope) -> str:
        """Where whoever asks finds the page: the very address they have reached, where that one is served."""
        address, port = scope.get("server") or (None, None)
        host = reachable(str(address)) if address else "127.0.0.1"
        if not self._is_trusted([f"[{host}]" if ":" in host else host]):
            host = "127.0.0.1" if self.any_address else self.settings.host
        url = url_of(host, port or self.settings.port, self.settings.scheme)
        return url + (f"{self.settings.root_path}/" if self.settings.root_path else "")

    def _limit(self, scope: Scope, headers: Headers) -> int:
        if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return self.max_json if inner_path(scope).startswith(f"{SDAPI}/") else MAX_BODY_BYTES
        return (
            max(self.max_upload, MAX_ARCHIVE_BYTES)
            if inner_path(scope) == TAKES_ARCHIVES
            else self.max_upload
        )


def _is_foreign(method: str, headers: Headers) -> bool:
    """Whether a browser says that the request comes from a page that is not ours."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return True
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    follows_a_link = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
    return not follows_a_link


def inner_path(scope: Scope) -> str:
    """The path as the studio knows it, wherever a proxy has the studio."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def refusal(
    status: int,
    detail: str,
    *,
    code: str = "refused",
    readable: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem for scripts, a page to read for a browser that wanted one."""
    if readable:
        return HTMLResponse(_PAGE.format(_linked(detail)), status, headers)
    body = {"type": "about:blank", "title": "Refused", "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Likeness</title>'
    '<body style="font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem">'
    "<h1>Likeness</h1><p>{}</p></body></html>"
)


def _linked(words: str) -> str:
    """`words` as HTML; addresses in them can be followed."""
    return " ".join(
        f'<a href="{word}">{word}</a>' if word.startswith(("http://", "https://")) else word
        for word in html.escape(words).split(" ")
    )


def _limited(receive: Receive, limit: int) -> Receive:
    """`receive` that stops a body sent in chunks once it is beyond `limit` bytes."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, "That is too large for the studio to take in.")
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", _CONTENT_SECURITY)
        await send(message)

    return sending
