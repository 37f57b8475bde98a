"""Nothing that axe-core objects to, in any section, dialog or popover, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import Audit
from tests.e2e.cast import DRAWINGS, character
from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, ended, generate, make_three

pytestmark = pytest.mark.shared_page


@pytest.fixture
def audit(page: Page) -> Iterator[Audit]:
    """What was found is told when all was looked at."""
    audit = Audit(page)
    yield audit
    audit.check()


@pytest.fixture
def pictures(studio_server: StudioProcess, tmp_path: Path) -> list[dict[str, Any]]:
    """Three made from one reference."""
    return make_three(studio_server, tmp_path)


def tell(page: Page, event: str, **detail: Any) -> None:
    """As a press of a button somewhere on the page does."""
    page.evaluate("([event, detail]) => likeness.emit(event, detail)", [event, detail])


def dialog(page: Page, audit: Audit, name: str, event: str, **detail: Any) -> None:
    """Open it, look, and leave it."""
    tell(page, event, **detail)
    expect(page.locator(f"#{name}")).to_be_visible()
    page.wait_for_load_state("networkidle")
    audit.look(name, f"#{name}")
    page.keyboard.press("Escape")
    expect(page.locator(f"#{name}")).to_be_hidden()


def test_the_studio(page: Page, audit: Audit, pictures: list[dict[str, Any]]) -> None:
    audit.look("the empty studio")
    page.evaluate("(id) => likeness.change({ action: 'edit', image_id: id })", pictures[0]["id"])
    expect(page.locator("#references .lk-reference")).to_have_count(1)
    generate(page, "make her smile", steps=2, images=2)
    made = ended(page, "make her smile")["images"]
    expect(page.locator(f"#gallery [data-picture='{made[-1]}']")).to_be_visible(timeout=LONG_WAIT)
    page.locator(f"#gallery [data-picture='{made[0]}']").click()
    expect(page.locator("#coach-same")).to_be_visible()
    page.click("#coach-same")
    audit.look("the studio with a result")
    for opener, panel in (
        ("#assistant button", ".lk-popover:popover-open"),
        ("#model-select button", ":popover-open"),
    ):
        page.locator(opener).first.click()
        expect(page.locator(panel).first).to_be_visible()
        audit.look(opener)
        page.keyboard.press("Escape")
    if page.locator("#coach-open").is_visible():
        page.click("#coach-open")
        audit.look("advice", ".coach-line")
        page.keyboard.press("Escape")


def test_the_collection(page: Page, audit: Audit, pictures: list[dict[str, Any]]) -> None:
    page.click("#tab-collection")
    expect(page.locator(f"#collection [data-picture='{pictures[0]['id']}']")).to_be_visible()
    audit.look("the collection")
    page.click("#collection-filters")
    page.locator(f"#collection [data-picture='{pictures[0]['id']}'] .out-cell-mark").click()
    audit.look("the collection, filtered and chosen")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Batches", exact=True).click()
    expect(page.locator(".out-past").first).to_be_visible()
    audit.look("the batches")
    one = pictures[0]["id"]
    dialog(page, audit, "details-dialog", "details:open", id=one, ids=[each["id"] for each in pictures])
    dialog(page, audit, "compare-dialog", "compare:open", id=one)
    dialog(page, audit, "extend-dialog", "extend:open", id=one)
    dialog(page, audit, "tree-dialog", "tree:open", id=one)
    ids = [each["id"] for each in pictures]
    dialog(page, audit, "winners-dialog", "winners:open", job_id=pictures[0]["job_id"], ids=ids)
    dialog(page, audit, "import-dialog", "import:open")
    dialog(page, audit, "export-dialog", "export:open", ids=ids)
    dialog(page, audit, "picker", "picker:open", max=3)


def test_what_is_tried_with_many_pictures(
    page: Page, audit: Audit, pictures: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    page.click("#presets")
    expect(page.locator("#presets-panel [data-preset]").first).to_be_visible()
    audit.look("the presets")
    page.click("#preset-new")
    expect(page.locator("#preset-dialog")).to_be_visible()
    audit.look("a preset", "#preset-dialog")
    page.keyboard.press("Escape")
    expect(page.locator("#preset-dialog")).to_be_hidden()
    ids = [each["id"] for each in pictures]
    request = {"mode": "img2img", "model": "tiny", "prompt": "make it blue", "num_inference_steps": 2}
    batch = studio_server.api("POST", "/batches", json={"request": request, "images": ids}).json()["batch"]
    page.click("#sweep")
    expect(page.locator("#sweep-dialog")).to_be_visible()
    audit.look("a sweep", "#sweep-dialog")
    page.keyboard.press("Escape")
    dialog(page, audit, "many-dialog", "many:open", ids=ids)
    page.evaluate("(id) => likeness.emit('sweep:open', id)", batch)
    grid = page.locator("#sweep-grid")
    expect(grid.locator("[data-picture]")).to_have_count(3, timeout=LONG_WAIT)
    audit.look("one edit over many", "#sweep-grid")
    grid.locator("#sweep-order").select_option("changed")
    expect(grid.locator("tbody th").first).to_have_text("1")
    audit.look("the order of a batch", "#sweep-grid")
    grid.locator("#sweep-review").click()
    expect(page.locator("#review-dialog")).to_be_visible()
    audit.look("one by one", "#review-dialog")


def test_the_characters(page: Page, audit: Audit, studio_server: StudioProcess) -> None:
    mara = character(studio_server, "Mara", DRAWINGS / "curls-1.webp", hair="red")
    for file in ("curls-1.webp", "blue-1.webp"):
        image = studio_server.upload(DRAWINGS / file)["id"]
        studio_server.api("POST", f"/characters/{mara}/references", json={"image_id": image})
    studio_server.api(
        "POST", "/designs", json={"name": "Ink", "style_prompt": "ink", "num_inference_steps": 2}
    )
    page.click("#tab-characters")
    row = page.locator(".chr-row[aria-label='Mara']").first
    expect(row).to_be_visible()
    audit.look("the characters")
    row.get_by_role("button", name="More for Mara").click()
    audit.look("what can be done with a character")
    page.keyboard.press("Escape")
    dialog(page, audit, "portrait-modal", "portrait:open", id=mara)
    dialog(page, audit, "blueprint-editor", "blueprint:open", id=mara)
    dialog(page, audit, "reference-set", "references:open", id=mara)
    dialog(page, audit, "character-sheet", "sheet:open", id=mara)
    dialog(page, audit, "designs", "designs:open")
    whole = studio_server.api("GET", f"/characters/{mara}").json()
    version = studio_server.api("GET", f"/characters/{mara}/versions").json()["items"][0]
    dialog(page, audit, "crop-tool", "crop:open", character=whole, version=version)
    dialog(page, audit, "avatar-export", "avatar:export", character=whole)
    dialog(page, audit, "apply-to-character", "character:apply", id=version["image_id"])
    page.click("#character-add")
    audit.look("a name is asked for", "#character-new")
    page.keyboard.press("Escape")
    studio_server.api("DELETE", f"/characters/{mara}")


def test_the_models_and_the_queue(page: Page, audit: Audit) -> None:
    page.click("#tab-models")
    expect(page.locator("#panel-models .mod-card").first).to_be_visible()
    for more in page.locator("#panel-models .mod-memory:visible summary").all()[:2]:
        more.click()
    audit.look("the models")
    page.click("#tab-queue")
    audit.look("the queue")
    dialog(page, audit, "shortcuts-dialog", "shortcuts:open")
    page.set_viewport_size({"width": 390, "height": 844})
    for section in ("studio", "collection", "characters", "models", "queue"):
        page.click(f"#tab-{section}")
        audit.look(f"{section} on a phone")
