"""A sweep in the browser: asked for, seen as it comes, gone on from a cell, exported."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.harness import PageWatch

pytestmark = pytest.mark.shared_page


def test_a_grid_is_asked_for_seen_and_gone_on_from(page: Page, watch: PageWatch) -> None:
    watch.expect("422")  # an axis without values yet, where typing takes longer than the page waits
    page.locator("#prompt textarea").fill("a red hat")
    page.locator("#sweep").click()
    dialog = page.locator("#sweep-dialog")
    dialog.locator("#sweep-x").select_option("num_inference_steps")
    dialog.locator("#sweep-x-values").fill("1 | 2")
    dialog.locator("#sweep-y").select_option("prompt_part")
    dialog.locator("#sweep-y-values").fill("red | blue | green")
    expect(dialog.locator(".out-sweep-words")).to_contain_text("6 pictures")
    dialog.locator("#sweep-start").click()
    grid = page.locator("#sweep-grid")
    expect(grid.locator("thead th")).to_have_text(["Steps 1", "Steps 2"])
    expect(grid.locator("tbody th")).to_have_text(["red", "blue", "green"])
    expect(grid.locator("[data-picture]")).to_have_count(6, timeout=120_000)

    boxes = grid.locator("[data-choose]")
    expect(grid.get_by_role("button", name="Compare the two")).to_be_disabled()
    boxes.nth(0).check()
    boxes.nth(3).check()
    expect(grid.get_by_role("button", name="Compare the two")).to_be_enabled()
    boxes.nth(0).uncheck()

    with page.expect_download() as download:
        grid.get_by_role("link", name="As one picture").click()
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 2 * 60

    chosen = grid.locator("[data-picture]").nth(3).get_attribute("data-picture")
    grid.get_by_role("button", name="Go on from it").click()
    expect(grid).to_be_hidden()
    expect(page.locator(f"#references [data-image-id='{chosen}']")).to_have_count(1)

    page.locator("#sweep").click()
    page.locator("#sweep-dialog .out-sweep-earlier button").first.click()
    expect(grid.locator("[data-picture]")).to_have_count(6)


def test_what_cannot_be_swept_is_said_before_it_starts(page: Page, watch: PageWatch) -> None:
    watch.expect("422")
    page.locator("#prompt textarea").fill("a red hat")
    page.locator("#sweep").click()
    dialog = page.locator("#sweep-dialog")
    dialog.locator("#sweep-x").select_option("seed")
    dialog.locator("#sweep-x-values").fill("1..100000")
    expect(dialog.locator(".out-sweep-words")).to_contain_text("100,000 values")
    expect(dialog.locator("#sweep-start")).to_be_disabled()
