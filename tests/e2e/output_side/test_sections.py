"""Collection, picker and Queue; and everywhere: text stays text, sizes fit, colours can be read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import make_job, show_jobs

pytestmark = pytest.mark.shared_page

COLOURS_SETTLED = """() => Promise.allSettled(
    document.getAnimations().filter((each) => each instanceof CSSTransition).map((each) => each.finished))"""
CONTRAST = """(selector) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const share = { r: 0.2126, g: 0.7152, b: 0.0722 };
    const part = (name, value) => share[name] * linear(value / 255);
    const light = ([r, g, b]) => part("r", r) + part("g", g) + part("b", b);
    const solid = (node) => rgba(getComputedStyle(node).backgroundColor)[3] === 255;
    const ground = (node) => (solid(node) ? node : ground(node.parentElement));
    const node = document.querySelector(selector);
    const words = light(rgba(getComputedStyle(node).color));
    const behind = light(rgba(getComputedStyle(ground(node)).backgroundColor));
    return (Math.max(words, behind) + 0.05) / (Math.min(words, behind) + 0.05);
}"""
"""WCAG contrast of an element's words with the ground behind them."""
HOSTILE = '<img src=x onerror="document.title=\'owned\'"> "quotes" & “more”'


@pytest.fixture(scope="module")
def made(three: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three pictures for all tests: those that take one away bring it back."""
    return three


def test_edit_image_in_the_collection_opens_the_studio(page: Page, made: list[dict[str, Any]]) -> None:
    page.locator("#tab-collection").click()
    cell = page.locator(f"#collection [data-picture='{made[2]['id']}']")
    cell.hover()
    cell.get_by_role("button", name="Edit image").click()
    expect(page.locator("#panel-studio")).to_be_visible()
    expect(page.locator("#references img")).to_have_attribute("src", re.compile(made[2]["id"]))


def test_the_picker_takes_several_up_to_the_room_there_is(
    page: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    page.evaluate("""() => {
        likeness.on("picker:picked", ({ ids }) => (window.picked = ids));
        likeness.emit("picker:open", { max: 2 });
    }""")
    picker = page.locator("#picker")
    expect(picker.locator("[data-picture]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    for key in ("Space", "ArrowRight", "Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(picker.get_by_role("status").first).to_contain_text("There is room for 2 pictures. Take one out")
    page.keyboard.press("Enter")
    expect(picker).to_be_hidden()
    newest = [record["id"] for record in studio_server.api("GET", "/images?limit=2").json()["items"]]
    page.wait_for_function("(wanted) => window.picked?.join() === wanted.join()", arg=newest)


def test_the_queue_section_tells_of_finished_and_failed_jobs(page: Page, made: list[dict[str, Any]]) -> None:
    page.locator("#tab-queue").click()
    row = page.locator(f"#queue-page [data-job='{made[0]['job_id']}']")
    expect(row).to_contain_text("make her smile")
    expect(row).to_contain_text("Done")
    row.get_by_role("button", name="Open the picture").first.click()
    expect(page.locator("#details-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    failed = make_job(
        page, status="failed", error={"code": "worker_lost", "message": "The engine stopped. Try again."}
    )
    show_jobs(page, failed)
    expect(page.locator(f"#queue-page [data-job='{failed['id']}'] .out-job-error")).to_have_text(
        "The engine stopped. Try again."
    )


@pytest.fixture
def hostile(studio_server: StudioProcess) -> str:
    """Id of a picture whose prompt and name would like to be HTML."""
    job = studio_server.submit(mode="text_to_image", prompt=HOSTILE, num_inference_steps=1)
    [image_id] = studio_server.finished(job["id"])["images"]
    studio_server.api("PATCH", f"/images/{image_id}", json={"name": HOSTILE})
    return image_id


@pytest.mark.own_page
def test_text_from_artists_stays_text(hostile: str, page: Page) -> None:
    page.locator(f"#gallery [data-picture='{hostile}']").dblclick()
    expect(page.locator("#details-dialog dd").filter(has_text="onerror")).to_have_text(HOSTILE)
    expect(page.locator("#details-title, #details-dialog-title")).to_have_text(HOSTILE)
    page.keyboard.press("Escape")
    for section in ("collection", "queue"):
        page.locator(f"#tab-{section}").click()
        expect(page.locator(f"#panel-{section}").get_by_text("onerror").first).to_be_visible()
    assert page.title() == "Likeness"


def test_nothing_sticks_out_and_every_button_has_a_name(page: Page, made: list[dict[str, Any]]) -> None:
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for section in ("studio", "collection", "queue"):
            page.locator(f"#tab-{section}").click()
            expect(page.locator(f"#panel-{section} .out img:visible").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, section
            nameless = page.locator(f"#panel-{section} .out button").evaluate_all(
                "(all) => all.filter((n) => !n.ariaLabel && !n.textContent.trim()).length"
            )
            assert nameless == 0


def test_words_stand_out_from_their_ground(gallery: Page) -> None:
    selectors = [
        ".out-caption",
        ".out-batch-prompt",
        ".out-phase",
        "#edit-image",
    ]
    gallery.keyboard.press("Enter")
    expect(gallery.locator("#details-dialog dd").first).to_be_visible()
    selectors += [
        "#details-dialog dt",
        "#details-dialog dd",
        "#details-dialog-title",
        "#details-dialog .strong",
    ]
    for theme in ("light", "dark"):
        gallery.evaluate("(theme) => likeness.setTheme(theme)", theme)
        expect(gallery.locator("body")).to_have_class(
            re.compile("dark") if theme == "dark" else re.compile("^(?!.*dark)")
        )
        gallery.evaluate(COLOURS_SETTLED)
        found = {selector: gallery.evaluate(CONTRAST, selector) for selector in selectors}
        assert {selector: value for selector, value in found.items() if value < 4.5} == {}, theme
