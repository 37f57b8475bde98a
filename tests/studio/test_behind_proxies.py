"""The studio below a path of https, behind nginx and Caddy: skipped where they are missing."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.e2e.harness import StudioProcess, running_studio
from tests.proxies import CERTIFICATE, KINDS, proxy_before, proxy_or_skip

PASSWORD = "correct horse battery"
NAME = "studio.example.org"


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    proxy_or_skip(request.param)
    return request.param


@pytest.fixture(scope="module")
def below(
    tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path, kind: str
) -> Iterator[StudioProcess]:
    folder = tmp_path_factory.mktemp("below")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    options = ("--trusted-proxy", "127.0.0.1", "--name", NAME, "--root-path", "/likeness")
    with running_studio(
        folder / "data", tiny_models_yaml, *options, "--password-file", str(secret)
    ) as studio:
        yield studio


@pytest.fixture(params=[False, True], ids=["keeps the path", "takes it out"])
def browser(
    request: pytest.FixtureRequest, below: StudioProcess, kind: str, tmp_path: Path
) -> Iterator[httpx.Client]:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    with (
        proxy_before(kind, below.url, tmp_path, strips=request.param) as url,
        httpx.Client(base_url=url, verify=trusting, trust_env=False, timeout=60) as client,
    ):
        yield client


@pytest.fixture
def inside(browser: httpx.Client, below: StudioProcess) -> httpx.Client:
    """One that is let in by the key for commands: logins are few."""
    key = (below.data_dir / "likeness.address").read_text().split("\n")[1]
    browser.headers["Authorization"] = f"Bearer {key}"
    return browser


def test_the_ready_line_has_the_path(below: StudioProcess) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/likeness/", below.url)


def test_a_browser_logs_in_below_the_path_over_https(browser: httpx.Client) -> None:
    page = {"Accept": "text/html"}
    assert browser.get("", headers=page).headers["location"] == "/likeness/login"
    form = browser.get("login?here").text
    assert 'action="/likeness/login"' in form
    assert "not encrypted" not in form
    answer = browser.post("login", data={"password": PASSWORD})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/likeness/"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Secure-likeness-")
    assert "Path=/likeness/;" in cookie
    assert cookie.endswith("; Secure")
    assert browser.get("", headers=page).status_code == 200


def test_the_page_finds_gradio_and_its_own_files(inside: httpx.Client) -> None:
    text = inside.get("").text
    home = str(inside.base_url).rstrip("/")
    root = json.loads(re.search(r'"root":("[^"]*")', text)[1])  # type: ignore[index]
    assert root == home
    style = re.findall(r"page/\w+/styles/likeness\.css", text)[0]
    assert inside.get(style).headers["content-type"].startswith("text/css")
    assert inside.get("config").json()["root"] == home
    assert inside.get("gradio_api/info").status_code == 200


def test_pictures_go_in_and_out(inside: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.effect_noise((1500, 1500), 90).save(path)
    assert path.stat().st_size > 2 * 2**20
    with path.open("rb") as file:
        record = inside.post("api/v1/images", files={"file": ("noise.png", file)}).json()
    assert inside.get(f"api/v1/images/{record['id']}/file").content == path.read_bytes()


def test_events_come_as_they_happen(inside: httpx.Client) -> None:
    with inside.stream("GET", "api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id:")
        inside.post("api/v1/queue/pause")
        assert any('"paused":true' in line for line in lines)
    inside.post("api/v1/queue/resume")


def test_who_asks_is_known_by_address_whatever_they_say(browser: httpx.Client) -> None:
    """All come from 127.0.0.1 here; what they claim to be is written over or not looked at."""
    codes = [
        browser.post(
            "login", data={"password": "wrong password"}, headers={"X-Forwarded-For": f"203.0.113.{n}"}
        ).status_code
        for n in range(40)
    ]
    assert codes.count(401) <= 6


def test_the_name_and_the_address_for_the_phone(below: StudioProcess, kind: str, tmp_path: Path) -> None:
    key = (below.data_dir / "likeness.address").read_text().split("\n")[1]
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    with proxy_before(kind, below.url, tmp_path) as url:
        headers = {"Host": f"{NAME}:8443", "Authorization": f"Bearer {key}"}
        about = httpx.get(f"{url}api/v1/door", headers=headers, verify=trusting, trust_env=False).json()
        assert about["address"] == f"https://{NAME}:8443/likeness/"
        headers["Host"] = "elsewhere.example"
        refused = httpx.get(f"{url}api/v1/door", headers=headers, verify=trusting, trust_env=False)
        assert refused.status_code == 400
        assert "--name elsewhere.example" in refused.json()["detail"]
