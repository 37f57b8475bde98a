"""One studio and one browser for all browser tests; a fresh page without memory for each.

`page` fails its test where the page logged an error or asked anything of another machine; a test that
provokes errors says so with `watch.expect("part of the message")`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.harness import CHROMIUM_FLAGS, PageWatch, StudioProcess, chromium_or_skip, running_studio
from tests.e2e.slow import LATE_ANSWERS

VIEWPORT = {"width": 1440, "height": 900}
PATIENCE = 60_000
"""Milliseconds to wait for anything on the page: a busy machine is no fault of the page."""

WHOLE_TEST = 420
"""Seconds for a test with its fixtures: beside eight busy processes on two cores, a worker took three minutes
to start."""

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is an e2e test; the first of a file has a studio to wait for, too."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(WHOLE_TEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its studio says of itself, for the page rarely says why it waits."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, studio in item.funcargs.items():
            if isinstance(studio, StudioProcess):
                report.sections.append((f"{name}: what the studio says", studio.account()))
    return report


@pytest.fixture(scope="session")
def studio_server(
    tmp_path_factory: pytest.TempPathFactory, tiny_models_yaml: Path
) -> Iterator[StudioProcess]:
    """A real studio with the tiny models, shared by all browser tests; its worker is ready."""
    chromium_or_skip()
    with running_studio(tmp_path_factory.mktemp("studio") / "data", tiny_models_yaml) as studio:
        studio.wait_for_worker()
        yield studio


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    executable = chromium_or_skip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """The browser's profile; what it has compiled of the page's scripts is there for the next test."""
    profile = browser.new_context(viewport=VIEWPORT, accept_downloads=True)  # type: ignore[arg-type]
    profile.grant_permissions(["clipboard-read", "clipboard-write"])
    profile.set_default_timeout(PATIENCE)
    yield profile
    profile.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """The profile without pages; what this test leaves in its storage is gone afterwards."""
    yield profile
    homes = {f"{url.scheme}://{url.netloc}" for url in (urlsplit(page.url) for page in profile.pages)}
    for page in profile.pages:
        page.close()
    blank = profile.new_page()
    browser = profile.new_cdp_session(blank)
    for home in homes:
        browser.send("Storage.clearDataForOrigin", {"origin": home, "storageTypes": "local_storage"})
    blank.close()


@pytest.fixture
def watched_page(
    context: BrowserContext, studio_server: StudioProcess, request: pytest.FixtureRequest
) -> Iterator[tuple[Page, PageWatch]]:
    """A blank page and what it must not do. With `--late-answers` its answers come late, in another order."""
    page = context.new_page()
    if (seed := request.config.getoption("--late-answers")) is not None:
        page.add_init_script(f"({LATE_ANSWERS})({seed})")
    watch = PageWatch(page, studio_server.url)
    yield page, watch
    watch.check()


@pytest.fixture
def watch(watched_page: tuple[Page, PageWatch]) -> PageWatch:
    """For tests that provoke errors: `watch.expect(...)`."""
    return watched_page[1]


@pytest.fixture
def page(watched_page: tuple[Page, PageWatch], studio_server: StudioProcess) -> Page:
    """The studio's page, loaded."""
    page = watched_page[0]
    page.goto(studio_server.url)
    page.wait_for_selector("#generate")
    page.wait_for_selector("body.lk-ready")
    return page
