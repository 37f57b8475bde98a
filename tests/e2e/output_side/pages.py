"""What the browser tests of the output side share: pictures, jobs, snapshots, places on the page."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.harness import StudioProcess

LONG_WAIT = 120_000
INVENT = """(snapshot) => {
  window.invented ??= { jobs: [] };
  if (likeness.snapshot !== invented.last) invented.before = likeness.snapshot;
  invented.jobs.push(...snapshot.jobs);
  invented.last = snapshot;
  likeness.emit("snapshot", snapshot);
}"""
PHONE = {"width": 390, "height": 844}


def make_picture(folder: Path, name: str = "portrait.png", size: tuple[int, int] = (64, 80)) -> Path:
    """A picture nobody has uploaded before."""
    path = folder / name
    Image.frombytes("RGB", size, secrets.token_bytes(3 * size[0] * size[1])).save(path)
    return path


def make_three(studio: StudioProcess, folder: Path) -> list[dict[str, Any]]:
    """Three pictures made from one reference, in the gallery's order."""
    reference = studio.upload(make_picture(folder))
    job = studio.submit(
        mode="img2img", prompt="make her smile", num_inference_steps=4, num_images=3,
        references=[{"image_id": reference["id"]}],
    )  # fmt: skip
    ended = studio.finished(job["id"])
    assert ended["status"] == "done", ended
    return [studio.api("GET", f"/images/{each}").json() for each in ended["images"]]


def make_job(page: Page, **changes: Any) -> dict[str, Any]:
    """A job of the page's tab as the snapshot would carry it."""
    request = {
        "mode": "text_to_image",
        "model": "tiny",
        "prompt": "a knight",
        "negative_prompt": "",
        "guidance_scale": 3.5,
        "num_inference_steps": 20,
        "seed": 7,
        "strength": None,
        "width": 64,
        "height": 96,
        "num_images": 1,
        "references": [],
        "control": None,
    }
    job = {
        "id": secrets.token_hex(8),
        "status": "running",
        "phase": "denoising",
        "step": 0,
        "total_steps": 20,
        "images": [],
        "timings": {},
        "notices": [],
        "preview": 0,
        "has_control_image": False,
        "cancel_requested": False,
        "tab": page.evaluate("likeness.tab"),
        "created_at": "2030-01-01T00:00:00Z",
    }
    return {**job, **changes, "request": {**request, **changes.get("request", {})}}


def show_jobs(page: Page, *jobs: dict[str, Any], worker: str = "busy") -> None:
    """Hand the page a snapshot with these jobs alone."""
    state = {"state": worker, "device": "cpu", "detail": "", "workers": []}
    snapshot = {"version": 1, "worker": state, "jobs": list(jobs), "waiting": 0}
    invent(page, snapshot)


def invent(page: Page, snapshot: dict[str, Any]) -> None:
    """Hand the page a snapshot, as the stream of events would; a shared page forgets it after the test."""
    page.evaluate(INVENT, snapshot)


def open_again(page: Page) -> None:
    """Reload, and wait until the gallery is there."""
    page.reload()
    page.wait_for_selector("#gallery .out-gallery")


def generate(
    page: Page, prompt: str = "a knight", steps: int | None = None, images: int | None = None
) -> None:
    page.locator("#prompt textarea").fill(prompt)
    if steps or images:
        if not page.locator("#num-images").is_visible():
            page.locator("#knobs-toggle button").click()
        page.locator("#num-images").wait_for()
        for knob, value in (("#steps", steps), ("#num-images", images)):
            if value and page.locator(knob).is_visible():  # the bundled model has no use for steps
                page.locator(f"{knob} input[type=number]").fill(str(value))
                page.keyboard.press("Tab")
    page.locator("#generate").click()


def ended(page: Page, prompt: str) -> dict[str, Any]:
    """This tab's newest job with the prompt, once all of its jobs with it have ended."""
    return page.wait_for_function(
        """(prompt) => {
            const jobs = globalThis.likeness?.snapshot?.jobs ?? [];
            const mine = jobs.filter((job) => job.tab === likeness.tab);
            const asked = mine.filter((job) => job.request.prompt === prompt);
            return asked.length && asked.every((job) => job.finished_at) && asked[0];
        }""",
        arg=prompt,
        timeout=LONG_WAIT,
    ).json_value()


def thumbs(page: Page) -> Locator:
    return page.locator("#gallery [data-picture]:visible")


def expect_focus(page: Page, *ids: str) -> None:
    """The focus comes to the picture, or to one of several: a busy page may take a moment."""
    expect(page.locator(", ".join(f"[data-picture='{each}']:focus" for each in ids))).to_have_count(1)


def boxes(page: Page, *selectors: str) -> list[dict[str, float]]:
    """Where the first of each is, x, y, width and height in CSS px, all at one moment of a page at rest.

    One box after the other would belong to two layouts where a picture just comes or a dialog opens.
    """
    read = """(selectors) => selectors.map((each) => {
        const { x, y, width, height } = document.querySelector(each).getBoundingClientRect();
        return { x, y, width, height };
    })"""
    found = page.evaluate(read, list(selectors))
    for _ in range(100):
        before, _ = found, page.wait_for_timeout(50)
        found = page.evaluate(read, list(selectors))
        if found == before:
            return found
    raise AssertionError(f"The page does not come to rest: {found}")
