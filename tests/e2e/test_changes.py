"""What the artist does last is what holds, however late the studio answers what was asked before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import PATIENCE
from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import ended, generate, make_picture
from tests.e2e.shared import SharedPage

Letters = dict[str, str]

pytestmark = pytest.mark.shared_page


class Held:
    """Questions of a page that match; they reach the studio once they are let go."""

    def __init__(self, page: Page, where: str, matches: Callable[[Any], bool]) -> None:
        self.routes: list[Route] = []
        self._holding = True
        self._matches = matches
        page.route(where, self._meet)

    def _meet(self, route: Route) -> None:
        if self._holding and self._matches(route.request):
            self.routes.append(route)
        else:
            route.fallback()

    def wait(self, page: Page, number: int = 1) -> None:
        """Return when so many have been held."""
        for _ in range(PATIENCE // 50):
            if len(self.routes) >= number:
                return
            page.wait_for_timeout(50)
        raise AssertionError("The page did not ask.")

    def let_go(self) -> None:
        self._holding = False
        while self.routes:
            self.routes.pop(0).continue_()


def hold_action(page: Page, action: str, image_id: str) -> Held:
    wanted = {"action": action, "image_id": image_id}
    return Held(page, "**/queue/join*", lambda r: (r.post_data_json or {}).get("event_data") == wanted)


@pytest.fixture(scope="module")
def letters(
    shared: SharedPage, studio_server: StudioProcess, tmp_path_factory: pytest.TempPathFactory
) -> Letters:
    """Ids of four new uploads, a to d; the page is opened after."""
    shared.close()
    folder = tmp_path_factory.mktemp("letters")
    return {each: studio_server.upload(make_picture(folder, f"{each}.png"))["id"] for each in "abcd"}


@pytest.fixture
def studio(letters: Letters, page: Page) -> Page:
    """The page with all four in its gallery and `a` as its reference."""
    act(page, "use", letters["a"])
    expect(references(page)).to_have_count(1)
    return page


def act(page: Page, action: str, image_id: str) -> None:
    """Ask for it as every button and key does."""
    page.evaluate("([action, id]) => likeness.toolbar.perform(action, id)", [action, image_id])


def references(page: Page) -> Locator:
    return page.locator("#references .lk-reference:not(.lk-waiting)")


def holds(page: Page, *ids: str) -> None:
    """These are the references, and Python thinks so, too."""
    for index, image_id in enumerate(ids):
        expect(references(page).nth(index)).to_have_attribute("data-image-id", image_id)
    expect(references(page)).to_have_count(len(ids))


def test_two_pictures_added_in_a_hurry_are_both_there(studio: Page, letters: Letters) -> None:
    first = hold_action(studio, "add", letters["b"])
    act(studio, "add", letters["b"])
    first.wait(studio)
    act(studio, "add", letters["c"])
    first.let_go()
    holds(studio, letters["a"], letters["b"], letters["c"])


def test_a_late_answer_does_not_bring_back_what_was_removed(studio: Page, letters: Letters) -> None:
    late = hold_action(studio, "add", letters["b"])
    act(studio, "add", letters["b"])
    late.wait(studio)
    studio.get_by_role("button", name="Remove reference 1").click()
    holds(studio)
    late.let_go()
    holds(studio, letters["b"])


def test_what_is_typed_and_chosen_meanwhile_stays(studio: Page, letters: Letters) -> None:
    late = hold_action(studio, "edit", letters["b"])
    studio.locator("#assistant button").first.click()
    studio.locator("#mode-img2img").click()
    expect(studio.locator("#assistant .lk-mode-name")).to_have_text("Img2Img")
    act(studio, "edit", letters["b"])
    late.wait(studio)
    studio.locator("#prompt textarea").fill("typed meanwhile")
    studio.locator("#assistant button").first.click()
    studio.locator("#mode-style_reference").click()
    late.let_go()
    holds(studio, letters["b"])
    expect(studio.locator("#prompt textarea")).to_have_value("typed meanwhile")
    expect(studio.locator("#assistant .lk-mode-name")).to_have_text("Style Reference")


def test_generate_waits_for_the_reference_asked_for_before(
    studio: Page, letters: Letters, studio_server: StudioProcess
) -> None:
    late = hold_action(studio, "use", letters["d"])
    act(studio, "use", letters["d"])
    late.wait(studio)
    generate(studio, "with the new reference", steps=2)
    late.let_go()
    job = ended(studio, "with the new reference")
    assert [each["image_id"] for each in job["request"]["references"]] == [letters["d"]]


def test_generate_takes_the_words_that_stood_there_when_it_was_pressed(
    studio: Page, letters: Letters
) -> None:
    late = hold_action(studio, "use", letters["d"])
    act(studio, "use", letters["d"])
    late.wait(studio)
    generate(studio, "as it was pressed", steps=2)
    studio.locator("#prompt textarea").fill("the next idea")
    late.let_go()
    job = ended(studio, "as it was pressed")
    assert [each["image_id"] for each in job["request"]["references"]] == [letters["d"]]
    expect(studio.locator("#prompt textarea")).to_have_value("the next idea")


def test_a_refused_change_holds_nobody_up(studio: Page, letters: Letters) -> None:
    studio.evaluate("likeness.change({ action: 'no such thing', image_id: 'x' })")
    act(studio, "add", letters["c"])
    holds(studio, letters["a"], letters["c"])
    expect(studio.locator(".toast-wrap")).to_contain_text(re.compile("no longer|does not know|not"))


def test_use_as_reference_takes_the_new_picture_however_late_it_is_known(
    letters: Letters, page: Page, studio_server: StudioProcess
) -> None:
    """The gallery marks the new picture at once; its record comes later."""
    page.locator(f"#gallery [data-picture='{letters['a']}']").click()
    expect(page.locator("#use-as-reference")).to_be_enabled()
    known = set(letters.values())
    late = Held(
        page, "**/api/v1/images/*", lambda r: r.method == "GET" and r.url.rsplit("/", 1)[-1] not in known
    )
    generate(page, "known late", steps=2)
    [made] = ended(page, "known late")["images"]
    expect(page.locator("#gallery [aria-selected=true]")).to_have_attribute("data-picture", made)
    late.wait(page)
    expect(page.locator("#use-as-reference")).to_be_disabled()
    page.locator("#preview").press("r")
    late.let_go()
    page.locator("#use-as-reference").click()
    holds(page, made)
