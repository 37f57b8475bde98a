from __future__ import annotations

from playwright.sync_api import Page, expect


def test_the_page_loads_without_errors_and_asks_nobody_else(page: Page) -> None:
    expect(page).to_have_title("Likeness")
    for element in ("references", "prompt", "assistant", "model-select", "generate", "gallery"):
        expect(page.locator(f"#{element}")).to_be_attached()
    page.wait_for_load_state("load")
