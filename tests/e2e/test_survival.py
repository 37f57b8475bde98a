"""Jobs outlive pages, tabs, browsers, workers and the studio itself; the page finds its state again.

The tiny model draws these pictures: what is looked at is that they come, once, and are the same ones. The
studio that all browser tests share is killed here; each test leaves it running, with nothing in its queue.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import VIEWPORT
from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, ended, generate, open_again

LONG = {"steps": 40, "images": 5}
"""A job that is still running when the next thing happens to it; four pictures may be drawn together."""
CONNECTION_NOISE = (
    "ERR_",
    "Connection errored out",
    "signal is aborted",
    "AbortError",
    "503",
    "Failed to fetch",
    "network error",
)
"""What a browser logs of itself while there is no server to talk to."""


@pytest.fixture
def page(page: Page, studio_server: StudioProcess) -> Page:
    """The page, with what it begins with in place and nothing in the queue."""
    studio_server.wait_for_worker()
    page.wait_for_function("likeness.snapshot?.jobs.every((job) => job.finished_at)", timeout=LONG_WAIT)
    return page


def phase(page: Page, words: str) -> None:
    expect(page.locator("#preview .out-phase")).to_have_text(re.compile(words), timeout=LONG_WAIT)


def first_picture_saved(job: dict[str, Any]) -> bool:
    """The job is in the middle: some pictures are in the collection, another is being drawn."""
    return 1 <= len(job["images"]) < LONG["images"]


def pixels(studio: StudioProcess, job: dict[str, Any]) -> list[str]:
    return [studio.api("GET", f"/images/{each}").json()["pixel_sha256"] for each in job["images"]]


def shows_first(page: Page, studio: StudioProcess, job_id: str) -> None:
    """The gallery begins with the job's pictures, once each."""
    made = studio.finished(job_id)["images"]
    for image_id in made:
        expect(page.locator(f"#gallery [data-picture='{image_id}']")).to_be_visible()
    shown = page.evaluate("likeness.gallery.ids()")
    assert (shown[: len(made)], len(set(shown))) == (made, len(shown))


def attempts(studio: StudioProcess, job_id: str) -> int:
    """How often the job was begun."""
    with closing(sqlite3.connect(f"file:{studio.data_dir / 'likeness.db'}?mode=ro", uri=True)) as database:
        return database.execute("SELECT attempts FROM jobs WHERE id = ?", (job_id,)).fetchone()[0]


def assert_done_once(studio: StudioProcess, job_id: str) -> None:
    """At its second try the job has all pictures, each once, and they are those of an undisturbed run."""
    job, all_of_them = studio.finished(job_id), list(range(LONG["images"]))
    assert (job["status"], len(job["images"])) == ("done", len(all_of_them)), job
    saved = studio.api("GET", "/images?limit=200").json()["items"]
    assert sorted(each["batch_index"] for each in saved if each["job_id"] == job_id) == all_of_them
    assert attempts(studio, job_id) == 2
    undisturbed = studio.finished(studio.submit(**job["request"])["id"])
    assert pixels(studio, undisturbed) == pixels(studio, job)


def test_a_reload_finds_the_job_again_and_a_second_tab_sees_it(
    page: Page, watch: PageWatch, studio_server: StudioProcess
) -> None:
    with studio_server.worker_held():
        generate(page, "asked in the first tab", **LONG)
        expect(page.locator("#queue .out-job")).to_have_count(1)
        second = page.context.new_page()
        second.goto(studio_server.url)
        second.wait_for_selector("body.lk-ready")
        expect(second.locator("#queue .out-job-prompt")).to_have_text("asked in the first tab")
        expect(second.locator("#cancel")).to_be_hidden()
        generate(second, "asked in the second tab", steps=4, images=1)
        expect(second.locator("#preview .out-caption")).to_contain_text("asked in the second tab")
        open_again(page)
        expect(page.locator("#cancel")).to_be_visible()
        expect(page.locator("#preview .out-caption")).to_contain_text("asked in the first tab")
    phase(page, r"^Done in")
    shows_first(page, studio_server, ended(page, "asked in the first tab")["id"])
    [made] = ended(second, "asked in the second tab")["images"]
    chosen = second.locator("#gallery [data-picture][aria-selected=true]")
    expect(chosen).to_have_attribute("data-picture", made)


def test_a_browser_that_was_closed_finds_what_was_made_meanwhile(
    page: Page, browser: Browser, studio_server: StudioProcess
) -> None:
    with studio_server.worker_held():
        generate(page, "nobody is watching", **LONG)
        expect(page.locator("#cancel")).to_be_visible()
        page.wait_for_function("localStorage['likeness.state']?.includes('nobody is watching')")
        profile = page.context.storage_state()
        page.close()
    with browser.new_context(viewport=VIEWPORT, storage_state=profile, reduced_motion="reduce") as later:  # type: ignore[arg-type]
        back = later.new_page()
        back.goto(studio_server.url)
        expect(back.locator("#prompt textarea")).to_have_value("nobody is watching")
        shows_first(back, studio_server, ended(back, "nobody is watching")["id"])


def test_a_killed_studio_goes_on_where_it_was_and_the_page_comes_back(
    page: Page, watch: PageWatch, studio_server: StudioProcess
) -> None:
    for noise in CONNECTION_NOISE:
        watch.expect(noise)
    with studio_server.worker_held():
        generate(page, "through a power cut", **LONG)
    with studio_server.held_when("through a power cut", first_picture_saved):
        studio_server.kill()
    expect(page.locator("#worker-state")).to_have_text("Studio not reachable")
    studio_server.start_again()
    job_id = ended(page, "through a power cut")["id"]
    shows_first(page, studio_server, job_id)
    expect(page.locator("#prompt textarea")).to_have_value("through a power cut")
    expect(page.locator("#worker-state")).to_contain_text("Ready")
    assert_done_once(studio_server, job_id)
    generate(page, "and on", steps=4, images=1)
    shows_first(page, studio_server, ended(page, "and on")["id"])


@pytest.mark.posix("sends signals to a process")
def test_a_killed_worker_is_replaced_and_the_job_is_finished(
    page: Page, studio_server: StudioProcess
) -> None:
    with studio_server.worker_held():
        generate(page, "through a crash", **LONG)
    with studio_server.held_when("through a crash", first_picture_saved):
        os.kill(studio_server.worker_pid(), signal.SIGKILL)
    expect(page.locator("#worker-state")).to_have_attribute("data-state", re.compile("starting|restarting"))
    job_id = ended(page, "through a crash")["id"]
    shows_first(page, studio_server, job_id)
    assert_done_once(studio_server, job_id)


@pytest.mark.posix("sends signals to a process")
def test_jobs_are_cancelled_while_loading_drawing_and_waiting(
    page: Page, studio_server: StudioProcess
) -> None:
    os.kill(studio_server.worker_pid(), signal.SIGKILL)
    generate(page, "while loading", **LONG)
    with studio_server.held_when("while loading", lambda job: job["phase"] == "loading"):
        phase(page, "^Loading")
        page.locator("#cancel").click()
    phase(page, "^Cancelled$")
    studio_server.wait_for_worker()
    with studio_server.worker_held():
        generate(page, "while drawing", images=8)
    with studio_server.held_when("while drawing", lambda job: job["step"] > 0):
        phase(page, rf"^Step \d+ of {8 * LONG['steps']}$")
        generate(page, "while waiting")
        waiting = page.locator("#queue .out-job").filter(has_text="while waiting")
        waiting.get_by_role("button", name="Cancel this job").click()
        expect(waiting).to_have_count(0)
        page.locator("#cancel").click()
    phase(page, "^Cancelled$")
    jobs = studio_server.api("GET", "/jobs?limit=3").json()
    assert [job["status"] for job in jobs] == ["cancelled"] * 3
    assert [job["request"]["prompt"] for job in jobs] == ["while waiting", "while drawing", "while loading"]
    generate(page, "the next one works", steps=4, images=1)
    assert ended(page, "the next one works")["status"] == "done"
