"""A real studio that others reach, with a door: nothing of it is open, and nobody guesses their way in."""

from __future__ import annotations

import http.client
import itertools
import os
import re
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import httpx2
import psutil
import pytest
from gradio.routes import App
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from studio.door.keys import KeyFile
from studio.door.passwords import matches
from studio.main import main
from studio.settings import ROOT
from tests.coroutines import finish
from tests.e2e.harness import StudioProcess, running_studio
from tests.studio.test_api_system import CALLS
from tests.studio.test_server import assert_one_clear_line, run_app

PASSWORD = "correct horse battery"
CERTIFICATE = Path(__file__).parent / "door" / "certificate.pem"
ADDRESSES = itertools.count(1)
OPEN = {"/api/v1/health", "/api/v1/login", "/login"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    folder = tmp_path_factory.mktemp("door")
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n")
    options = (
        "--host",
        "0.0.0.0",
        "--password-file",
        str(secret),
        "--no-open",
        "--trusted-proxy",
        "127.0.0.1",
    )
    with running_studio(folder / "data", tiny_models_yaml, *options) as studio:
        studio.wait_for_worker()
        yield studio


@pytest.fixture
def script(closed: StudioProcess) -> Iterator[httpx.Client]:
    """From an address that no other test comes from, as a proxy on this machine says."""
    told = {"X-Forwarded-For": f"192.0.2.{next(ADDRESSES)}"}
    with httpx.Client(base_url=closed.url, trust_env=False, timeout=30, headers=told) as client:
        yield client


@pytest.fixture
def own_key(closed: StudioProcess) -> dict[str, str]:
    """What commands on this machine send."""
    key = (closed.data_dir / "likeness.address").read_text().split("\n")[1]
    return {"Authorization": f"Bearer {key}"}


def token(closed: StudioProcess, capsys: pytest.CaptureFixture[str], name: str, *options: str) -> str:
    assert main(["token", "add", name, *options, "--data-dir", str(closed.data_dir)]) == 0
    said = capsys.readouterr()
    assert "not shown again" in said.err
    return said.out.strip()


def routes_of_gradio() -> set[tuple[str, str]]:
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Textbox()
    found = {
        (method, re.sub(r"\{[^}]*\}", "x", route.path))
        for outer in App.create_app(page).routes
        for route in getattr(getattr(outer, "original_router", None), "routes", [outer])
        for method in (getattr(route, "methods", None) or {"GET"})
    }
    assert {"/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/heartbeat/x"} <= {
        p for _, p in found
    }
    return found


def test_every_call_and_every_route_of_gradio_is_closed(script: httpx.Client) -> None:
    calls = {
        (method.upper(), f"/api/v1{re.sub('{[^}]*}', 'x', path)}")
        for path, methods in CALLS.items()
        for method in methods
    }
    pages = {
        ("GET", path) for path in ("/", "/docs", "/openapi.json", "/api/v1/openapi.json", "/page/x/main.js")
    }
    asked = {each for each in calls | routes_of_gradio() | pages if each[1] not in OPEN}
    assert len(asked) > 150
    answers = {each: script.request(*each).status_code for each in sorted(asked)}
    assert set(answers.values()) == {401}, {each: code for each, code in answers.items() if code != 401}


def test_pages_lead_to_the_login_page_whose_files_are_all_in_it(script: httpx.Client) -> None:
    for path in ("/", "/?x=y", "/docs", "/config"):
        answer = script.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    form = script.get("/login?here").text
    assert "src=" not in form
    assert "<link" not in form


def test_an_upgrade_to_a_websocket_is_refused(script: httpx.Client) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = script.get("/gradio_api/queue/join", headers=upgrade | {"Sec-WebSocket-Key": "x" * 22 + "=="})
    assert answer.status_code == 401


def test_health_tells_strangers_less(script: httpx.Client, own_key: dict[str, str]) -> None:
    stranger, owner = (
        script.get("/api/v1/health").json(),
        script.get("/api/v1/health", headers=own_key).json(),
    )
    assert {"status", "version", "device", "queue_length"} <= set(stranger)
    assert (stranger["held"], stranger["worker"]["hardware"]) == (None, None)
    assert owner["worker"]["hardware"]


def test_a_login_by_rest_lasts_until_the_logout(script: httpx.Client) -> None:
    assert script.post("/api/v1/login", json={"password": "wrong"}).status_code == 401
    assert script.post("/api/v1/login", json={"password": "x" * 2000}).status_code == 422
    assert PASSWORD not in script.post("/api/v1/login", json={"passwort": PASSWORD}).text
    inside = script.post("/api/v1/login", json={"password": PASSWORD})
    assert inside.status_code == 204
    assert script.get("/api/v1/models").status_code == 200
    about = script.get("/api/v1/door").json()
    assert about["closed"]
    assert 29 < (about["session_until"] - time.time()) / 86_400 <= 30
    cookies = dict(script.cookies)
    gone = script.post("/api/v1/logout")
    assert gone.headers["clear-site-data"] == '"cache"'
    assert "Max-Age=0" in gone.headers["set-cookie"]
    script.cookies.update(cookies)
    assert script.get("/api/v1/models").status_code == 401


def test_logging_out_everywhere_ends_every_session(script: httpx.Client, closed: StudioProcess) -> None:
    other = httpx.Client(base_url=closed.url, trust_env=False)
    for each in (script, other):
        assert each.post("/api/v1/login", json={"password": PASSWORD}).status_code == 204
    script.post("/api/v1/logout", params={"everywhere": True})
    assert other.get("/api/v1/models").status_code == 401


def test_tokens_are_made_listed_and_revoked_by_who_knows_the_password(
    script: httpx.Client, closed: StudioProcess
) -> None:
    home = closed.url
    assert script.post("/api/v1/login", json={"password": PASSWORD}).status_code == 204
    made = script.post("/api/v1/tokens", json={"name": "by rest", "days": 1}).json()
    assert made["token"].startswith("lk_")
    listed = script.get("/api/v1/tokens")
    assert made["token"] not in listed.text
    assert "by rest" in [each["name"] for each in listed.json()]
    assert script.post("/api/v1/tokens", json={"name": "by rest"}).status_code == 409
    assert script.post("/api/v1/tokens", json={"name": ""}).status_code == 422
    with httpx.Client(base_url=script.base_url, trust_env=False) as bearer:
        bearer.headers["Authorization"] = f"Bearer {made['token']}"
        assert bearer.get("/api/v1/models").status_code == 200
        assert bearer.get("/api/v1/tokens").status_code == 403
        assert bearer.post("/api/v1/tokens", json={"name": "more"}).status_code == 403
        assert bearer.post("/api/v1/logout", params={"everywhere": True}).status_code == 403
        opened = bearer.post("/api/v1/login", json={"password": made["token"]}, headers={"Authorization": ""})
        cookie = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
        assert httpx.get(f"{home}/api/v1/tokens", headers=cookie, trust_env=False).status_code == 403
        assert script.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
        assert bearer.get("/api/v1/models").status_code == 401
        assert httpx.get(f"{home}/api/v1/models", headers=cookie, trust_env=False).status_code == 401
    assert script.delete(f"/api/v1/tokens/{made['id']}").status_code == 404


def test_the_shell_sends_a_token(
    closed: StudioProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = token(closed, capsys, "shell")
    path = tmp_path / "token.txt"
    path.write_text(made + "\n")
    there = ["models", "--url", closed.url]
    assert main([*there, "--token-file", str(path)]) == 0
    monkeypatch.setenv("LIKENESS_TOKEN", made)
    assert main(there) == 0
    monkeypatch.setenv("LIKENESS_TOKEN", made[:-1])
    assert main(there) == 4
    assert "unknown, revoked or has expired" in capsys.readouterr().err
    monkeypatch.delenv("LIKENESS_TOKEN", raising=False)
    assert main(there) == 4
    assert "LIKENESS_TOKEN" in capsys.readouterr().err
    assert main(["models", "--data-dir", str(closed.data_dir)]) == 0


@pytest.mark.parametrize(
    "url", ["http://a:b@127.0.0.1:1", "http://127.0.0.1:1/?token=abc123", "127.0.0.1", "http://["]
)
def test_the_shell_takes_no_secret_in_an_address(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--url", url]) == 2
    said = capsys.readouterr()
    assert "abc123" not in said.err
    assert "a:b" not in said.err


def test_tokens_at_the_terminal(closed: StudioProcess, capsys: pytest.CaptureFixture[str]) -> None:
    made = token(closed, capsys, "terminal", "--days", "9")
    here = ("--data-dir", str(closed.data_dir))
    assert main(["token", "list", *here]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"[0-9a-f]{8}  until \d{4}-\d\d-\d\d +terminal", listed)
    assert made not in listed
    assert main(["token", "add", "terminal", *here]) == 2
    assert "already" in capsys.readouterr().err
    bearer = {"Authorization": f"Bearer {made}"}
    assert httpx.get(f"{closed.url}/api/v1/models", headers=bearer, trust_env=False).status_code == 200
    assert main(["token", "revoke", "terminal", *here]) == 0
    assert httpx.get(f"{closed.url}/api/v1/models", headers=bearer, trust_env=False).status_code == 401
    assert main(["token", "revoke", "terminal", *here]) == 2


def test_the_ready_line_names_the_address_for_the_phone(
    closed: StudioProcess, own_key: dict[str, str]
) -> None:
    port = closed.url.rsplit(":", 1)[1]
    words = re.fullmatch(
        r"Likeness is ready at http://127.0.0.1:\d+(?: \(on your phone: (\S+)\))?\n", closed.output
    )
    assert words
    about = httpx.get(f"{closed.url}/api/v1/door", headers=own_key, trust_env=False).json()
    assert about["address"] == words[1]
    if words[1] is None:
        return  # a machine without any network: nothing can reach it
    assert words[1].endswith(f":{port}")
    drawn = httpx.get(f"{words[1]}/api/v1/door/qr", headers=own_key, trust_env=False)
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.text.startswith("<svg")


def test_a_foreign_name_is_told_what_to_do_with_the_right_port(closed: StudioProcess) -> None:
    answer = httpx.get(f"{closed.url}/", headers={"Host": "mypc.local:1234"}, trust_env=False)
    assert answer.status_code == 400
    assert f"Open it as {closed.url} instead" in answer.json()["detail"]
    assert "start it with --name mypc.local." in answer.json()["detail"]


def test_no_secret_is_ever_said(closed: StudioProcess, capsys: pytest.CaptureFixture[str]) -> None:
    made = token(closed, capsys, "said")
    for path in (f"/?token={made}", f"/{made}", f"/api/v1/images/{made}"):
        answer = httpx.get(f"{closed.url}{path}", trust_env=False)
        assert answer.status_code == 400
        assert made not in answer.text
    said = closed.output + closed.errors
    kept = (closed.data_dir / "door.json").read_text()
    for secret in (PASSWORD, made, made[12:]):
        assert secret not in said
        assert secret not in kept


def test_who_cannot_be_asked_is_told_what_to_do(tmp_path: Path) -> None:
    done = run_app("--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert_one_clear_line(done, "--password-file", "LIKENESS_PASSWORD", "--open-to-everyone")


def test_https_is_served_and_the_shell_knows_the_certificate(tmp_path: Path, tiny_models_yaml: Path) -> None:
    options = ("--tls-cert", str(CERTIFICATE), "--no-open")
    with running_studio(tmp_path / "data", tiny_models_yaml, *options) as studio:
        assert studio.output == f"Likeness is ready at {studio.url}\n"
        assert studio.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
        assert httpx.get(f"{studio.url}/api/v1/health", verify=trusting, trust_env=False).status_code == 200
        assert main(["models", "--data-dir", str(studio.data_dir)]) == 0
        assert main(["models", "--url", studio.url, "--tls-cert", str(CERTIFICATE)]) == 0
        assert main(["models", "--url", studio.url]) == 3


def test_a_flood_of_guesses_opens_nothing_and_costs_little(closed: StudioProcess) -> None:
    """As fast as one connection can: what ten thousand a minute would cost is reckoned from it."""
    process, tries = psutil.Process(closed.process.pid), 1500
    before = sum(process.cpu_times()[:2])
    connection = http.client.HTTPConnection("127.0.0.1", int(closed.url.rsplit(":", 1)[1]), timeout=60)
    told = {"X-Forwarded-For": "203.0.113.66"}
    codes: list[int] = []
    for n in range(tries):
        guess = (
            PASSWORD if n >= 100 else f"guess number {n}"
        )  # slowed down, even the right one is not looked at
        connection.request(
            "POST",
            "/api/v1/login",
            f'{{"password": "{guess}"}}',
            {"Content-Type": "application/json", **told},
        )
        answer = connection.getresponse()
        answer.read()
        codes.append(answer.status)
    connection.close()
    seconds = sum(process.cpu_times()[:2]) - before
    assert set(codes[:100]) == {401, 429}
    assert codes[:100].count(401) <= 6
    assert codes[100:].count(204) <= 3
    assert seconds / tries * 10_000 < 60 * 0.75, f"{seconds:.1f} s of the processor for {tries} tries"
    assert httpx.get(f"{closed.url}/api/v1/health", trust_env=False).status_code == 200


def test_a_changed_password_ends_sessions_while_the_studio_runs(
    tmp_path: Path,
    closed: StudioProcess,
    script: httpx.Client,
    capsys: pytest.CaptureFixture[str],
    own_key: object,
) -> None:
    assert script.post("/api/v1/login", json={"password": PASSWORD}).status_code == 204
    with script.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id:")
        other = tmp_path / "other"
        other.write_text("another horse battery")
        assert main(["password", "--password-file", str(other), "--data-dir", str(closed.data_dir)]) == 0
        began = time.monotonic()
        for _ in lines:
            pass
        assert time.monotonic() - began < 25
    assert script.get("/api/v1/models").status_code == 401


# --- assistants ---------------------------------------------------------------------------------


def test_an_assistant_needs_a_key_at_the_address_and_brings_its_own_over_a_pipe(
    closed: StudioProcess, own_key: dict[str, str]
) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accepts = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(f"{closed.url}/mcp", json=call, headers=accepts).status_code == 401

    async def at_address() -> list[str]:
        async with (
            httpx2.AsyncClient(headers=own_key) as http,
            Client(streamable_http_client(f"{closed.url}/mcp", http_client=http)) as client,
        ):
            return [tool.name for tool in (await client.list_tools()).tools]

    async def over_pipe() -> bool:
        arguments = ["app.py", "mcp", "--data-dir", str(closed.data_dir)]
        started = StdioServerParameters(command=sys.executable, args=arguments, cwd=str(ROOT))
        async with Client(stdio_client(started)) as client:
            return (await client.call_tool("list_models", {})).is_error

    assert "refine" in finish(at_address())
    assert not finish(over_pipe())


@pytest.mark.posix("needs a terminal of this kind")
def test_the_first_start_at_a_terminal_asks_and_shows_nothing(tmp_path: Path) -> None:
    import pty

    program, terminal = pty.fork()
    if program == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "app.py", "password", "--data-dir", str(tmp_path / "data")])
    said = b""
    for typed in ("short", PASSWORD, "not the same", PASSWORD, PASSWORD):
        said += _until(terminal, b": ")
        os.write(terminal, f"{typed}\n".encode())
    said += _until(terminal, b"log in again")
    assert os.waitpid(program, 0)[1] == 0
    os.close(terminal)
    assert b"needs 10 characters or more" in said
    assert b"The two are not the same" in said
    assert PASSWORD.encode() not in said
    assert b"not the same\r\n" not in said.replace(b"The two are not the same.\r\n", b"")
    kept = KeyFile(tmp_path / "data" / "door.json").keys().password
    assert kept
    assert matches(PASSWORD, kept.record)


def _until(terminal: int, end: bytes) -> bytes:
    said = b""
    while end not in said:
        said += os.read(terminal, 1024)
    return said
