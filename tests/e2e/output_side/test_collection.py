"""The Collection: a grid of any length walked through by keys, filters, search, many at once, the trash."""

from __future__ import annotations

import re
import secrets
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import expect_focus, make_picture
from tests.e2e.slow import slowed

Pictures = list[dict[str, Any]]

pytestmark = pytest.mark.shared_page

TRASH = "(id) => fetch(`/api/v1/images/${id}`, { method: 'DELETE' }).then((answer) => answer.status)"
"""Behind the page's back."""


@pytest.fixture
def word() -> str:
    """A word no other picture has."""
    return f"harbour{secrets.token_hex(4)}"


@pytest.fixture
def few(studio_server: StudioProcess, tmp_path: Path, word: str) -> Pictures:
    """Four uploads with `word` in their names, the newest first."""
    names = [f"{word}-{letter}.png" for letter in "abcd"]
    return [studio_server.upload(make_picture(tmp_path, name)) for name in names][::-1]


@pytest.fixture
def found(few: Pictures, collection: Page, word: str) -> Page:
    """The Collection, showing `few` alone."""
    return search(collection, word, few)


def seek(page: Page, word: str) -> None:
    """Search, and wait until the page has begun to: a listing that came meanwhile is thrown away then."""
    page.locator("#collection-search").fill(word)
    page.evaluate("() => new Promise((done) => setTimeout(done, 260))")  # it begins 250 ms after the last key


def search(page: Page, word: str, few: Pictures) -> Page:
    """`few` alone are listed; the listing before may have had as many."""
    seek(page, word)
    expect(page.locator("#collection .out-count")).to_have_text("4 pictures")
    for record in few:
        expect(cell(page, record)).to_be_visible()
    return page


def cell(page: Page, record: dict[str, Any]) -> Locator:
    return page.locator(f"#collection [data-picture='{record['id']}']")


def shown(page: Page) -> list[str]:
    cells = page.locator("#collection [data-picture]").all()
    return [str(each.get_attribute("data-picture")) for each in cells]


def choose(page: Page, *records: dict[str, Any]) -> Locator:
    """Choose pictures with the space key; the bar that appears."""
    for record in records:
        cell(page, record).focus()
        page.keyboard.press("Space")
    bar = page.get_by_role("toolbar", name="Chosen pictures")
    expect(bar).to_contain_text(f"{len(records)} chosen")
    return bar


def test_pictures_that_come_and_go_elsewhere_are_shown_in_their_order(
    page: Page, studio_server: StudioProcess, tmp_path: Path, word: str
) -> None:
    come_and_go(page, studio_server, tmp_path, word)


def test_pictures_that_come_and_go_are_shown_also_where_everything_is_slow(
    page: Page, studio_server: StudioProcess, tmp_path: Path, word: str
) -> None:
    with slowed(page, seed=1):
        come_and_go(page, studio_server, tmp_path, word)


def test_what_was_not_answered_is_asked_again(
    page: Page, studio_server: StudioProcess, watch: PageWatch, few: Pictures, word: str
) -> None:
    watch.expect("Failed to load resource")
    page.locator("#tab-collection").click()
    search(page, word, few)
    page.route("**/api/v1/images?*", lambda route: route.abort())
    page.evaluate(TRASH, few[0]["id"])
    page.locator("#tab-studio").click()
    with page.expect_event("requestfailed"):
        page.locator("#tab-collection").click()
    page.unroute("**/api/v1/images?*")
    expect(page.locator("#collection .out-count")).to_have_text("3 pictures")


def come_and_go(page: Page, studio_server: StudioProcess, tmp_path: Path, word: str) -> None:
    made = [
        studio_server.upload(make_picture(tmp_path, f"{word}-{n}.png", (20, 24)))["id"] for n in range(66)
    ][::-1]
    page.locator("#tab-collection").click()
    seek(page, word)
    expect(page.locator("#collection .out-count")).to_have_text("66 pictures")
    for image_id in made[1:3]:
        assert page.evaluate(TRASH, image_id) == 200
    newest = studio_server.upload(make_picture(tmp_path, f"{word}-new.png", (20, 24)))["id"]
    page.locator("#tab-studio").click()
    page.locator("#tab-collection").click()
    expect(page.locator("#collection .out-count")).to_have_text("65 pictures")
    wanted = [newest, made[0], *made[3:]]
    expect(page.locator(f"#collection [data-picture='{newest}']")).to_be_visible()
    seen = shown(page)
    assert seen == wanted[: len(seen)]


def test_a_long_collection_is_on_the_page_only_where_it_is_seen(
    page: Page, studio_server: StudioProcess, tmp_path: Path, word: str
) -> None:
    studio_server.upload(
        make_picture(tmp_path, "another.png", (16, 16))
    )  # so that the search changes the count
    uploads = [studio_server.upload(make_picture(tmp_path, f"{word}-{i}.png", (16, 16))) for i in range(70)]
    page.locator("#tab-collection").click()
    seek(page, word)
    expect(page.locator("#collection .out-count")).to_have_text("70 pictures")
    cell(page, uploads[-1]).focus()
    page.keyboard.press("End")
    expect_focus(page, uploads[0]["id"])
    assert page.locator("#collection .out-cell").count() < 60
    expect(page.locator("#collection [role=grid]")).to_have_attribute("aria-rowcount", "12")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageDown")
    expect_focus(page, uploads[0]["id"])
    page.keyboard.press("Home")
    expect_focus(page, uploads[-1]["id"])
    expect(cell(page, uploads[-1])).to_be_in_viewport(ratio=0.9)


def test_arrows_walk_enter_opens_s_stars_and_the_focus_stays(
    found: Page, few: Pictures, studio_server: StudioProcess
) -> None:
    found.keyboard.press("ArrowDown")
    expect_focus(found, few[0]["id"])
    found.keyboard.press("ArrowRight")
    found.keyboard.press("s")
    expect(cell(found, few[1])).to_have_class(re.compile("starred"))
    found.keyboard.press("Enter")
    expect(found.locator("#details-dialog-title")).to_have_text(few[1]["label"])
    found.keyboard.press("ArrowRight")
    expect(found.locator("#details-dialog-title")).to_have_text(few[2]["label"])
    old = cell(found, few[1]).element_handle()
    found.set_viewport_size({"width": 700, "height": 800})  # the grid is drawn anew beneath
    found.wait_for_function("(cell) => !cell.isConnected", arg=old)
    found.keyboard.press("Escape")
    expect_focus(found, few[1]["id"])
    assert studio_server.api("GET", f"/images/{few[1]['id']}").json()["starred"] is True


def test_r_in_the_collection_makes_the_picture_the_reference(found: Page, few: Pictures) -> None:
    cell(found, few[2]).focus()
    found.keyboard.press("r")
    expect(found.locator("#panel-studio")).to_be_visible()
    expect(found.locator("#references img")).to_have_attribute("src", re.compile(few[2]["id"]))


def test_filters_narrow_the_listing_and_can_be_cleared(
    found: Page, few: Pictures, studio_server: StudioProcess, word: str
) -> None:
    studio_server.api("PATCH", f"/images/{few[3]['id']}", json={"tags": [word], "starred": True})
    found.locator("#tab-studio").click()
    found.locator("#tab-collection").click()
    found.get_by_role("button", name="Starred", exact=True).click()
    expect(found.locator("#collection .out-count")).to_have_text("1 picture")
    found.get_by_role("button", name="Uploads").click()
    expect(found.locator("#collection .out-count")).to_have_text("4 pictures")
    found.locator("#collection-filters").click()
    found.locator("#collection-more").get_by_label("Tag").select_option(word)
    expect(found.locator("#collection .out-count")).to_have_text("1 picture")
    assert shown(found) == [few[3]["id"]]
    found.locator("#collection-more").get_by_label("References").select_option("true")
    expect(found.locator("#collection .out-empty:visible")).to_have_text(re.compile("^No picture matches"))
    found.get_by_role("button", name="Clear filters").click()
    expect(found.locator("#collection .out-count")).to_have_text("4 pictures")
    found.get_by_label("Order").select_option("name")
    expect(found.locator("#collection [data-picture]").first).to_have_attribute("data-picture", few[3]["id"])
    found.get_by_role("button", name="Edited").click()
    expect(found.locator("#collection .out-empty:visible")).to_contain_text("Try fewer or other words")


def test_several_are_chosen_by_keys_and_mouse_starred_and_tagged(
    found: Page, few: Pictures, studio_server: StudioProcess
) -> None:
    bar = choose(found, few[0], few[1])
    cell(found, few[3]).locator(".out-cell-open").click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 chosen")
    cell(found, few[2]).locator(".out-cell-open").click()
    expect(bar).to_contain_text("3 chosen")
    found.keyboard.press("t")
    found.locator("#tag-name").fill("final")
    found.keyboard.press("Enter")
    expect(found.get_by_text("“final” given to 3 pictures.")).to_be_visible()
    bar.get_by_role("button", name="Star").click()
    expect(found.get_by_text("3 pictures starred.")).to_be_visible()
    records = [studio_server.api("GET", f"/images/{each['id']}").json() for each in few]
    assert [record["tags"] for record in records] == [["final"], ["final"], [], ["final"]]
    assert [record["starred"] for record in records] == [True, True, False, True]
    bar.get_by_role("button", name="Choose none").click()
    expect(bar).to_be_hidden()


def test_the_chosen_become_the_references_in_the_order_of_choosing(found: Page, few: Pictures) -> None:
    bar = choose(found, few[2], few[0])
    bar.get_by_role("button", name="Use as references").click()
    expect(found.locator("#panel-studio")).to_be_visible()
    strip = found.locator("#references img")
    expect(strip).to_have_count(2)
    expect(strip.nth(0)).to_have_attribute("src", re.compile(few[2]["id"]))
    expect(strip.nth(1)).to_have_attribute("src", re.compile(few[0]["id"]))


def test_two_chosen_ones_can_be_compared(found: Page, few: Pictures) -> None:
    choose(found, few[0], few[1]).get_by_role("button", name="Compare").click()
    expect(found.locator("#compare-dialog-title")).to_have_text("Compare two pictures")
    expect(found.locator(".out-compare-reference")).to_have_attribute("src", re.compile(few[0]["id"]))
    expect(found.locator(".out-compare-picture")).to_have_attribute("src", re.compile(few[1]["id"]))


def test_many_go_to_the_trash_and_come_back_by_undo_and_by_restore(found: Page, few: Pictures) -> None:
    choose(found, few[0], few[1])
    found.keyboard.press("Delete")
    expect(found.locator("#collection .out-count")).to_have_text("2 pictures")
    expect_focus(found, few[2]["id"], few[3]["id"])
    found.get_by_role("button", name="Undo").click()
    expect(found.locator("#collection .out-count")).to_have_text("4 pictures")
    cell(found, few[3]).focus()
    found.keyboard.press("Delete")
    expect(cell(found, few[3])).to_have_count(0)
    found.get_by_role("button", name="Trash", exact=True).click()
    expect(found.locator("#collection .out-count")).to_have_text("1 picture")
    choose(found, few[3]).get_by_role("button", name="Restore").click()
    expect(found.locator("#collection .out-count")).to_be_empty()
    found.get_by_role("button", name="All", exact=True).click()
    expect(cell(found, few[3])).to_be_visible()


def test_the_trash_is_emptied_after_a_question_with_its_count(
    found: Page, few: Pictures, studio_server: StudioProcess
) -> None:
    for record in few[:2]:
        studio_server.api("DELETE", f"/images/{record['id']}")
    trashed = studio_server.api("GET", "/images/facets").json()["trashed"]
    found.get_by_role("button", name="Trash", exact=True).click()
    # until the listing is that of the trash, the button may still be switched off under the pointer
    expect(found.locator("#collection .out-count")).to_have_text("2 pictures")
    found.locator("#empty-trash").click()
    expect(found.locator("#confirm-dialog")).to_contain_text(f"Delete {trashed} pictures for good?")
    found.get_by_role("button", name="Cancel").last.click()
    assert studio_server.api("GET", "/images/facets").json()["trashed"] == trashed
    found.locator("#empty-trash").click()
    found.get_by_role("button", name=f"Delete {trashed} pictures").click()
    expect(found.locator("#collection .out-count")).to_be_empty()
    assert studio_server.api("GET", "/images/facets").json()["trashed"] == 0
    assert studio_server.api("GET", f"/images/{few[2]['id']}").status_code == 200


def test_the_chosen_are_exported_as_a_zip_of_clean_copies(found: Page, few: Pictures, tmp_path: Path) -> None:
    choose(found, few[0], few[3]).get_by_role("button", name="Export").click()
    found.locator("#export-clean").check()
    with found.expect_download() as waiting:
        found.locator("#export-start").click()
    waiting.value.save_as(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        names = archive.namelist()
    assert len([name for name in names if name.endswith(".png")]) == 2
    assert "manifest.json" in names
    expect(found.locator("#export-dialog")).to_be_hidden()


def test_an_export_that_lacks_a_picture_says_so(
    found: Page, few: Pictures, studio_server: StudioProcess, tmp_path: Path
) -> None:
    damaged = few[1]
    (studio_server.data_dir / "images" / damaged["sha256"][:2] / f"{damaged['sha256']}.png").write_bytes(b"")
    choose(found, few[0], damaged).get_by_role("button", name="Export").click()
    with found.expect_download() as waiting:
        found.locator("#export-start").click()
    waiting.value.save_as(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        assert damaged["label"] in archive.read("left-out.txt").decode()
    expect(found.locator("body")).to_contain_text("Some pictures could not be exported.")


@pytest.mark.own_page
def test_an_empty_collection_says_what_to_do(page: Page) -> None:
    page.route("**/api/v1/images?*", lambda route: route.fulfill(json={"items": [], "next": None}))
    page.locator("#tab-collection").click()
    expect(page.get_by_role("heading", name="Every picture you make is kept here")).to_be_visible()
    page.get_by_role("button", name="Make the first portrait").click()
    expect(page.locator("#panel-studio")).to_be_visible()


@pytest.mark.own_page
def test_a_listing_that_fails_offers_to_try_again(page: Page, watch: Any) -> None:
    watch.expect("503")
    broken = "**/api/v1/images?*"
    page.route(broken, lambda route: route.fulfill(status=503, json={"detail": "The disk is busy."}))
    page.locator("#tab-collection").click()
    expect(page.locator("#collection")).to_contain_text("The disk is busy.")
    page.unroute(broken)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#collection")).not_to_contain_text("The disk is busy.")


def test_characters_are_a_filter_as_soon_as_there_are_some(
    found: Page, studio_server: StudioProcess, word: str
) -> None:
    found.locator("#collection-filters").click()
    choice = found.get_by_label("Character", exact=True)
    found.route("**/api/v1/characters", lambda route: route.fulfill(json=[]))
    found.locator("#tab-studio").click()
    found.locator("#tab-collection").click()
    expect(choice).to_be_hidden()
    made = studio_server.api("POST", "/characters", json={"name": word}).json()
    found.unroute("**/api/v1/characters")
    found.locator("#tab-studio").click()
    found.locator("#tab-collection").click()
    with found.expect_response(lambda answer: f"character={made['id']}" in answer.url):
        choice.select_option(label=word)
    expect(found.locator("#collection")).to_contain_text("No picture matches")
    found.locator("#collection-show-all").click()
    expect(found.locator("#collection-search")).to_have_value("")
    expect(found.locator("#collection [data-picture]").first).to_be_visible()


def test_small_cells_take_the_small_thumbnail(
    page: Page, few: Pictures, studio_server: StudioProcess
) -> None:
    page.evaluate("likeness.emit('picker:open', { max: 1 })")
    image = page.locator(f"#picker [data-picture='{few[0]['id']}'] img")
    expect(image).to_have_js_property("complete", True)
    small = f"{studio_server.url}/api/v1/images/{few[0]['id']}/thumbnail?side=192"
    expect(image).to_have_js_property("currentSrc", small)
