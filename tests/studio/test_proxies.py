from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from studio.proxies import Proxies
from studio.settings import Settings
from tests.coroutines import finish

PROXY = "10.0.0.2"
SAID = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


async def _told(scope: Any, receive: Any, send: Any) -> None:
    request = Request(scope)
    told = {
        "client": scope["client"][0],
        "scheme": scope["scheme"],
        "path": scope["path"],
        "root_path": scope["root_path"],
        "headers": sorted(name for name in request.headers if "forwarded" in name or name.startswith("x-")),
    }
    await JSONResponse(told)(scope, receive, send)


def asked(
    path: str = "/", headers: Any = None, peer: str = PROXY, *, closed: bool = True, **settings: Any
) -> httpx.Response:
    given = {"trusted_proxies": (f"{PROXY}/32", "172.16.0.0/12", "fd00::/8")} | settings
    app = Proxies(_told, Settings(**given), closed=closed)
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=(peer, 1)), base_url="http://studio.example.org"
    )
    return finish(browser.get(path, headers=headers))


def test_a_named_proxy_is_believed_and_leaves_no_trace() -> None:
    told = asked(headers=SAID | {"X-Forwarded-Host": "elsewhere", "Forwarded": "for=1.1.1.1"}).json()
    assert (told["client"], told["scheme"], told["headers"]) == ("203.0.113.9", "https", [])


@pytest.mark.parametrize("peer", ["10.0.0.3", "203.0.113.9", "::1", "testclient"])
def test_nobody_else_is(peer: str) -> None:
    told = asked(headers=SAID | {"X-Gradio-Server": "http://elsewhere"}, peer=peer).json()
    assert (told["client"], told["scheme"], told["headers"]) == (peer, "http", [])


@pytest.mark.parametrize(
    ("chain", "asks"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 172.20.0.5", "203.0.113.9"),
        ("172.20.0.5, fd00::3", PROXY),
        ("2001:db8::1", "2001:db8::1"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_who_asks_is_the_last_that_is_no_proxy(chain: str, asks: str) -> None:
    assert asked(headers={"X-Forwarded-For": chain}).json()["client"] == asks


def test_what_a_client_put_before_the_proxys_word_is_not_believed() -> None:
    lines = [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "http"),
    ]
    told = asked(headers=[("X-Forwarded-Proto", "https"), *lines]).json()
    assert (told["client"], told["scheme"]) == ("203.0.113.9", "http")


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.2", "fd00::7", "172.31.255.255"])
def test_a_proxy_is_known_in_every_spelling(peer: str) -> None:
    assert asked(headers=SAID, peer=peer).json()["scheme"] == "https"


@pytest.mark.parametrize("path", ["/likeness/api/v1/models", "/api/v1/models"])
def test_below_a_path_it_does_not_matter_whether_the_proxy_took_it_out(path: str) -> None:
    told = asked(path, root_path="/likeness").json()
    assert (told["path"], told["root_path"]) == ("/likeness/api/v1/models", "/likeness")


@pytest.mark.parametrize(
    ("path", "peer"), [("/likeness", PROXY), ("/likeness", "127.0.0.1"), ("/", "127.0.0.1")]
)
def test_the_page_is_where_its_addresses_begin(path: str, peer: str) -> None:
    answer = asked(path, root_path="/likeness", peer=peer)
    assert (answer.status_code, answer.headers["location"]) == (307, "/likeness/")


def test_a_path_that_only_begins_alike_is_another() -> None:
    assert asked("/likenesses", root_path="/likeness").json()["path"] == "/likeness/likenesses"


def test_without_a_door_a_proxy_that_was_not_named_is_refused() -> None:
    for headers in ({"X-Forwarded-For": "1.1.1.1"}, {"Forwarded": "for=1.1.1.1"}, {"X-Real-IP": "1.1.1.1"}):
        answer = asked(headers=headers, peer="127.0.0.1", closed=False, trusted_proxies=())
        assert answer.status_code == 403
        assert "--trusted-proxy" in answer.json()["detail"]
        for more in ({"closed": True}, {"closed": False, "open_to_everyone": True}):
            assert asked(headers=headers, peer="127.0.0.1", trusted_proxies=(), **more).status_code == 200
