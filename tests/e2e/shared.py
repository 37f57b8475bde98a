"""A page that the tests of a file use one after the other, brought back each time to how it was found.

To load a page takes longer than most tests. What a test does to it is undone by the page's own means; where
that does not give the page that was opened, the next test gets a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import TimeoutError as TooLate

from tests.e2e.harness import PageWatch
from tests.e2e.slow import LATE_ANSWERS

VIEWPORT = {"width": 1440, "height": 900}
SOON = 5_000
"""Milliseconds within which a page must have come back; else it is closed."""

TOLD = """() => {
  const read = (key) => localStorage.getItem(`likeness.${key}`) ?? sessionStorage.getItem(`likeness.${key}`);
  const all = (selector) => document.querySelectorAll(selector);
  const mine = (likeness.snapshot?.jobs ?? []).filter((job) => job.tab === likeness.tab);
  return JSON.stringify([
    sessionStorage.getItem("likeness.state"),
    likeness.theme(),
    ["coach.away", "enlarge", "painting"].map((key) => (read(key) ?? "").replace("[]", "")),
    all("dialog[open], :popover-open, .lk-toast, .toast-body").length,
    [...all("#panel-studio .lk-disclosure")].map((each) => each.getAttribute("aria-expanded")),
    document.querySelector("#prompt textarea").value,
    document.querySelector("[role=tab][aria-selected=true]").id,
    mine.some((job) => !job.finished_at),
  ]);
}"""
"""What tests rely on, as text: what the controls hold, what is open or remembered, whether a job runs."""

NUMBERS = """() => Object.fromEntries(
  [...document.querySelectorAll("#panel-studio input[type=number]")].map(
    (each) => [each.closest("[id]:not(input)").id, each.value]))"""
"""What the number fields of the settings hold, by the id of their control."""

UNDO = """async ([theme, numbers]) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const press = (selector) => all(selector).forEach((each) => each.click());
  const moment = () => new Promise((done) => setTimeout(done));
  const write = (selector, text) => all(selector).filter((each) => each.value !== text).forEach((each) => {
    each.value = text;
    each.dispatchEvent(new Event("input", { bubbles: true }));
  });
  all(":popover-open").forEach((each) => each.hidePopover());
  all("dialog[open]").reverse().forEach((each) => each.close());
  await moment(); // what was closed gives the focus back
  document.activeElement?.blur();
  press(".lk-toast > button[aria-label=Close], .toast-close");
  for (let left = 12; left && all("#references .lk-remove").length; left--) {
    all("#references .lk-remove")[0].click();
    await moment();
  }
  write("#prompt textarea, #negative-prompt textarea", "");
  write("#seed input", "-1");
  for (const [id, value] of Object.entries(numbers)) write(`[id="${id}"] input[type=number]`, value);
  press("#panel-studio .lk-disclosure[aria-expanded=true]");
  press("#collection-filters[aria-expanded=true]");
  press("#collection .out-segment[data-value=pictures][aria-pressed=false]");
  all("#collection-sort").forEach((each) => (each.value = "newest"));
  press("#collection-show-all"); // no words, no filter, and it asks anew
  if (likeness.theme() !== theme) likeness.setTheme(theme);
  if (window.invented) {
    const { jobs, last, before } = window.invented;
    const truth = likeness.snapshot === last ? before : likeness.snapshot;
    const end = { status: "cancelled", images: [], finished_at: "2030-01-01T00:00:00Z" };
    const over = jobs.map((job) => ({ ...job, ...end }));
    likeness.emit("snapshot", { ...truth, jobs: [...over, ...truth.jobs] });
    likeness.emit("snapshot", truth);
    delete window.invented;
  }
  likeness.showTab("studio");
  likeness.emit("gallery:selected", { id: likeness.gallery.ids()[0] ?? null, by: "artist" });
  press("#zoom-fit");
  scrollTo(0, 0);
}"""
"""Close what is open, empty what was filled, end the jobs that `pages.show_jobs` has invented."""


def open_studio(page: Page, url: str) -> None:
    """Load the studio's page, where it is not loaded yet, and wait until it can be used."""
    if not page.url.startswith(url):
        page.goto(url)
    page.wait_for_selector("#generate")
    page.wait_for_selector("body.lk-ready")


def come_late(page: Page, seed: int | None) -> None:
    """With a seed, answers to this page come late, in another order (`--late-answers`)."""
    if seed is not None:
        page.add_init_script(f"({LATE_ANSWERS})({seed})")


def close_all(profile: BrowserContext) -> None:
    """Close the profile's pages; what they have left in its storage is gone."""
    homes = {f"{url.scheme}://{url.netloc}" for url in (urlsplit(page.url) for page in profile.pages)}
    for page in profile.pages:
        page.close()
    blank = profile.new_page()
    browser = profile.new_cdp_session(blank)
    for home in homes:
        browser.send("Storage.clearDataForOrigin", {"origin": home, "storageTypes": "local_storage"})
    blank.close()


class SharedPage:
    """`url`: of the studio; `prepare`: what is done to a page before it is loaded, and after each test."""

    def __init__(
        self, profile: BrowserContext, url: str, late: int | None, prepare: Callable[[Page], object]
    ) -> None:
        self._profile, self._url, self._late, self._prepare = profile, url, late, prepare
        self._open: tuple[Page, PageWatch] | None = None
        self._found = ""
        self._set: list[Any] = []

    def take(self) -> tuple[Page, PageWatch]:
        """The page as it was found, and its watch, which has seen nothing yet."""
        if self._open and self._told_else(self._open[0]) and not self._brought_back(self._open[0]):
            self.close()  # a dialog that was still loading when the test before had ended
        if self._open is None:
            self._open = self._opened()
        self._open[1].begin()
        return self._open

    def _opened(self) -> tuple[Page, PageWatch]:
        page = self._profile.new_page()
        come_late(page, self._late)
        watch = PageWatch(page, self._url)
        self._prepare(page)
        open_studio(page, self._url)
        page.wait_for_function(
            "likeness.snapshot && !document.querySelector('#gallery .out-film > [aria-hidden]')"
        )
        self._found, self._set = page.evaluate(TOLD), page.evaluate(f"[likeness.theme(), ({NUMBERS})()]")
        return page, watch

    def give_back(self, failed: bool) -> None:
        """After a test: undo what it did. A page that failed or cannot be brought back is closed.

        Raises AssertionError for what the page must not do and did in this test or while it was brought back.
        """
        if self._open is None:
            return
        page, watch = self._open
        if failed or not self._brought_back(page):
            self.close()
        try:
            watch.check()
        except AssertionError:
            self.close()
            raise

    def _told_else(self, page: Page) -> bool:
        return bool(page.evaluate(f"(found) => ({TOLD})() !== found", self._found))

    def _brought_back(self, page: Page) -> bool:
        if page.is_closed() or not page.url.startswith(self._url):
            return False
        for other in self._profile.pages:
            if other != page:
                other.close()
        page.unroute_all()
        self._prepare(page)
        page.mouse.move(0, 0)
        if page.viewport_size != VIEWPORT:
            page.set_viewport_size(VIEWPORT)  # type: ignore[arg-type]
        try:
            page.evaluate(UNDO, self._set)
            page.wait_for_function(f"(found) => ({TOLD})() === found", arg=self._found, timeout=SOON)
        except TooLate:
            return False
        return True

    def close(self) -> None:
        """The next test gets a new page."""
        self._open = None
        close_all(self._profile)
