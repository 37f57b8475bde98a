"""An assistant at work: the protocol's own client, at a studio's address and over a pipe."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image

from studio.settings import ROOT
from tests.coroutines import finish
from tests.e2e.harness import StudioProcess

QUICK = {"num_inference_steps": 2, "guidance_scale": 1.0, "finish": None, "width": 64, "height": 64}
TOOLS = {
    "list_models", "list_characters", "submit", "status", "result", "refine", "compare", "lineage", "search",
    "advise", "cancel",
}  # fmt: skip
Work = Callable[[Client], Awaitable[Any]]


@pytest.fixture
def at_address(rest: StudioProcess) -> Callable[[Work], Any]:
    def run(work: Work) -> Any:
        async def connected() -> Any:
            async with Client(f"{rest.url}/mcp") as client:
                return await work(client)

        return finish(connected())

    return run


@pytest.fixture
def over_pipe(rest: StudioProcess) -> Callable[[Work], Any]:
    def run(work: Work) -> Any:
        arguments = ["app.py", "mcp", "--url", rest.url]
        started = StdioServerParameters(command=sys.executable, args=arguments, cwd=str(ROOT))

        async def connected() -> Any:
            async with Client(stdio_client(started)) as client:
                return await work(client)

        return finish(connected())

    return run


@pytest.fixture(params=["at_address", "over_pipe"])
def assistant(request: pytest.FixtureRequest) -> Callable[[Work], Any]:
    return request.getfixturevalue(request.param)


def words(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def answer(result: CallToolResult) -> Any:
    assert not result.is_error, words(result)
    return json.loads(words(result))


async def drawn(client: Client, prompt: str, **more: Any) -> CallToolResult:
    arguments = {"prompt": prompt, "model": "tiny", "settings": QUICK, "wait": True}
    return await client.call_tool("submit", arguments, **more)


def test_a_picture_is_asked_for_seen_refined_and_traced(
    assistant: Callable[[Work], Any], rest: StudioProcess
) -> None:
    async def work(client: Client) -> None:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        told: list[tuple[float, float | None, str | None]] = []

        async def progress(done: float, of: float | None, said: str | None) -> None:
            told.append((done, of, said))

        first = await drawn(client, "an assistant's portrait", progress_callback=progress)
        [made] = answer(first)["images"]
        assert told[-1][2] == "done"
        [seen] = [block for block in first.content if isinstance(block, ImageContent)]
        stored = rest.api("GET", f"/images/{made['id']}/file").content
        assert base64.b64decode(seen.data) == stored
        [link] = [block for block in first.content if isinstance(block, ResourceLink)]
        [whole] = (await client.read_resource(link.uri)).contents
        assert base64.b64decode(whole.blob) == stored  # pyright: ignore[reportAttributeAccessIssue]

        second = await client.call_tool(
            "refine", {"image_id": made["id"], "sentence": "give her a hat", "model": "tiny"}
        )
        [child] = answer(second)["images"]
        assert child["made_from"] == [made["id"]]
        family = (await client.call_tool("lineage", {"image_id": child["id"]})).structured_content or {}
        assert {node["id"] for node in family["family"]} == {made["id"], child["id"]}
        compared = (await client.call_tool("compare", {"image_id": child["id"]})).structured_content or {}
        assert any("give her a hat" in change for change in compared["changes"])
        found = await client.call_tool("search", {"words": "assistant's portrait", "limit": 1})
        assert made["id"] in words(found)
        assert "outcomes" in words(await client.call_tool("advise", {"image_id": child["id"]}))

    assistant(work)


def test_a_job_is_followed_and_its_pictures_are_fetched_later(at_address: Callable[[Work], Any]) -> None:
    async def work(client: Client) -> None:
        asked = {"prompt": "later", "model": "tiny", "settings": QUICK, "number": 2}
        queued = answer(await client.call_tool("submit", asked))
        assert queued["status"] in ("queued", "running")
        result = await client.call_tool("result", {"job_id": queued["id"]})
        assert len(answer(result)["images"]) == 2
        [one, _] = [block for block in result.content if isinstance(block, ImageContent)]
        with Image.open(io.BytesIO(base64.b64decode(one.data))) as picture:
            assert picture.size == (64, 64)
        told = (await client.call_tool("status", {"job_id": queued["id"]})).structured_content or {}
        assert told["status"] == "done"

    at_address(work)


def test_who_gives_up_waiting_cancels_what_was_asked_for(
    at_address: Callable[[Work], Any], rest: StudioProcess
) -> None:
    async def work(client: Client) -> str:
        with rest.worker_held():
            with anyio.move_on_after(3):
                await drawn(client, "nobody waits for this one")
            jobs = rest.api("GET", "/jobs").json()
            return next(job["id"] for job in jobs if job["request"]["prompt"].startswith("nobody waits"))

    job = at_address(work)
    assert rest.finished(job)["status"] == "cancelled"


def test_who_only_looks_for_a_result_cancels_nothing(
    at_address: Callable[[Work], Any], rest: StudioProcess
) -> None:
    async def work(client: Client) -> str:
        with rest.worker_held():
            asked = {"prompt": "patience", "model": "tiny", "settings": QUICK}
            queued = answer(await client.call_tool("submit", asked))
            with anyio.move_on_after(1):
                await client.call_tool("result", {"job_id": queued["id"]})
            return queued["id"]

    assert rest.finished(at_address(work))["status"] == "done"


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("refine", {"image_id": "0" * 32, "sentence": "red hair"}, "not in the collection"),
        ("refine", {"image_id": "../../etc/passwd", "sentence": "red hair"}, "pattern"),
        ("submit", {"prompt": "x", "model": "nowhere"}, "nowhere"),
        ("submit", {"prompt": "x", "settings": {"num_inference_steps": 10**9}}, "num_inference_steps"),
        ("submit", {"prompt": "x" * 1_000_000}, "prompt"),
        ("advise", {}, "one of them"),
        ("status", {"job_id": "abcdef12"}, "job"),
        ("delete_everything", {}, "delete_everything"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    tool: str, arguments: dict[str, Any], said: str, at_address: Callable[[Work], Any]
) -> None:
    async def work(client: Client) -> CallToolResult:
        return await client.call_tool(tool, arguments)

    try:
        told = words(at_address(work))
    except* MCPError as errors:
        told = str(errors.exceptions[0])
    assert said.lower() in told.lower()
    assert len(told) < 3000


def test_what_is_not_there_is_refused_with_one_line_in_the_log(
    at_address: Callable[[Work], Any], rest: StudioProcess
) -> None:
    before = len(rest.errors)

    async def work(client: Client) -> None:
        with pytest.raises(MCPError):
            await client.get_prompt("nobody", {})
        with pytest.raises(MCPError, match="not in the collection"):
            await client.read_resource("likeness://images/nobody")

    at_address(work)
    said = rest.errors[before:]
    assert "Unknown prompt: nobody" in said
    assert "Traceback" not in said


def test_ten_megabytes_of_words_are_refused_over_a_pipe(over_pipe: Callable[[Work], Any]) -> None:
    async def work(client: Client) -> tuple[CallToolResult, CallToolResult]:
        too_much = await client.call_tool("submit", {"prompt": "x" * 10_000_000})
        return too_much, await client.call_tool("list_models", {})

    refused, after = over_pipe(work)
    assert refused.is_error
    assert len(words(refused)) < 3000
    assert "Tiny Portrait" in words(after)


def test_nothing_it_offers_deletes_or_reads_files(at_address: Callable[[Work], Any]) -> None:
    async def work(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert not [tool.name for tool in tools if tool.annotations and tool.annotations.destructive_hint]
        assert not [tool.name for tool in tools if "path" in json.dumps(tool.input_schema)]
        with pytest.raises(MCPError):
            await client.read_resource("file:///etc/passwd")

    at_address(work)


def test_a_studio_without_the_package_says_what_to_install(tmp_path: Path) -> None:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from studio.api import assistants

    app = FastAPI()
    assistants.add_assistants(app, assistants.Assistants(lambda: app))
    with pytest.MonkeyPatch.context() as patched, TestClient(app) as client:
        patched.setitem(sys.modules, "mcp.server.transport_security", None)
        answered = client.post("/mcp", json={})
    assert answered.status_code == 501
    assert re.search(r'-m pip install -e ".*\[mcp\]"', answered.json()["detail"])


def test_a_server_that_ends_does_not_wait_for_assistants(rest: StudioProcess) -> None:
    del rest
    started = time.monotonic()
    from fastapi import FastAPI

    from studio.api.assistants import Assistants

    finish(Assistants(FastAPI).close())
    assert time.monotonic() - started < 5
