"""An empty studio: one press fills the prompt or loads the sample portrait, and Generate is the second."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import Audit
from tests.e2e.output_side.pages import ended

pytestmark = pytest.mark.shared_page

SIZES = [(1440, 900), (1024, 768), (390, 844)]


@pytest.fixture(scope="module")
def prepare() -> Callable[[Page], object]:
    """No picture is listed."""
    nothing: dict[str, object] = {"items": [], "next": None}
    return lambda page: page.route("**/api/v1/images?*", lambda route: route.fulfill(json=nothing))


@pytest.fixture
def empty(page: Page) -> Page:
    """The page of a studio without pictures."""
    expect(page.locator("#sample-portrait")).to_be_visible()
    return page


def test_a_press_fills_the_prompt_and_the_next_chip_says_another(empty: Page) -> None:
    chips, prompt = empty.locator(".example-prompt"), empty.locator("#prompt textarea")
    expect(chips).to_have_count(4)
    for number in (0, 2):
        words = chips.nth(number).inner_text()
        chips.nth(number).click()
        expect(prompt).to_have_value(words)
        expect(chips.nth(number)).to_have_attribute("aria-pressed", "true")
    expect(empty.locator(".example-prompt[aria-pressed=true]")).to_have_count(1)


def test_they_step_aside_for_words_of_ones_own(empty: Page) -> None:
    empty.locator("#prompt textarea").fill("a sailor with a pipe")
    expect(empty.locator(".example-prompt").first).to_be_hidden()
    expect(empty.locator("#sample-portrait")).to_be_hidden()
    empty.locator("#prompt textarea").fill("")
    expect(empty.locator(".example-prompt").first).to_be_visible()
    expect(empty.locator("#sample-portrait")).to_be_visible()


@pytest.mark.own_page
def test_a_change_of_the_sample_is_two_presses(empty: Page) -> None:
    chip = empty.locator(".example-edit").nth(1)
    words = chip.inner_text()
    chip.click()
    expect(empty.locator("#references .lk-reference")).to_have_count(1)
    expect(empty.locator("#prompt textarea")).to_have_value(words)
    expect(empty.locator("#mode-smart_edit")).to_have_attribute("aria-checked", "true")
    expect(empty.locator("#preview .picture")).to_be_visible()
    empty.locator("#generate").click()
    request = ended(empty, words)["request"]
    assert (request["mode"], len(request["references"])) == ("smart_edit", 1)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_all_of_it_is_on_the_page_by_keys_and_without_objection(empty: Page, width: int, height: int) -> None:
    empty.set_viewport_size({"width": width, "height": height})
    stage = empty.locator("#preview .out-area")
    assert stage.evaluate(
        "(node) => node.scrollHeight <= node.clientHeight + 1 && node.scrollWidth <= node.clientWidth"
    )
    empty.locator("#sample-portrait").focus()
    reached = []
    for _ in range(7):
        empty.keyboard.press("Tab")
        reached.append(empty.evaluate("document.activeElement.className.split(' ').pop()"))
    assert reached == ["example-edit"] * 3 + ["example-prompt"] * 4
    empty.keyboard.press("Enter")
    expect(empty.locator("#prompt textarea")).not_to_have_value("")
    audit = Audit(empty)
    audit.look(f"an empty studio, {width} px", "#preview")
    audit.check()
