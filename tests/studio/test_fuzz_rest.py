"""Nothing that can be sent makes REST answer 500. `python -m tests.studio.fuzz_rest` tries more of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.harness import StudioProcess, running_studio
from tests.studio import fuzz_rest
from tests.studio.fixtures import picture

CALLS = 400


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    """One of its own: what is tried changes whatever it can."""
    folder = tmp_path_factory.mktemp("fuzz")
    with running_studio(folder / "data", tiny_models_yaml) as studio:
        for seed in range(3):
            (folder / "portrait.png").write_bytes(picture(seed))
            studio.upload(folder / "portrait.png")
        for path, name in (("/characters", "Ada"), ("/designs", "Ink")):
            assert studio.api("POST", path, json={"name": name}).status_code == 201
        studio.submit(prompt="a portrait", num_inference_steps=1)
        yield studio


def test_odd_calls_are_refused_or_answered(studio: StudioProcess) -> None:
    seen: set[int] = set()
    with httpx.Client(base_url=studio.url, timeout=60, trust_env=False) as client:
        for call, status, text in fuzz_rest.tried(client, CALLS):
            assert status < 500, f"{call}: {text}"
            seen.add(status)
    assert {200, 404, 422} <= seen
    assert "Traceback" not in studio.errors


@pytest.mark.parametrize("folder", ["\0", "a\0b", "\ud800", "x" * 5000, "/" * 5000, 7, None, [], {"a": 1}])
def test_odd_folders_are_refused(studio: StudioProcess, folder: object) -> None:
    body = json.dumps({"folder": folder}).encode()
    answer = studio.api("POST", "/imports", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500 or folder == "/" * 5000, answer.text
    assert answer.status_code < 500


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"\xff\xfe"),
        ("application/json", b'{"a":' * 100_000),
        ("application/json", b"[" * 200_000),
        ("application/json", b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}"),
        ("application/json", b'{"prompt": "a", "guidance_scale": NaN}'),
        ("application/json", b'{"prompt": "a", "guidance_scale": 1e400}'),
        ("application/json; charset=nonsense", b"{}"),
        ("application/json; charset=utf-16", "{}".encode("utf-16")),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\n" * 3000),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--x--\r\n',
        ),
        ("application/x-www-form-urlencoded", b"file=%00&" * 5000),
        ("text/plain", b"x"),
    ],
)
def test_odd_bodies_are_refused(studio: StudioProcess, content_type: str, body: bytes) -> None:
    for path in ("/jobs", "/images", "/images/bulk", "/export", "/characters", "/characters/import"):
        answer = studio.api("POST", path, content=body, headers={"Content-Type": content_type})
        assert 400 <= answer.status_code < 500, f"{path}: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "value", [r'"\ud800"', r'"a\udfff b"', "9" * 400, "9" * 4299, "-" + "9" * 400, "[" * 900 + "]" * 900]
)
def test_odd_values_of_a_single_field_are_refused(studio: StudioProcess, value: str) -> None:
    image = studio.api("GET", "/images?limit=1").json()["items"][0]["id"]
    for method, path, field in (
        ("PUT", "/models/defaults/img2img", "model"),
        ("POST", f"/images/{image}/fix-face", "seed"),
        ("POST", f"/images/{image}/fix-face", "model"),
    ):
        body = f'{{"{field}": {value}}}'.encode()
        answer = studio.api(method, path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, f"{path}: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
