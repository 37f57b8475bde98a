"""The stage: what a running job shows, step by step, and what there is when none runs."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import (
    LONG_WAIT,
    boxes,
    generate,
    make_job,
    make_picture,
    open_again,
    show_jobs,
    thumbs,
)

pytestmark = pytest.mark.shared_page

PHASES = [
    ({"status": "queued", "position": 0}, "Next in the queue", ""),
    ({"status": "queued", "position": 3}, "Waiting for 3 jobs", ""),
    ({"status": "running", "phase": "loading"}, "Loading the model…", ""),
    ({"status": "running", "phase": "encoding"}, "Encoding…", ""),
    (
        {"status": "running", "phase": "denoising", "step": 7, "eta_seconds": 4.2},
        "Step 7 of 20",
        "about 4 s left",
    ),
    (
        {"status": "running", "phase": "denoising", "step": 8, "eta_seconds": 150},
        "Step 8 of 20",
        "about 3 min left",
    ),
    (
        {"status": "running", "phase": "denoising", "step": 20, "eta_seconds": 0.4},
        "Step 20 of 20",
        "almost done",
    ),
    ({"status": "running", "phase": "decoding"}, "Decoding…", ""),
    ({"status": "running", "phase": "saving"}, "Saving…", ""),
    ({"status": "running", "phase": "denoising", "step": 9, "cancel_requested": True}, "Cancelling…", ""),
]


@pytest.fixture(scope="module")
def made(three: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three pictures for all tests: those that take one away bring it back."""
    return three


def test_the_stage_says_where_a_job_is(page: Page) -> None:
    for changes, phase, eta in PHASES:
        show_jobs(page, make_job(page, **changes))
        expect(page.locator("#preview .out-phase")).to_have_text(phase)
        expect(page.locator("#preview .out-eta")).to_have_text(eta)
        expect(page.locator("#cancel")).to_be_visible()
        expect(page.locator("#cancel")).to_be_enabled(enabled=not changes.get("cancel_requested"))


def test_a_job_is_watched_from_the_first_step_to_the_picture_and_nothing_moves(
    page: Page, studio_server: StudioProcess
) -> None:
    expect(page.locator("#preview .out-phase")).not_to_be_empty()
    watch_page = """() => {
        window.places = new Set();
        const sides = ({ top, left, width }) => [top, left, width].join();
        const place = (node) => sides(node.getBoundingClientRect());
        likeness.on("snapshot", () => {
            places.add([...document.querySelectorAll(".out-area, #queue, #gallery")].map(place).join(" "));
        });
    }"""
    with studio_server.worker_held():
        generate(page, "watched", steps=60)
        page.evaluate(watch_page)
    with studio_server.held_when("watched", lambda job: job["step"] > 1 and job["preview"] > 0):
        expect(page.locator("#preview .out-phase")).to_have_text(re.compile(r"^Step \d+ of 60$"))
        expect(page.locator("#preview .live .out-steady")).to_have_attribute(
            "src", re.compile(r"/preview\?v=\d+$")
        )
    chosen = page.locator("#gallery [data-picture][aria-selected=true]")
    expect(page.locator("#preview .out-phase")).to_have_text(
        re.compile(r"^Done in [\d.]+ s$"), timeout=LONG_WAIT
    )
    expect(chosen).to_have_count(1)
    shown = page.locator("#preview .picture .out-steady")
    expect(shown).to_have_attribute("src", f"/api/v1/images/{chosen.get_attribute('data-picture')}/file")
    assert len(page.evaluate("[...places]")) == 1
    expect(page.locator("#cancel")).to_be_hidden()


@pytest.mark.own_page
def test_cancel_ends_a_running_and_a_waiting_job(page: Page, studio_server: StudioProcess) -> None:
    with studio_server.worker_held():
        generate(page, "first", steps=150, images=8)
        expect(page.locator("#queue .out-job")).to_have_count(1)
        page.locator("#generate").click()
        expect(page.locator("#queue .out-job")).to_have_count(2)
        expect(page.locator("#queue .out-queue-count")).to_have_text("1 running, 1 waiting")
        page.locator("#queue .out-job").nth(1).get_by_role("button", name="Cancel this job").click()
        expect(page.locator("#queue .out-job")).to_have_count(1)
        page.locator("#cancel").click()
    expect(page.locator("#preview .out-phase")).to_have_text("Cancelled", timeout=LONG_WAIT)
    mine = [
        job for job in studio_server.api("GET", "/jobs").json() if job["tab"] == page.evaluate("likeness.tab")
    ]
    assert [job["status"] for job in mine] == ["cancelled", "cancelled"]


@pytest.mark.own_page
def test_a_reload_in_mid_run_finds_the_job_and_its_picture(
    page: Page, watch: PageWatch, studio_server: StudioProcess
) -> None:
    with studio_server.worker_held():
        generate(page, "still here after a reload", steps=150)
        expect(page.locator("#cancel")).to_be_visible()
        open_again(page)
        expect(page.locator("#cancel")).to_be_visible()
        expect(page.locator("#preview .out-caption")).to_contain_text("still here after a reload")
    expect(page.locator("#preview .out-phase")).to_have_text(re.compile("^Done in"), timeout=LONG_WAIT)
    open_again(page)
    expect(thumbs(page)).to_have_count(1)
    expect(page.locator("#preview .picture .out-steady")).to_be_visible()


def test_the_control_image_stands_beside_the_preview(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    reference = studio_server.upload(make_picture(tmp_path))
    image = io.BytesIO()
    Image.new("RGB", (8, 12), "white").save(image, "PNG")
    page.route(
        "**/control-image", lambda route: route.fulfill(body=image.getvalue(), content_type="image/png")
    )
    references = [{"image_id": reference["id"], "role": "structure", "weight": 1}]
    request = {"mode": "controlnet", "references": references}
    show_jobs(page, make_job(page, has_control_image=True, step=2, request=request))
    expect(page.locator("#preview .control img.out-steady")).to_be_visible()
    left, right = boxes(page, "#preview .live .out-frame-box", "#preview .control .out-frame-box")
    assert left["x"] + left["width"] <= right["x"]
    assert left["width"] / left["height"] == pytest.approx(64 / 96, rel=0.02)


def test_a_failed_job_says_what_to_do_and_notices_are_shown(page: Page) -> None:
    job = make_job(page, notices=["The last 3 words were not read."], step=1)
    show_jobs(page, job)
    expect(page.locator("#preview .out-notices")).to_have_text("The last 3 words were not read.")
    advice = "There is too little memory. Choose a smaller size."
    show_jobs(
        page,
        {**job, "status": "failed", "error": {"code": "out_of_memory", "message": advice}},
        worker="ready",
    )
    expect(page.get_by_role("alert").filter(has_text=advice)).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#preview .out-failure")).to_be_hidden()


def test_an_earlier_picture_can_be_looked_at_while_a_job_runs(gallery: Page) -> None:
    job = make_job(gallery, step=3)
    show_jobs(gallery, job)
    expect(gallery.locator("#preview .live")).to_be_visible()
    expect(gallery.locator("#use-as-reference")).to_be_disabled()
    thumbs(gallery).nth(1).click()
    expect(gallery.locator("#preview .picture")).to_be_visible()
    expect(gallery.locator("#use-as-reference")).to_be_enabled()
    expect(gallery.locator("#preview .out-phase")).to_have_text("Step 3 of 20")
    gallery.get_by_role("button", name="Watch live").click()
    expect(gallery.locator("#preview .live")).to_be_visible()


def test_an_empty_studio_invites(context: BrowserContext, studio_server: StudioProcess) -> None:
    page = context.new_page()
    page.route("**/api/v1/images?*", lambda route: route.fulfill(json={"items": [], "next": None}))
    page.goto(studio_server.url)
    expect(page.get_by_role("heading", name="Your portrait begins here")).to_be_visible()
    expect(page.locator("#gallery")).to_contain_text("Your pictures will gather here")
    page.get_by_role("button", name="Describe a portrait").click()
    expect(page.locator("#prompt textarea")).to_be_focused()
