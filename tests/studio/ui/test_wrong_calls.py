"""Calls of Gradio's routes that no page makes: answered in words, without a traceback in the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.gradio_sessions import keep_sessions
from studio.ui import wrong_calls

REPEATED = "Caught handled exception"


def break_down() -> None:
    raise MemoryError


@pytest.fixture(scope="module")
def page() -> Iterator[TestClient]:
    with gr.Blocks() as blocks:
        text, button = gr.Textbox(), gr.Button("press")
        button.click(str.upper, text, text, api_name="press")
        button.click(None, text, text, js="text => text", api_name="browser")
    blocks.queue()
    keep_sessions(blocks)
    wrong_calls.refuse_wrong_inputs(blocks)
    app = FastAPI()
    app.get("/own")(break_down)
    mounted = gr.mount_gradio_app(app, blocks, path="/", show_error=False)
    wrong_calls.tell_in_words(mounted)
    with TestClient(mounted) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/gradio_api/call/nobody", b'{"data": []}'),
        ("POST", "/gradio_api/call/v2/nobody", b"{}"),
        ("POST", "/gradio_api/run/nobody", b'{"data": []}'),
        ("POST", "/gradio_api/cancel", b'{"event_id": "\\ud800"}'),
        ("GET", "/static/" + "a" * 300, b""),
    ],
)
def test_what_gradio_does_not_expect_is_refused_in_words(
    page: TestClient, caplog: pytest.LogCaptureFixture, method: str, path: str, body: bytes
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = page.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "Load the page again" in answer.json()["detail"]) == (400, True)
    (told,) = caplog.records
    assert (told.exc_info, len(told.getMessage()) < 400) == (None, True)


@pytest.mark.parametrize(
    "path", ["call/press/nobody", "call/v2/press/nobody", "queue/data?session_hash=nobody"]
)
def test_a_stream_of_nobody_ends(page: TestClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    with caplog.at_level(logging.WARNING):
        assert page.get(f"/gradio_api/{path}").status_code in (200, 404)
    assert not [each for each in caplog.records if each.exc_info or REPEATED in each.getMessage()]


@pytest.mark.parametrize("data", ["[]", '["a", 1, 2]', "[{}]", "[[]]"])
def test_a_call_with_other_inputs_than_its_function_takes_is_refused(
    page: TestClient, capfd: pytest.CaptureFixture[str], data: str
) -> None:
    body = f'{{"data": {data}}}'.encode()
    answer = page.post("/gradio_api/run/press", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500 or answer.json().get("error") or answer.json().get("detail")
    assert "Traceback" not in capfd.readouterr().err


def test_what_the_browser_does_by_itself_is_no_call(
    page: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = page.post("/gradio_api/run/browser", json={"data": ["a"]})
    assert answer.status_code == 404 or "Load the page again" in answer.text
    answer = page.post("/gradio_api/run/nobody", json={"data": ["a"], "fn_index": 1})
    assert "Load the page again" in answer.text
    assert "Traceback" not in capfd.readouterr().err


def test_what_is_asked_as_the_page_does_is_answered(page: TestClient) -> None:
    assert page.post("/gradio_api/run/press", json={"data": ["red"]}).json()["data"] == ["RED"]
    assert page.get("/").status_code == 200
    with pytest.raises(MemoryError):  # of the studio's own calls others take care
        page.get("/own")
