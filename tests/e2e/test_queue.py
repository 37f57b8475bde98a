"""Steering the queue in the browser: pause, order, clear and take back, try again, repeat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import invent

pytestmark = pytest.mark.shared_page

QUICK = {"model": "tiny", "num_inference_steps": 1, "width": 64, "height": 64}


@pytest.fixture
def paused(page: Page, studio_server: StudioProcess) -> Iterator[Page]:
    page.locator("#tab-queue").click()
    page.locator("#queue-pause").click()
    expect(page.locator("#queue-pause")).to_have_text("Go on")
    yield page
    studio_server.api("POST", "/queue/clear")
    studio_server.api("POST", "/queue/resume")


def waiting(page: Page) -> list[str]:
    return page.locator("[data-section=queued] .out-job-prompt").all_inner_texts()


def row(page: Page, prompt: str) -> object:
    return page.locator("[data-job]", has_text=prompt)


def expect_order(page: Page, *prompts: str) -> None:
    expect(page.locator("[data-section=queued] .out-job-prompt")).to_have_text(list(prompts))


def ask(studio: StudioProcess, *prompts: str) -> None:
    for prompt in prompts:
        studio.submit(**QUICK, prompt=prompt)


@pytest.mark.own_page
def test_a_pause_is_told_and_ended_from_the_studio(paused: Page, studio_server: StudioProcess) -> None:
    ask(studio_server, "alpha picture")
    expect_order(paused, "alpha picture")
    expect(paused.locator(".out-queue-paused")).to_contain_text("nothing else begins")
    paused.reload()
    paused.locator("#tab-studio").click()
    strip = paused.locator(".out-queue-strip")
    expect(strip.locator(".out-queue-count")).to_have_text("Paused: 1 waiting")
    strip.get_by_role("button", name="Go on").click()
    paused.locator("#tab-queue").click()
    expect(paused.locator("#queue-pause")).to_have_text("Pause")
    expect(paused.locator("[data-section=ended] [data-job]", has_text="alpha picture").first).to_contain_text(
        "Done"
    )


def test_waiting_jobs_are_ordered_by_button_keys_and_drag(paused: Page, studio_server: StudioProcess) -> None:
    ask(studio_server, "one", "two", "three")
    expect_order(paused, "one", "two", "three")
    rows = paused.locator("[data-section=queued] [data-job]")
    rows.filter(has_text="three").get_by_role("button", name="Run this job next").click()
    expect_order(paused, "three", "one", "two")
    handle = rows.filter(has_text="three").get_by_role("button", name="Move this job")
    handle.focus()
    paused.keyboard.press("ArrowDown")
    expect_order(paused, "one", "three", "two")
    paused.keyboard.press("ArrowDown")
    expect_order(paused, "one", "two", "three")
    expect(handle).to_be_focused()
    paused.keyboard.press("ArrowUp")
    expect_order(paused, "one", "three", "two")
    rows.filter(has_text="two").drag_to(rows.filter(has_text="one"))
    expect_order(paused, "two", "one", "three")


def test_what_was_cleared_comes_back(paused: Page, studio_server: StudioProcess) -> None:
    ask(studio_server, "kept one", "kept two")
    expect_order(paused, "kept one", "kept two")
    paused.get_by_role("button", name="Clear what waits").click()
    expect(paused.locator("[data-section=queued] [data-job]")).to_have_count(0)
    paused.get_by_role("button", name="Undo").click()
    expect_order(paused, "kept one", "kept two")


def test_a_cancelled_job_is_tried_again_and_one_that_waits_repeats(
    paused: Page, studio_server: StudioProcess
) -> None:
    ask(studio_server, "again please")
    expect_order(paused, "again please")
    paused.locator("[data-section=queued] [data-job]").get_by_role("button", name="Cancel this job").click()
    ended = paused.locator("[data-section=ended] [data-job]", has_text="again please").first
    ended.get_by_role("button", name="Try again").click()
    expect_order(paused, "again please")
    repeat = paused.locator("[data-section=queued] [data-job]").get_by_role(
        "button", name="Repeat with new seeds"
    )
    repeat.click()
    expect(repeat).to_have_attribute("aria-pressed", "true")
    repeat.click()
    expect(repeat).to_have_attribute("aria-pressed", "false")


def test_several_workers_are_counted_and_each_job_says_whose_it_is(
    page: Page, studio_server: StudioProcess
) -> None:
    """What a studio with a cluster tells, told to the page in the stead of this one's."""
    studio_server.finished(studio_server.submit(**QUICK, prompt="omega picture")["id"])
    job = studio_server.api("GET", "/jobs?limit=1").json()[0]
    running = {"status": "running", "phase": "denoising", "step": 3, "total_steps": 20, "finished_at": None}
    workers = [
        {"name": name, "machine": name, "state": state, "device": "cuda", "detail": "card", "model": None}
        for name, state in (("gpu-1", "ready"), ("gpu-2", "busy"))
    ]
    told = {"state": "busy", "device": "cuda", "detail": "2 workers on 2 machines.", "hardware": None}
    snapshot = {
        "version": 10**9,
        "worker": told | {"workers": workers},
        "jobs": [job | running | {"worker": "gpu-2"}],
        "waiting": 0,
        "held": None,
        "paused": False,
        "loaded_first": False,
    }
    invent(page, snapshot)
    chip = page.locator("#worker-state")
    expect(chip).to_have_text("Working · 2 workers")
    expect(chip).to_have_attribute("title", "2 workers on 2 machines.\ngpu-1: card\ngpu-2: Step 3 of 20")
    page.locator("#tab-queue").click()
    expect(page.locator("[data-section=running] .out-job-meta")).to_contain_text("on gpu-2")
