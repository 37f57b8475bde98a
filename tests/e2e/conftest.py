"""One studio and one browser for all browser tests; for each a fresh page without memory, or a shared one.

`page` fails its test where the page logged an error or asked anything of another machine; a test that
provokes errors says so with `watch.expect("part of the message")`. In a file marked `shared_page` the tests
use one page after the other (`shared.py`), but for those marked `own_page`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.harness import (
    CHROMIUM_FLAGS,
    ROOT,
    PageWatch,
    StudioProcess,
    chromium_or_skip,
    running_studio,
)
from tests.e2e.shared import VIEWPORT, SharedPage, close_all, come_late, open_studio

PATIENCE = 60_000
"""Milliseconds to wait for anything on the page: a busy machine is no fault of the page."""

WHOLE_TEST = 420
"""Seconds for a test with its fixtures: beside eight busy processes on two cores, a worker took three minutes
to start."""

BUNDLED = ROOT / "pipelines" / "bundled" / "portrait-mini"
FAILED = pytest.StashKey[bool]()

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
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
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
def shipped_studio(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[StudioProcess]:
    """A studio as it is shipped, for the files that look at its own model; where that is missing, a tiny one.

    They find each other's pictures in it, older than their own.
    """
    chromium_or_skip()
    shipped = (BUNDLED / "model_index.json").exists()
    models = ROOT / "models.yaml" if shipped else request.getfixturevalue("tiny_models_yaml")
    with running_studio(tmp_path_factory.mktemp("shipped") / "data", models) as studio:
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
    yield from new_profile(browser)


@pytest.fixture(scope="session")
def shared_profile(browser: Browser) -> Iterator[BrowserContext]:
    """The profile of the pages that tests share; those of their own know nothing of them."""
    yield from new_profile(browser)


def new_profile(browser: Browser) -> Iterator[BrowserContext]:
    # The processor draws every frame of a transition. On the phone (output_side) they move, as for artists.
    profile = browser.new_context(viewport=VIEWPORT, accept_downloads=True, reduced_motion="reduce")  # type: ignore[arg-type]
    profile.grant_permissions(["clipboard-read", "clipboard-write"])
    profile.set_default_timeout(PATIENCE)
    yield profile
    profile.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """The profile without pages; what this test leaves in its storage is gone afterwards."""
    yield profile
    close_all(profile)


@pytest.fixture(scope="module")
def prepare() -> Callable[[Page], object]:
    """For files whose shared page is another: what is done to it before it is loaded."""
    return lambda page: None


@pytest.fixture(scope="module")
def shared(
    shared_profile: BrowserContext,
    studio_server: StudioProcess,
    prepare: Callable[[Page], object],
    request: pytest.FixtureRequest,
) -> Iterator[SharedPage]:
    """The page that the tests of a file share, loaded when one needs it."""
    late = request.config.getoption("--late-answers")
    shared = SharedPage(shared_profile, studio_server.url, late, prepare)
    yield shared
    shared.close()


@pytest.fixture
def watched_page(
    studio_server: StudioProcess, request: pytest.FixtureRequest
) -> Iterator[tuple[Page, PageWatch]]:
    """A blank page, or the one that is shared, and what it must not do."""
    marked = request.node.get_closest_marker
    if marked("shared_page") and not marked("own_page"):
        shared: SharedPage = request.getfixturevalue("shared")
        yield shared.take()
        shared.give_back(failed=request.node.stash.get(FAILED, False))
        return
    page = request.getfixturevalue("context").new_page()
    come_late(page, request.config.getoption("--late-answers"))
    request.getfixturevalue("prepare")(page)
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
    open_studio(watched_page[0], studio_server.url)
    return watched_page[0]
