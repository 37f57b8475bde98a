from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio.door import passwords
from studio.door.door import Door
from tests.coroutines import finish
from tests.studio.door.door_for_tests import ACCEPTS_PAGES, HOME, PASSWORD, behind, client, make_door

EVERYTHING = [
    ("GET", "/api/v1/images"),
    ("POST", "/api/v1/images"),
    ("GET", "/api/v1/images/1/file"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/health/"),
    ("POST", "/api/v1/health"),
    ("GET", "/api/v1/login"),
    ("GET", "/API/V1/health"),
    ("GET", "//api/v1/health"),
    ("GET", "/api/v1/health/../images"),
    ("GET", "/api/v1/%2e%2e/v1/images"),
    ("GET", "/login/../api/v1/images"),
    ("GET", "/login/x"),
    ("GET", "/docs"),
    ("GET", "/page/file.js"),
    ("GET", "/"),
    ("HEAD", "/"),
    ("OPTIONS", "/api/v1/images"),
    ("POST", "/gradio_api/upload"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("GET", "/gradio_api/heartbeat/x"),
    ("GET", "/config"),
    ("GET", "/favicon.ico"),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_COST", {"n": 16, "r": 1, "p": 1})


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return make_door(tmp_path)


@pytest.fixture
def stranger(door: Door) -> httpx.AsyncClient:
    return client(behind(door))


def logged_in(door: Door, **more: Any) -> httpx.AsyncClient:
    browser = client(behind(door), **more)
    answer = finish(browser.post("/login", data={"password": PASSWORD}))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return browser


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_without_a_key_nothing_is_answered(stranger: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in (
        {},
        {"Cookie": "likeness-x=y"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic bGlrZW5lc3M6eA=="},
        {"Authorization": "Bearer "},
    ):
        answer = finish(stranger.request(method, path, headers=headers))
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["cache-control"] == "no-store"
        assert "picture" not in answer.text
        assert method == "HEAD" or "log in" in answer.text or "token" in answer.text


def test_a_browser_is_led_to_the_login_page_and_in(stranger: httpx.AsyncClient) -> None:
    first = finish(stranger.get("/?__theme=dark", headers=ACCEPTS_PAGES))
    assert (first.status_code, first.headers["location"]) == (303, "/login")
    form = finish(stranger.get("/login?here"))
    assert 'action="/login"' in form.text
    assert form.headers["cache-control"] == "no-store"
    assert "script" not in form.text
    policy = form.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    inside = finish(stranger.post("/login", data={"username": "likeness", "password": PASSWORD}))
    assert inside.status_code == 303
    assert finish(stranger.get("/")).text == "the page"
    assert finish(stranger.get("/login")).headers["location"] == "/"


def test_who_follows_a_link_from_elsewhere_is_still_in(door: Door) -> None:
    """The browser keeps the cookie back on the first request, and has it for the second."""
    stranger = client(behind(door))
    link = {**ACCEPTS_PAGES, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert finish(stranger.get("/", headers=link)).headers["location"] == "/login"
    onward = finish(stranger.get("/login", headers=link)).text
    assert 'http-equiv="refresh" content="0; url=/login?here"' in onward
    assert "password" not in onward
    here = {"Sec-Fetch-Site": "same-origin"}
    assert finish(logged_in(door).get("/login?here", headers=here)).headers["location"] == "/"
    assert "password" in finish(stranger.get("/login?here", headers=here)).text


@pytest.mark.parametrize(("home", "secure"), [(HOME, False), ("https://192.168.1.7", True)])
def test_the_cookie_is_for_this_studio_alone(door: Door, home: str, secure: bool) -> None:
    browser = client(behind(door), home=home)
    cookie = finish(browser.post("/login", data={"password": PASSWORD})).headers["set-cookie"]
    assert "; HttpOnly; SameSite=Strict" in cookie
    assert "Path=/; Max-Age=2592000" in cookie
    assert cookie.endswith("; Secure") == secure
    assert cookie.startswith("__Secure-likeness-" if secure else "likeness-")
    assert finish(browser.get("/")).status_code == 200


@pytest.mark.parametrize(
    "password",
    ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "\u0000", "пароль", "🐎", "' or 1=1 --", "x" * 10_000],
)
def test_a_wrong_password_is_told_and_not_repeated(stranger: httpx.AsyncClient, password: str) -> None:
    answer = finish(stranger.post("/login", data={"password": password}))
    assert answer.status_code == 401
    assert "neither the password nor a token" in answer.text
    assert "set-cookie" not in answer.headers
    assert len(password) < 6 or password not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"password",
        b"password=",
        b"\xff\xfe",
        b"a=b&" * 1000,
        b"password[]=x",
        b"%%%",
        b'{"password": 1}',
    ],
)
def test_what_is_no_form_opens_nothing(stranger: httpx.AsyncClient, body: bytes) -> None:
    assert finish(stranger.post("/login", content=body)).status_code == 401


def test_a_huge_form_is_refused_unread(stranger: httpx.AsyncClient) -> None:
    sent = 0

    async def parts():
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"password=" + b"x" * 4096

    assert finish(stranger.post("/login", content=parts())).status_code == 413
    assert sent < 20


def test_other_pages_cannot_log_in_or_out(door: Door) -> None:
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ):
        stranger = client(behind(door))
        answer = finish(stranger.post("/login", data={"password": PASSWORD}, headers=headers))
        assert answer.status_code == 403
        assert not stranger.cookies
        assert finish(logged_in(door).post("/api/v1/images", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["192.168.1.7:7860\r\nSet-Cookie: a=b", "192.168.1.7:7860\nX: y", "elsewhere.example", "192.168.1.7/\\x"],
)
def test_no_header_of_ours_repeats_what_was_sent(door: Door, host: str) -> None:
    stranger = client(behind(door))
    for path in ("/", "/login", "/%0d%0aSet-Cookie:%20a=b", "/login?next=//elsewhere.example", "/x\u2028y"):
        answer = finish(stranger.get(path, headers=[("Host", host.encode()), ("Accept", "text/html")]))
        assert answer.status_code == 400
        answer = finish(stranger.get(path, headers=ACCEPTS_PAGES))
        assert "set-cookie" not in answer.headers
        assert answer.headers.get("location", "/login") == "/login"


def test_the_address_of_the_login_page_leads_nowhere_else(stranger: httpx.AsyncClient) -> None:
    for query in (
        "next=//elsewhere.example",
        "here&next=https://elsewhere.example",
        "url=javascript:alert(1)",
    ):
        answer = finish(stranger.post(f"/login?{query}", data={"password": PASSWORD}))
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "name", ["token", "access_token", "TOKEN", "api_key", "password", "auth", "Authorization"]
)
def test_a_secret_in_an_address_is_refused_with_words(door: Door, name: str) -> None:
    _, token = door.keys.add_token("script", None)
    good = {"Authorization": f"Bearer {token}"}
    script = client(behind(door))
    answer = finish(script.get("/api/v1/images", params={name: "x"}, headers=good))
    assert answer.status_code == 400
    assert "does not belong into an address" in answer.json()["detail"]
    assert "Authorization: Bearer" in answer.json()["detail"]


def test_a_token_is_known_anywhere_in_an_address_and_not_repeated(door: Door) -> None:
    _, token = door.keys.add_token("script", None)
    script = client(behind(door))
    for path in (f"/?q={token}", f"/{token}", f"/api/v1/images/{token}/file", f"/?x=%6c{token[1:]}"):
        for headers in (ACCEPTS_PAGES, {}):
            answer = finish(script.get(path, headers=headers))
            assert answer.status_code == 400, path
            assert token not in answer.text


def test_the_token_of_the_start_is_known_in_an_address_too(tmp_path: Path) -> None:
    token = "0123456789abcdef" * 2
    script = client(behind(Door(make_door(tmp_path).keys, token)))
    assert finish(script.get(f"/?q={token}")).status_code == 400
    assert finish(script.get("/", headers={"Authorization": f"Bearer {token}"})).status_code == 200


def test_a_token_opens_until_it_is_revoked(door: Door) -> None:
    made, token = door.keys.add_token("script", None)
    script = client(behind(door))
    script.headers["Authorization"] = f"bearer {token}"
    assert finish(script.post("/api/v1/images", content=b"abc")).text == "3"
    door.keys.revoke_token(made.id)
    answer = finish(script.post("/api/v1/images", content=b"abc"))
    assert answer.status_code == 401
    assert "revoked or has expired" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("artist:{token}", 200),
        (":{token}", 200),
        ("{token}:x", 401),
        (f"artist:{PASSWORD}", 401),
        ("artist:", 401),
        ("{token}", 401),
    ],
)
def test_other_tools_clients_send_a_token_as_password(said: str, status: int, door: Door) -> None:
    _, token = door.keys.add_token("sillytavern", None)
    sent = base64.b64encode(said.format(token=token).encode()).decode()
    answer = finish(client(behind(door)).get("/", headers={"Authorization": f"Basic {sent}"}))
    assert answer.status_code == status


@pytest.mark.parametrize("sent", ["*", "w7//", "", "é"])
def test_odd_basic_headers_are_refused(sent: str, door: Door) -> None:
    header = f"Basic {sent}".encode()
    assert finish(client(behind(door)).get("/", headers={b"Authorization": header})).status_code == 401


def test_a_wrong_token_is_not_helped_by_a_right_cookie_or_another_token(door: Door) -> None:
    browser = logged_in(door)
    assert finish(browser.get("/", headers={"Authorization": "Bearer x"})).status_code == 401
    _, token = door.keys.add_token("script", None)
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
    assert finish(client(behind(door)).get("/", headers=twice)).status_code == 401


def test_an_expired_token_is_none(tmp_path: Path) -> None:
    at = [1_800_000_000.0]
    door = make_door(tmp_path, now=lambda: at[0])
    _, token = door.keys.add_token("script", 1)
    script = client(behind(door))
    script.headers["Authorization"] = f"Bearer {token}"
    assert finish(script.get("/")).status_code == 200
    at[0] += 86_400
    assert finish(script.get("/")).status_code == 401


def test_an_expired_session_is_told_so(tmp_path: Path) -> None:
    at = [1_800_000_000.0]
    door = make_door(tmp_path, now=lambda: at[0])
    browser = logged_in(door)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    at[0] += 30 * 86_400
    answer = finish(client(behind(door)).get("/api/v1/images", headers={"Cookie": cookie}))
    assert answer.status_code == 401
    assert "Reload the page" in answer.json()["detail"]


def test_guessing_ends_soon_and_a_logged_in_browser_notices_nothing(door: Door) -> None:
    browser = logged_in(door)
    thief = client(behind(door), "192.168.1.66")
    began = time.process_time()
    codes = [
        finish(thief.post("/login", data={"password": f"guess number {n}"})).status_code for n in range(200)
    ]
    assert codes.count(401) <= 6
    assert set(codes) == {401, 429}
    assert time.process_time() - began < 10
    told = finish(thief.post("/login", data={"password": PASSWORD}))
    assert told.status_code == 429
    assert 0 < int(told.headers["retry-after"]) <= 12
    assert "Too many tries. Wait" in told.text
    assert finish(browser.get("/")).text == "the page"
    assert finish(browser.post("/login", data={"password": PASSWORD})).status_code == 303


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(door: Door) -> None:
    _, token = door.keys.add_token("script", None)
    script = client(behind(door))
    answers = [finish(script.get("/", headers={"Authorization": f"Bearer lk_{n}"})) for n in range(60)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "1"
    assert finish(script.get("/", headers={"Authorization": f"Bearer {token}"})).status_code == 200


def test_a_cookie_of_another_studio_or_several_of_ours_do_no_harm(door: Door) -> None:
    browser = logged_in(door)
    [(name, value)] = browser.cookies.items()
    others = "; ".join(f"{name}=tossed{n}.x" for n in range(50))
    cookie = f"likeness-00000000=a.b; {others}; {name}={value}; =; ;;; x"
    assert finish(client(behind(door)).get("/", headers={"Cookie": cookie})).status_code == 200


def test_another_password_ends_sessions_at_once(door: Door) -> None:
    browser = logged_in(door)
    door.keys.set_password("another horse battery")
    assert finish(browser.get("/")).status_code == 401


def test_a_broken_file_lets_nobody_in(door: Door) -> None:
    browser = logged_in(door)
    door.keys.path.write_text("{")
    assert finish(browser.get("/")).status_code == 401
    assert finish(browser.post("/login", data={"password": PASSWORD})).status_code == 401
    door.keys.path.unlink()
    assert finish(browser.get("/")).status_code == 401


@pytest.mark.parametrize("end", ["logout", "password", "revoke"])
def test_a_stream_ends_with_the_key_it_was_opened_with(door: Door, end: str) -> None:
    made, token = door.keys.add_token("script", None)
    entry = door.by_token(token)
    if end != "revoke":
        _, cookie = door.keys.add_session(door.keys.keys().password.id)  # type: ignore[union-attr]
        entry = door.by_cookie(cookie)
        headers = [(b"host", b"192.168.1.7"), (b"cookie", f"likeness-{door.id}={cookie}".encode())]
    else:
        headers = [(b"host", b"192.168.1.7"), (b"authorization", f"Bearer {token}".encode())]
    assert entry
    endings = {
        "logout": lambda: door.logout(entry, everywhere=False),
        "password": lambda: door.keys.set_password("another horse battery"),
        "revoke": lambda: door.keys.revoke_token(made.id),
    }
    parts, last = finish(_read(behind(door), headers, after=5, then=endings[end]))
    assert 5 <= parts < 100
    assert last == {"type": "http.response.body", "body": b"", "more_body": False}


async def _read(app: Any, headers: list[Any], after: int, then: Any) -> tuple[int, dict[str, Any]]:
    """Read a stream, do something `after` so many parts: how many came, and the last message."""
    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/events", "query_string": b"", "headers": headers,
        "client": ("192.168.1.20", 1), "server": ("192.168.1.7", 7860), "scheme": "http", "root_path": "",
        "http_version": "1.1",
    }  # fmt: skip
    got: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        got.append(message)
        if len(got) == after:
            then()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            done.set()

    await asyncio.wait_for(app(scope, receive, send), 30)
    return len(got), got[-1]


def test_a_websocket_is_closed_without_a_key(door: Door) -> None:
    scope = {
        "type": "websocket", "path": "/gradio_api/queue/join", "query_string": b"", "scheme": "ws",
        "headers": [(b"host", b"192.168.1.7")], "client": ("192.168.1.20", 1), "root_path": "",
        "server": ("192.168.1.7", 7860), "subprotocols": [],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    finish(behind(door)(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_what_is_behind_the_door_is_kept_by_no_proxy(door: Door) -> None:
    browser = logged_in(door)
    picture = finish(browser.get("/api/v1/images/1/file"))
    assert picture.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert finish(browser.get("/")).headers["cache-control"] == "no-store"


def test_health_alone_answers_to_all(stranger: httpx.AsyncClient) -> None:
    assert finish(stranger.get("/api/v1/health")).status_code == 200
    assert finish(stranger.get("/api/v1/health", headers={"Authorization": "Bearer x"})).status_code == 200


def test_the_form_says_where_it_is_not_encrypted(door: Door) -> None:
    words = "not encrypted"
    assert words in finish(client(behind(door)).get("/login?here")).text
    assert words not in finish(client(behind(door), home="https://192.168.1.7").get("/login?here")).text
    assert words not in finish(client(behind(door), "127.0.0.1").get("/login?here")).text
