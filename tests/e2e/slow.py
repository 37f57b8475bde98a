"""A page on a machine that is eight times slower, where answers come late and in another order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

TIMES_SLOWER = 8
LATE_ANSWERS = """(seed) => {
  let state = seed * 7919;
  const chance = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const pause = () => new Promise((done) => setTimeout(done, chance() * 400));
  const real = window.fetch;
  const late = async (...said) => {
    await pause();
    const answer = await real(...said);
    await pause();
    return answer;
  };
  window.fetch = Object.assign(late, { real });
}"""


@contextmanager
def slowed(page: Page, seed: int) -> Iterator[None]:
    """Scripts run slowly; each call waits at random before it is sent and before it is answered."""
    page.evaluate(LATE_ANSWERS, seed)
    browser = page.context.new_cdp_session(page)
    browser.send("Emulation.setCPUThrottlingRate", {"rate": TIMES_SLOWER})
    try:
        yield
    finally:
        browser.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        browser.detach()
        page.evaluate("() => { window.fetch = window.fetch.real; }")
