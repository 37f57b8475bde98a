"""The gallery: choosing by mouse and keys, and all that can be done with the chosen picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import expect_focus, make_picture, thumbs

pytestmark = pytest.mark.shared_page


@pytest.fixture(scope="module")
def upload(studio_server: StudioProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A picture without a reference."""
    return studio_server.upload(make_picture(tmp_path_factory.mktemp("upload")))


@pytest.fixture(scope="module")
def made(upload: dict[str, Any], three: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three pictures for all tests, newer than `upload`: none takes them away."""
    return three


def test_a_fresh_tab_shows_the_newest_pictures_by_batch(gallery: Page, made: list[dict[str, Any]]) -> None:
    batch = gallery.locator(".out-batch").first
    for place, record in enumerate(made):
        expect(batch.locator("[data-picture]").nth(place)).to_have_attribute("data-picture", record["id"])
    expect(batch.locator("[data-picture]")).to_have_count(len(made))
    expect(batch.locator("header")).to_contain_text("make her smile")
    expect(batch.locator("header")).to_contain_text("4 steps · guidance 3.5")


def test_arrows_choose_enter_opens_and_focus_comes_back(gallery: Page, made: list[dict[str, Any]]) -> None:
    gallery.keyboard.press("ArrowRight")
    expect_focus(gallery, made[1]["id"])
    expect(gallery.locator("#preview .picture .out-steady")).to_have_attribute(
        "src", re.compile(made[1]["id"])
    )
    gallery.keyboard.press("Enter")
    dialog = gallery.locator("#details-dialog")
    expect(dialog).to_be_visible()
    for words in (
        "Img2Img",
        "make her smile",
        str(made[1]["seed"]),
        "2 of 3",
        "Tiny Portrait · revision",
        "Kept in memory",
        "Source",
    ):
        expect(dialog).to_contain_text(words)
    gallery.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("3 of 3")
    gallery.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect_focus(gallery, made[1]["id"])


def test_a_picture_can_be_given_a_name(
    gallery: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    gallery.keyboard.press("Enter")
    gallery.get_by_role("textbox", name="Name").fill("Mira, smiling")
    gallery.keyboard.press("Tab")
    expect(gallery.locator("#details-dialog-title")).to_have_text("Mira, smiling")
    assert studio_server.api("GET", f"/images/{made[0]['id']}").json()["name"] == "Mira, smiling"
    gallery.keyboard.press("Escape")


def test_s_stars_and_a_second_tab_sees_it(
    gallery: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    second = gallery.context.new_page()
    second.goto(studio_server.url)
    other = second.locator(f"#gallery [data-picture='{made[0]['id']}']")
    expect(other).to_be_visible()
    gallery.keyboard.press("s")
    expect(gallery.locator("#star")).to_have_attribute("aria-pressed", "true")
    expect(other).to_have_class(re.compile(r"\bstarred\b"))
    assert studio_server.api("GET", f"/images/{made[0]['id']}").json()["starred"] is True
    second.close()


def test_delete_trashes_the_next_is_chosen_and_undo_brings_it_back(
    gallery: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    first = gallery.locator(f"#gallery [data-picture='{made[0]['id']}']")
    gallery.keyboard.press("Delete")
    expect(first).to_be_hidden()
    expect_focus(gallery, made[1]["id"])
    assert studio_server.api("GET", f"/images/{made[0]['id']}").json()["trashed_at"]
    gallery.get_by_role("button", name="Undo").click()
    expect(first).to_be_visible()
    assert studio_server.api("GET", f"/images/{made[0]['id']}").json()["trashed_at"] is None


@pytest.mark.own_page
def test_r_uses_the_picture_add_puts_another_beside_it_and_reuse_brings_settings_back(
    gallery: Page, made: list[dict[str, Any]]
) -> None:
    strip = gallery.locator("#references img")
    gallery.keyboard.press("r")
    expect(strip).to_have_count(1)
    expect(strip).to_have_attribute("src", re.compile(made[0]["id"]))
    thumbs(gallery).nth(1).click()
    gallery.locator("#add-as-reference").click()
    expect(strip).to_have_count(2)
    gallery.locator("#edit-image").click()
    expect(strip).to_have_count(1)
    expect(strip).to_have_attribute("src", re.compile(made[1]["id"]))
    gallery.locator("#reuse-settings").click()
    expect(gallery.locator("#prompt textarea")).to_have_value("make her smile")
    expect(strip).to_have_attribute("src", re.compile(made[0]["parents"][0]["image_id"]))


def test_reuse_seed_takes_the_seed_of_this_very_picture(gallery: Page, made: list[dict[str, Any]]) -> None:
    thumbs(gallery).nth(2).click()
    expect(gallery.locator("#reuse-seed")).to_have_accessible_name(f"Reuse seed {made[2]['seed']}")
    gallery.locator("#reuse-seed").click()
    expect(gallery.locator("#seed input, #seed textarea").first).to_have_value(str(made[2]["seed"]))


def test_download_gives_the_stored_bytes(
    gallery: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    with gallery.expect_download() as waiting:
        gallery.locator("#download").click()
    sha = made[0]["sha256"]
    [stored] = (studio_server.data_dir / "images").glob(f"*/{sha}*")
    assert Path(waiting.value.path()).read_bytes() == stored.read_bytes()


def test_compare_slides_by_key_and_closes_with_escape(gallery: Page, made: list[dict[str, Any]]) -> None:
    gallery.keyboard.press("c")
    slider = gallery.locator("#compare-range")
    expect(slider).to_be_focused()
    reference = made[0]["parents"][0]["image_id"]
    expect(gallery.locator(".out-compare-reference")).to_have_attribute(
        "src", f"/api/v1/images/{reference}/file"
    )
    expect(gallery.locator(".out-compare-picture")).to_have_attribute("src", re.compile(made[0]["id"]))
    gallery.keyboard.press("ArrowRight")
    expect(slider).to_have_value("51")
    expect(gallery.locator(".out-compare-stage")).to_have_attribute("style", re.compile("51%"))
    gallery.get_by_role("button", name="200 %").click()
    gallery.keyboard.press("Escape")
    expect(gallery.locator("#compare-dialog")).to_be_hidden()
    expect_focus(gallery, made[0]["id"])


def test_a_picture_without_a_reference_cannot_be_compared(
    page: Page, made: list[dict[str, Any]], upload: dict[str, Any]
) -> None:
    page.locator(f"#gallery [data-picture='{upload['id']}']").click()
    expect(page.locator("#compare")).to_be_disabled()
    page.keyboard.press("c")
    expect(page.get_by_text("This picture was made without a reference.")).to_be_visible()


def test_pictures_are_dragged_onto_the_references(page: Page, made: list[dict[str, Any]]) -> None:
    page.locator(f"#gallery [data-picture='{made[1]['id']}']").drag_to(page.locator("#references"))
    expect(page.locator("#references img")).to_have_attribute("src", re.compile(made[1]["id"]))
