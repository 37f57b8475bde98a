"""The door before everything the studio serves: REST, the page, Gradio's routes, streams, files.

An ASGI layer around the whole application, so that what is added later is behind it, too. Open to whoever
has no key are the login page, `POST /api/v1/login` and `GET /api/v1/health`, and nothing else.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.door.door import Door, Entry, TooManyTries, WrongKey
from studio.door.keys import DAY, SESSION_DAYS
from studio.door.page import CONTENT_SECURITY, arrival_page, login_page
from studio.door.passwords import SHORTEST_TOKEN, TOKEN_MARK
from studio.security import inner_path, refusal

ENTRY = "likeness.entry"
"""Of a scope behind the door: the `Entry`, or None for one of the calls that are open."""
LOGIN = "/login"
_LOGIN_CALL = "/api/v1/login"
_OPEN = frozenset({("GET", "/api/v1/health"), ("HEAD", "/api/v1/health"), ("POST", _LOGIN_CALL)})
_MAX_FORM = 16 * 1024
_SECRET_NAMES = frozenset(
    ("token", "access_token", "api_key", "apikey", "auth", "authorization", "bearer", "password", "secret")
)
_TOKEN = re.compile(TOKEN_MARK + r"[0-9a-f]{8}_")
_NO_STORE = {"Cache-Control": "no-store"}
_LOG_IN = (
    "This studio asks for a password. Open its page and log in, or send a token: Authorization: Bearer …"
)
_ENDED = "You are not logged in any more. Reload the page to log in again; nothing was lost."
_IN_ADDRESS = (
    "A token or password does not belong into an address: addresses are kept in histories and logs. "
    "Send it as a header, Authorization: Bearer …, and revoke one that was sent like this."
)
_WRONG = "That is neither the password nor a token of this studio."


def too_many(seconds: float) -> str:
    """What is said of too many tries."""
    whole = math.ceil(seconds)
    return f"Too many tries. Wait {whole} second{'' if whole == 1 else 's'}, then try again."


def session_cookie(door: Door, scope: Scope, value: str, seconds: int) -> str:
    """The `Set-Cookie` of a session; without `value` it is taken away."""
    secure = scope.get("scheme") == "https"
    parts = (
        f"{_cookie_name(door, secure=secure)}={value}",
        f"Path={scope.get('root_path', '')}/",
        f"Max-Age={seconds}",
        "HttpOnly",
        "SameSite=Strict",
        *(("Secure",) if secure else ()),
    )
    return "; ".join(parts)


def _cookie_name(door: Door, *, secure: bool) -> str:
    return f"{'__Secure-' if secure else ''}likeness-{door.id}"


class Gate:
    """ASGI middleware: lets in who has a key, shows the login page to browsers, refuses the rest."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 303 (log in), 400 (token in the address), 401 or 429."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _has_secret(scope, self.door):
            answer = refusal(400, _IN_ADDRESS, readable=_wants_page(scope, headers))
        else:
            entry, answer = self._enter(scope, headers)
            if answer is None:
                await self._inside({**scope, ENTRY: entry}, receive, send)
                return
            if inner_path(scope) == LOGIN and scope["type"] == "http":
                answer = await self._login(Request(scope, receive), entry)
        await _answer(answer, scope, receive, send)

    def _enter(self, scope: Scope, headers: Headers) -> tuple[Entry | None, Response | None]:
        """Who comes in, and the answer to whoever does not; the login page is always answered here."""
        path = inner_path(scope)
        is_open = (scope.get("method"), path) in _OPEN
        if path == _LOGIN_CALL and is_open and (wait := self.door.wait(address_of(scope))) > 0:
            return None, _slowed(wait)  # before anything is read: a flood shall cost next to nothing
        given = headers.getlist("authorization") if path != LOGIN else []
        if given and not is_open:
            return self._by_header(scope, given)
        entry = self._by_cookies(headers) or (self.door.by_token(_bearer(given)) if given else None)
        if path == LOGIN or not (entry or is_open):
            return entry, self._closed(scope, headers)
        return entry, None

    def _by_header(self, scope: Scope, given: list[str]) -> tuple[Entry | None, Response | None]:
        token = _bearer(given)
        if not token:
            return None, _unauthorised(_LOG_IN)
        entry = self.door.by_token(token)
        if entry is not None:
            return entry, None
        wait = self.door.wrong_token(address_of(scope))
        if wait > 0:
            return None, _slowed(wait)
        return None, _unauthorised("That token is unknown, revoked or has expired.")

    def _by_cookies(self, headers: Headers) -> Entry | None:
        names = {_cookie_name(self.door, secure=secure) for secure in (True, False)}
        found = (self.door.by_cookie(value) for name, value in _cookies(headers) if name in names)
        return next((entry for entry in found if entry is not None), None)

    def _closed(self, scope: Scope, headers: Headers) -> Response:
        if _wants_page(scope, headers):
            return RedirectResponse(f"{scope.get('root_path', '')}{LOGIN}", 303, _NO_STORE)
        had_one = any(name.endswith(f"likeness-{self.door.id}") for name, _ in _cookies(headers))
        return _unauthorised(_ENDED if had_one else _LOG_IN)

    # --- the login page -------------------------------------------------------------------------

    async def _login(self, request: Request, entry: Entry | None) -> Response:
        if request.method in ("GET", "HEAD"):
            return self._form_or_onward(request, entry)
        if request.method != "POST":
            return refusal(405, "This address takes GET, POST.", headers={"Allow": "GET, HEAD, POST"})
        body = await _short_body(request)
        if body is None:
            return refusal(413, "That is too large for the studio to take in.", readable=True)
        return await self._log_in(
            request, dict(parse_qsl(body.decode("utf-8", "replace"))).get("password", "")
        )

    def _form_or_onward(self, request: Request, entry: Entry | None) -> Response:
        home = f"{request.scope.get('root_path', '')}/"
        if entry is not None:
            return RedirectResponse(home, 303, _NO_STORE)
        arrived = request.headers.get("sec-fetch-site") not in ("same-origin", "none")
        if arrived and request.url.query != "here":  # also where a browser doesn't tell, without https
            return _page(arrival_page(f"{home.rstrip('/')}{LOGIN}?here"))
        return self._form(request)

    async def _log_in(self, request: Request, secret: str) -> Response:
        try:
            _, cookie = await self.door.login(secret, address_of(request.scope))
        except TooManyTries as error:
            wait = str(math.ceil(error.seconds))
            return self._form(request, too_many(error.seconds), 429, {"Retry-After": wait})
        except WrongKey:
            return self._form(request, _WRONG, 401, {"WWW-Authenticate": "Bearer"})
        answer = RedirectResponse(f"{request.scope.get('root_path', '')}/", 303, _NO_STORE)
        kept = session_cookie(self.door, request.scope, cookie, int(SESSION_DAYS * DAY))
        answer.headers.append("Set-Cookie", kept)
        return answer

    def _form(
        self, request: Request, wrong: str = "", status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        action = f"{request.scope.get('root_path', '')}{LOGIN}"
        encrypted = request.scope.get("scheme") == "https" or _is_here(request.scope)
        return _page(login_page(action, wrong, encrypted=encrypted), status, headers)

    # --- behind the door ------------------------------------------------------------------------

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on. Answers are nobody else's to keep, and a stream ends with the key it was opened with."""
        entry: Entry | None = scope[ENTRY]
        ended, endless = False, False

        async def sending(message: Message) -> None:
            nonlocal ended, endless
            if ended:
                return
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                endless = "content-length" not in headers
                _keep_private(headers)
            elif endless and entry is not None and not self.door.still(entry):
                ended = True
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self.app(scope, receive, sending)


def address_of(scope: Scope) -> str:
    """Of whoever asks; "" where the server does not know."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _is_here(scope: Scope) -> bool:
    return address_of(scope) in ("127.0.0.1", "::1")


def _has_secret(scope: Scope, door: Door) -> bool:
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if any(name.lower() in _SECRET_NAMES for name, _ in query):
        return True
    values = [part for pair in query for part in pair]
    if any(_TOKEN.search(text) for text in (scope["path"], *values)):
        return True
    return any(len(text) >= SHORTEST_TOKEN and door.by_token(text) is not None for text in values)


def _bearer(given: list[str]) -> str:
    """The token of an Authorization header; "" where it holds none, or there are several.

    Clients of other tools know names and passwords alone: theirs is a token, whatever the name. Browsers are
    never asked for one, so that none sends it by itself.
    """
    kind, _, token = given[0].partition(" ")
    if len(given) != 1 or kind.lower() not in ("bearer", "basic"):
        return ""
    return token.strip() if kind.lower() == "bearer" else _password_of(token)


def _password_of(sent: str) -> str:
    try:
        named = base64.b64decode(sent, validate=True).decode("utf-8")
    except ValueError:
        return ""
    return named.partition(":")[2].strip()


def _cookies(headers: Headers) -> Iterator[tuple[str, str]]:
    for line in headers.getlist("cookie"):
        for part in line.split(";"):
            name, _, value = part.strip().partition("=")
            yield name, value


def _wants_page(scope: Scope, headers: Headers) -> bool:
    if scope.get("method") not in ("GET", "HEAD") or inner_path(scope).startswith(("/api/", "/gradio_api/")):
        return False
    return "text/html" in headers.get("accept", "")


async def _short_body(request: Request) -> bytes | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_FORM:
            return None
    return body


def _page(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    own = {"Content-Security-Policy": CONTENT_SECURITY, **_NO_STORE}
    return HTMLResponse(text, status, own | (headers or {}))


def _unauthorised(detail: str) -> Response:
    return refusal(401, detail, code="unauthorized", headers={"WWW-Authenticate": "Bearer", **_NO_STORE})


def _slowed(seconds: float) -> Response:
    headers = {"Retry-After": str(math.ceil(seconds)), **_NO_STORE}
    return refusal(429, too_many(seconds), code="too_many_requests", headers=headers)


async def _answer(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await answer(scope, receive, send)


def _keep_private(headers: MutableHeaders) -> None:
    """No proxy may keep what is behind the door, and no browser the page, for whoever comes next."""
    kept = headers.get("cache-control", "")
    if "public" in kept:
        headers["Cache-Control"] = kept.replace("public", "private")
    elif not kept:
        page = headers.get("content-type", "").startswith("text/html")
        headers["Cache-Control"] = "no-store" if page else "private"
