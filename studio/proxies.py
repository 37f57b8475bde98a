"""What stands between browser and studio: proxies, which pass requests on and say for whom.

Only what a proxy says that was named at the start is believed. Says nothing of who may come in.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.hosts import reachable
from studio.security import refusal
from studio.settings import Settings

_SAID_BY_PROXIES = frozenset(
    (
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-gradio-server",
    )
)
_TELLTALE = frozenset((b"forwarded", b"x-forwarded-for", b"x-real-ip"))
_UNNAMED = (
    "A proxy passed this on, and the studio was not told of one. Start it with --trusted-proxy and the "
    "proxy's address; docs/opening-the-studio.md says more."
)


class Proxies:
    """ASGI middleware, outermost: who asks, over which scheme, and where the studio is for them.

    Behind it `client` and `scheme` are those of the browser, `path` begins with `root_path`, and nothing is
    left of what proxies say. `closed`: whether there is a door; without one, a proxy that was not named
    may be showing to others what was meant for this machine, and is refused.
    """

    def __init__(self, app: ASGIApp, settings: Settings, *, closed: bool) -> None:
        self.app = app
        self.root_path = settings.root_path
        self.trusted = tuple(ipaddress.ip_network(each) for each in settings.trusted_proxies)
        self.refuses_unnamed = not closed and not settings.open_to_everyone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 307 (the page is elsewhere) or 403 (a proxy that was not named)."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        peer = scope.get("client") or ("", 0)
        by_proxy = self._is_trusted(str(peer[0]))
        said = {name for name, _ in scope["headers"]}
        scope = dict(scope)
        if by_proxy:
            scope.update(self._as_told(Headers(scope=scope), peer, scope.get("scheme", "http")))
        elif self.refuses_unnamed and said & _TELLTALE and scope["type"] == "http":
            await refusal(403, _UNNAMED)(scope, receive, send)
            return
        scope["headers"] = [each for each in scope["headers"] if each[0] not in _SAID_BY_PROXIES]
        if self.root_path:
            if self._is_beside(scope, by_proxy=by_proxy):
                await RedirectResponse(f"{self.root_path}/")(scope, receive, send)
                return
            scope = self._below(scope)
        await self.app(scope, receive, send)

    def _is_trusted(self, address: str) -> bool:
        try:
            known = ipaddress.ip_address(reachable(address.partition("%")[0]))
        except ValueError:
            return False
        return any(known in network for network in self.trusted)

    def _as_told(self, headers: Headers, peer: tuple[str, int], scheme: str) -> Scope:
        """The nearest proxy wrote last; the first from the right that is none is who asks."""
        chain = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
        asks = next((each for each in reversed(chain) if not self._is_trusted(each)), peer[0])
        protocols = headers.getlist("x-forwarded-proto")
        told = protocols[-1].rpartition(",")[2].strip().lower() if protocols else scheme
        return {"client": (asks, 0), "scheme": "https" if told == "https" else "http"}

    def _is_beside(self, scope: Scope, *, by_proxy: bool) -> bool:
        """The page asked for where relative addresses in it would lead elsewhere."""
        if scope.get("method") not in ("GET", "HEAD"):
            return False
        return scope["path"] == self.root_path or (scope["path"] == "/" and not by_proxy)

    def _below(self, scope: Scope) -> Scope:
        """Whether the proxy left the sub-path in the address or took it out: it is in `path` from here on."""
        path: str = scope["path"]
        if not path.startswith(f"{self.root_path}/"):
            path = self.root_path + path
        return {**scope, "root_path": self.root_path, "path": path}
