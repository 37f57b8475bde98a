"""Pictures that have just been made, and a gallery that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import PATIENCE
from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import PHONE, make_three
from tests.e2e.shared import SharedPage, close_all, open_studio


@pytest.fixture
def made(studio_server: StudioProcess, tmp_path: Path) -> list[dict[str, Any]]:
    """Three pictures just made from one reference, the newest pictures there are; in the gallery's order."""
    return make_three(studio_server, tmp_path)


@pytest.fixture(scope="module")
def three(
    shared: SharedPage, studio_server: StudioProcess, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """The same for all tests of a file that take none away for good; the page they share is opened after."""
    shared.close()
    return make_three(studio_server, tmp_path_factory.mktemp("made"))


@pytest.fixture
def gallery(made: list[dict[str, Any]], page: Page) -> Page:
    """The page with `made` in its gallery and the first of them chosen by a click."""
    page.locator(f"#gallery [data-picture='{made[0]['id']}']").click()
    expect(page.locator("#use-as-reference")).to_be_enabled()
    return page


@pytest.fixture
def collection(page: Page) -> Page:
    """The Collection."""
    page.locator("#tab-collection").click()
    return page


@pytest.fixture(scope="session")
def phone_profile(browser: Browser) -> Iterator[BrowserContext]:
    """The profile of a browser on a screen of 390 px that knows only fingers."""
    profile = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    profile.set_default_timeout(PATIENCE)
    yield profile
    profile.close()


@pytest.fixture
def phone(phone_profile: BrowserContext, studio_server: StudioProcess) -> Iterator[Page]:
    """The page on a phone, without memory."""
    page = phone_profile.new_page()
    watch = PageWatch(page, studio_server.url)
    open_studio(page, studio_server.url)
    yield page
    close_all(phone_profile)
    watch.check()
