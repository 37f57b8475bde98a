"""Many tabs of one browser on another computer: plain http, where a browser has no locks between tabs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.e2e.harness import ELSEWHERE, StudioProcess, running_studio

TABS = 7
"""One more than the connections a browser opens to one server."""
ASK = """async () => {
  const answer = await fetch("/api/v1/health", { cache: "no-store", signal: AbortSignal.timeout(30000) });
  return answer.status;
}"""


@pytest.fixture
def lan_studio(tmp_path: Path, tiny_models_yaml: Path) -> Iterator[StudioProcess]:
    with running_studio(
        tmp_path / "data", tiny_models_yaml, "--host", "0.0.0.0", "--open-to-everyone"
    ) as studio:
        yield studio


def listening(pages: list[Page]) -> list[Page]:
    return [page for page in pages if page.evaluate("likeness.listens()")]


def one_listens(pages: list[Page], seconds: float = 60) -> Page:
    """The only tab that listens, once it is the only one."""
    deadline = time.monotonic() + seconds
    while len(found := listening(pages)) != 1:
        assert time.monotonic() < deadline, f"{len(found)} of {len(pages)} tabs listen"
        pages[0].wait_for_timeout(200)
    return found[0]


def test_tabs_from_another_computer_share_one_stream(
    context: BrowserContext, lan_studio: StudioProcess
) -> None:
    home = f"http://{ELSEWHERE}:{lan_studio.url.rpartition(':')[2]}"
    pages: list[Page] = []
    for _ in range(TABS):
        page = context.new_page()
        pages.append(page)
        page.goto(home)
        page.wait_for_selector("body.lk-ready")
        page.wait_for_function("likeness.snapshot")
        assert page.evaluate("[isSecureContext, 'locks' in navigator]") == [False, False]
        assert page.evaluate(ASK) == 200
    first = one_listens(pages)
    job = lan_studio.submit(prompt="seen in every tab", num_inference_steps=2)
    seen = f"likeness.snapshot.jobs.some((job) => job.id === '{job['id']}')"
    for page in pages:
        page.wait_for_function(seen)
    first.close()
    pages.remove(first)
    one_listens(pages)
    later = [lan_studio.submit(prompt=f"number {n}", num_inference_steps=3) for n in range(4)]
    lan_studio.api("POST", f"/jobs/{later[2]['id']}/cancel")
    for each in (job, *later):
        lan_studio.finished(each["id"])
    for page in pages:
        same_as_the_studio(page, lan_studio)


def same_as_the_studio(page: Page, studio: StudioProcess) -> None:
    """What changes have made of the first snapshot is what a fresh one says."""
    with httpx.stream("GET", f"{studio.url}/api/v1/events", trust_env=False, timeout=60) as answer:
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
    snapshot = json.loads(data.removeprefix("data: "))
    page.wait_for_function("(version) => likeness.snapshot.version >= version", arg=snapshot["version"])
    assert page.evaluate("likeness.snapshot") == snapshot
