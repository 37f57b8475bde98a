"""The page that tests share comes back as it was found, or is replaced; what it logs is its test's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.output_side.pages import make_job, show_jobs
from tests.e2e.shared import SharedPage


def test_a_page_is_brought_back_and_what_failed_or_logged_an_error_is_replaced(shared: SharedPage) -> None:
    page, _ = shared.take()
    page.locator("#prompt textarea").fill("left behind")
    page.locator("#knobs-toggle button").click()
    page.locator("#steps input[type=number]").fill("7")
    page.evaluate("likeness.emit('refused', 'a toast')")
    page.locator("#tab-queue").click()
    show_jobs(page, make_job(page, step=3))
    page.set_viewport_size({"width": 390, "height": 844})
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    shared.give_back(failed=False)
    again, watch = shared.take()
    assert again is page
    assert page.viewport_size == {"width": 1440, "height": 900}
    expect(page.locator("#prompt textarea")).to_have_value("")
    expect(page.locator("#steps input[type=number]")).to_have_value("20")
    expect(page.locator("#generate")).to_be_visible()
    over = page.locator("#cancel, #steps, .lk-toast, dialog[open]").filter(visible=True)
    expect(over).to_have_count(0)
    shared.give_back(failed=False)
    page.evaluate("likeness.emit('shortcuts:open')")
    page.locator("dialog[open]").wait_for()
    assert shared.take()[0] is page
    expect(over).to_have_count(0)
    page.evaluate("console.error('of this test')")
    with pytest.raises(AssertionError, match="of this test"):
        shared.give_back(failed=False)
    other, watch = shared.take()
    assert page.is_closed()
    assert not watch.errors
    shared.give_back(failed=True)
    assert other.is_closed()
