"""Pictures that have just been made, and a gallery that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, VIEWPORT
from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import PHONE, make_three


@pytest.fixture
def made(studio_server: StudioProcess, tmp_path: Path) -> list[dict[str, Any]]:
    """Three pictures just made from one reference, the newest pictures there are; in the gallery's order."""
    return make_three(studio_server, tmp_path)


@pytest.fixture
def gallery(made: list[dict[str, Any]], page: Page) -> Page:
    """The page with `made` in its gallery and the first of them chosen by a click."""
    page.locator(f"#gallery [data-picture='{made[0]['id']}']").click()
    expect(page.locator("#use-as-reference")).to_be_enabled()
    return page


@pytest.fixture(scope="module")
def opened(browser: Browser, studio_server: StudioProcess) -> Iterator[tuple[Page, PageWatch]]:
    """A page for all tests of a file that leave it as they find it: to load one takes longer than most."""
    context = browser.new_context(viewport=VIEWPORT, accept_downloads=True)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    watch = PageWatch(page, studio_server.url)
    page.goto(studio_server.url)
    page.wait_for_selector("body.lk-ready")
    yield page, watch
    context.close()


@pytest.fixture
def collection(opened: tuple[Page, PageWatch]) -> Iterator[Page]:
    """The Collection, nothing open before it."""
    page, watch = opened
    page.locator("#tab-collection").click()
    yield page
    page.evaluate("document.querySelectorAll('dialog[open]').forEach((each) => each.close())")
    watch.check()


@pytest.fixture
def phone(browser: Browser, studio_server: StudioProcess) -> Iterator[Page]:
    """The page on a screen of 390 px that knows only fingers."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    watch = PageWatch(page, studio_server.url)
    page.goto(studio_server.url)
    page.wait_for_selector("body.lk-ready")
    yield page
    watch.check()
    context.close()
