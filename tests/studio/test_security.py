from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from studio.security import MAX_BODY_BYTES, Gatekeeper
from studio.settings import Settings
from tests.coroutines import finish

HOME = "http://127.0.0.1:7860"
ELSEWHERE = "https://elsewhere.example"


async def _count(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def _client(**settings: object) -> httpx.AsyncClient:
    inner = Starlette(routes=[Route("/", _count, methods=["GET", "POST"])])
    app = Gatekeeper(inner, Settings(**settings))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOME)


async def _status(client: httpx.AsyncClient, method: str = "GET", **arguments: object) -> int:
    return (await client.request(method, "/", **arguments)).status_code  # type: ignore[arg-type]


@pytest.fixture
def run() -> Callable[[object], object]:
    return finish  # type: ignore[return-value]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "127.0.0.1", "localhost.", "localhost:"],
)
def test_loopback_names_are_served(run: Callable, host: str) -> None:
    assert run(_status(_client(), headers={"Host": host})) == 200


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example:7860", "192.0.2.7", "", "[::1", "a@127.0.0.2"]
)
def test_a_name_that_is_not_ours_is_refused(run: Callable, host: str) -> None:
    assert run(_status(_client(), headers={"Host": host})) == 400


@pytest.mark.parametrize(
    "host",
    [
        "a@127.0.0.1:7860",
        "a:b@localhost",
        "127.0.0.1/x",
        "localhost#x",
        "localhost?x",
        "127.0.0.1:7860,elsewhere.example",
        "localhost\\x",
        "localhost;x",
        "127.0.0.1:99999",
        "127.0.0.1:7860:1",
        "127.0.0.1:x",
        "127.0.0.1:+7860",
        "[::1]x",
        "[::1",
        "::1",
        "[127.0.0.1]",
        "[::1%lo]",
        "%6cocalhost",
        "localhost..",
        "loc\u00e4lhost",
        "localhost\n",
    ],
)
def test_what_is_no_host_at_all_is_refused(run: Callable, host: str) -> None:
    for settings in ({}, {"host": "0.0.0.0"}):
        headers = [("Host", host.encode("utf-8"))]
        assert run(_status(_client(**settings), headers=headers)) == 400, settings


def test_two_hosts_are_none(run: Callable) -> None:
    twice = [("Host", "localhost"), ("Host", "localhost")]
    assert run(_status(_client(), headers=twice)) == 400


@pytest.mark.parametrize(
    ("settings", "reached", "told"),
    [
        ({"port": 0}, ("127.0.0.1", 7931), "http://127.0.0.1:7931"),
        ({"host": "::1"}, ("::1", 7931), "http://[::1]:7931"),
        ({"host": "0.0.0.0"}, ("192.0.2.7", 7931), "http://192.0.2.7:7931"),
        ({"host": "::"}, ("::ffff:192.0.2.7", 7931), "http://192.0.2.7:7931"),
        ({"host": "::"}, ("fe80::1%eth0", 7931), "http://127.0.0.1:7931"),
        ({"host": "studio.lan"}, ("192.0.2.7", 7931), "http://studio.lan:7931"),
        ({"host": "0.0.0.0", "port": 7932}, None, "http://127.0.0.1:7932"),
    ],
)
def test_a_refused_name_is_told_an_address_that_works(
    run: Callable, settings: dict[str, object], reached: tuple[str, int] | None, told: str
) -> None:
    gate = Gatekeeper(Starlette(), Settings(**settings))  # type: ignore[arg-type]

    async def at(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await gate(scope | {"server": reached}, receive, send)

    client = httpx.AsyncClient(transport=httpx.ASGITransport(at), base_url=HOME)
    headers = {"Host": "mypc.local:7931"}
    answer = run(client.get("/", headers=headers))
    assert answer.status_code == 400
    assert f"Open it as {told} instead." in answer.json()["detail"]
    page = run(client.get("/", headers=headers | {"Accept": "text/html,*/*;q=0.8"}))
    assert page.headers["content-type"].startswith("text/html")
    assert f'<a href="{told}">{told}</a>' in page.text
    call = run(client.get("/api/v1/health", headers=headers | {"Accept": "text/html"}))
    assert call.headers["content-type"] == "application/problem+json"


def test_the_configured_host_is_served(run: Callable) -> None:
    assert run(_status(_client(host="studio.lan"), headers={"Host": "studio.lan:7860"})) == 200


def test_on_all_addresses_any_literal_address_is_served_but_no_foreign_name(run: Callable) -> None:
    client = _client(host="0.0.0.0")
    assert run(_status(client, headers={"Host": "192.168.1.5:7860"})) == 200
    assert run(_status(client, headers={"Host": "elsewhere.example:7860"})) == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": HOME},
        {"Origin": HOME, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_scripts_and_the_own_page_may_post(run: Callable, headers: dict[str, str]) -> None:
    assert run(_status(_client(), "POST", headers=headers)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ELSEWHERE},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_another_page_may_not_post(run: Callable, headers: dict[str, str]) -> None:
    assert run(_status(_client(), "POST", headers=headers)) == 403


def test_another_page_may_link_here_but_not_read_or_embed(run: Callable) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    embed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert run(_status(_client(), headers=link)) == 200
    assert run(_status(_client(), headers=embed)) == 403
    assert run(_status(_client(), headers={"Origin": ELSEWHERE})) == 403


def test_refusals_say_why_as_problem_json(run: Callable) -> None:
    answer = run(_client().post("/", headers={"Origin": ELSEWHERE}))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 403
    assert "Another web page" in answer.json()["detail"]


def test_every_answer_carries_the_protecting_headers(run: Callable) -> None:
    for answer in (run(_client().get("/")), run(_client().get("/", headers={"Host": "elsewhere.example"}))):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "http" not in answer.headers["content-security-policy"]


def test_a_body_beyond_the_limit_is_refused_by_its_length(run: Callable) -> None:
    assert run(_status(_client(), "POST", content=b"x" * MAX_BODY_BYTES)) == 200
    assert run(_status(_client(), "POST", content=b"x" * (MAX_BODY_BYTES + 1))) == 413


def test_pictures_in_json_are_taken_in_where_clients_of_other_tools_are_answered(run: Callable) -> None:
    def status(path: str, size: int, **settings: Any) -> Any:
        client = _client(max_upload_bytes=2 * MAX_BODY_BYTES, **settings)
        return run(_status_of(client, path, b"x" * size))

    most = (2 * MAX_BODY_BYTES + 2**16) * 4 // 3
    assert status("/sdapi/v1/img2img", MAX_BODY_BYTES + 1) == 413
    assert status("/sdapi/v1/img2img", most, sdapi=True) == 404  # the gatekeeper lets it pass
    assert status("/sdapi/v1/img2img", most + 1, sdapi=True) == 413
    assert status("/api/v1/jobs", MAX_BODY_BYTES + 1, sdapi=True) == 413


async def _status_of(client: httpx.AsyncClient, path: str, content: bytes) -> int:
    return (await client.post(path, content=content)).status_code


def test_a_body_sent_in_chunks_is_stopped_while_it_is_read(run: Callable) -> None:
    sent = 0

    async def chunks():
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 2**20

    assert run(_status(_client(), "POST", content=chunks())) == 413
    assert sent <= MAX_BODY_BYTES // 2**20 + 1


def test_an_upload_that_is_cut_is_no_fault_of_the_studio(run: Callable) -> None:
    async def read(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()

    gate = Gatekeeper(read, Settings())
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"1000")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}
    parts = iter(({"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}))
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    run(gate(scope, receive, send))
    assert not sent


def test_uploads_have_their_own_limit(run: Callable) -> None:
    client = _client(max_upload_bytes=MAX_BODY_BYTES * 2)
    inside = {"file": ("a.png", b"x" * (MAX_BODY_BYTES + 1))}
    beyond = {"file": ("a.png", b"x" * (MAX_BODY_BYTES * 2 + 2**17))}
    assert run(_status(client, "POST", files=inside)) == 200
    assert run(_status(client, "POST", files=beyond)) == 413
