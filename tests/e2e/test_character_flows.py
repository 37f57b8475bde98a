"""Characters from one section to the next: into the studio, under a design, on a sheet, as an avatar."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.cast import DRAWINGS, character, drawing
from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, make_picture
from tests.e2e.test_characters import (  # noqa: F401  (fixtures)
    cast_page,
    look_again,
    menu,
    open_portrait,
    press,
    row,
    studio_server,
    versions,
)

pytestmark = pytest.mark.shared_page


def approve(studio: StudioProcess, character_id: str, image_id: str) -> None:
    wanted = {"image_id": image_id, "anchor": True}
    assert studio.api("POST", f"/characters/{character_id}/references", json=wanted).status_code == 201


@pytest.mark.own_page
def test_a_character_is_loaded_with_its_set_and_its_portrait(
    cast_page: Page,  # noqa: F811
    studio_server: StudioProcess,  # noqa: F811
) -> None:
    mara = character(studio_server, "Mara", DRAWINGS / "curls-1.webp", hair="white curls")
    approved = studio_server.upload(DRAWINGS / "curls-2.webp")["id"]
    approve(studio_server, mara, approved)
    portrait = versions(studio_server, mara)[0]["image_id"]
    page = look_again(cast_page)
    menu(page, "Mara", "studio")
    expect(page.locator("#tab-studio")).to_have_attribute("aria-selected", "true")
    shown = page.locator("#references .lk-reference")
    expect(shown).to_have_count(2)
    for place, image_id in enumerate((approved, portrait)):
        expect(shown.nth(place).locator("img").first).to_have_attribute("src", re.compile(image_id))
    expect(page.locator("#assistant")).to_contain_text("Character Reference")
    expect(page.locator("#field-picker")).to_contain_text("Mara")


def test_what_follows_an_upload_keeps_the_person(
    cast_page: Page,  # noqa: F811
    studio_server: StudioProcess,  # noqa: F811
    tmp_path: Path,
) -> None:
    character(studio_server, "Mara")
    page = look_again(cast_page)
    open_portrait(page, "Mara")
    expect(page.locator("#portrait-mode")).to_have_value("text_to_image")
    page.set_input_files("#portrait-file", make_picture(tmp_path, "given.png", (96, 128)))
    expect(page.locator("#portrait-mode")).to_have_value("character_reference")
    expect(page.locator("#portrait-modal .chr-mini")).to_have_count(1)
    like = page.locator("#portrait-modal").get_by_role("button", name="Like the reference")
    expect(like).to_have_attribute("aria-pressed", "true")
    page.locator("#portrait-mode").select_option("text_to_image")
    page.set_input_files("#portrait-file", make_picture(tmp_path, "second.png", (96, 128)))
    expect(page.locator("#portrait-place")).to_contain_text("2 of 2")
    expect(page.locator("#portrait-mode")).to_have_value("text_to_image")  # the artist has said so
    page.keyboard.press("Escape")
    open_portrait(page, "Mara")
    expect(page.locator("#portrait-mode")).to_have_value("character_reference")


def test_a_design_says_what_it_takes_over_and_what_it_adds(
    cast_page: Page,  # noqa: F811
    studio_server: StudioProcess,  # noqa: F811
) -> None:
    mara = character(studio_server, "Mara", hair="red")
    job = studio_server.api(
        "POST", f"/characters/{mara}/portrait", json={"prompt": "Mara", "seed": 77, "num_inference_steps": 2}
    ).json()
    studio_server.finished(job["id"])
    page = look_again(cast_page)
    open_portrait(page, "Mara")
    button = page.get_by_role("button", name="Save as design default")
    expect(button).to_have_text("Save as design default")
    button.click()
    asked = page.locator("#design-default")
    expect(asked).to_contain_text("No design is active, so a new one is made")
    expect(asked.locator("dd").first).to_have_text("77")
    page.click("#design-default-save")
    expect(page.locator("#likeness-toasts")).to_contain_text("It is not active")
    (design,) = studio_server.api("GET", "/designs").json()
    assert (design["active"], design["seed"]) == (False, 77)
    change = {"style_prompt": "ink drawing", "negative_prompt": "blurry", "name": "Ink", "seed": 78}
    studio_server.api("PATCH", f"/designs/{design['id']}", json=change)
    studio_server.api("PUT", "/designs/active", json={"design_id": design["id"]})
    page.keyboard.press("Escape")
    open_portrait(page, "Mara")
    expect(page.get_by_label("Style prompt of “Ink”, added to the image prompt")).to_have_value("ink drawing")
    page.click("#portrait-default")
    expect(asked.locator("dd").first).to_have_text("78 → 77")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    press(page, "Mara", "sheet")
    expect(page.locator("#sheet-design")).to_contain_text(
        "“ink drawing” of the design “Ink” is added to every"
    )
    page.keyboard.press("Escape")
    _is_put_away_under_its_name(look_again(page))


def _is_put_away_under_its_name(page: Page) -> None:
    page.get_by_role("button", name="Design: Ink", exact=True).click()
    page.get_by_role("button", name="Work without a design", exact=True).click()
    expect(page.get_by_role("button", name="Make it the active design", exact=True)).to_be_visible()
    page.keyboard.press("Escape")


def test_a_running_sheet_shows_itself_is_cancelled_and_is_one_batch(
    cast_page: Page,  # noqa: F811
    studio_server: StudioProcess,  # noqa: F811
) -> None:
    mara = character(studio_server, "Mara", hair="red")
    studio_server.api("POST", "/designs", json={"name": "Slow", "num_inference_steps": 60})
    page = look_again(cast_page)
    press(page, "Mara", "sheet")
    cells = page.locator(".sheet-cell")
    expect(cells).to_have_count(4)
    cells.nth(1).get_by_label("Prompt of happy").fill("the second one")
    page.click("#sheet-make")
    dialog = page.locator("#character-sheet")
    with studio_server.held_when("the second one", lambda job: bool(job["preview"]) and job["step"] < 50):
        live = dialog.locator("img.sheet-live:visible").last
        expect(live).to_have_attribute("src", re.compile(r"/preview\?v="))
        expect(dialog).to_contain_text("1 of 4 pictures are made")
        page.click("#sheet-cancel")
    expect(page.locator("#sheet-view")).to_be_visible(timeout=LONG_WAIT)
    expect(dialog).to_contain_text(re.compile("[12] of 4 pictures were made"))
    expect(page.locator("#sheet-cancel")).to_be_hidden()
    assert "undefined" not in dialog.inner_text()
    made = studio_server.api("GET", f"/characters/{mara}/sheets").json()[0]["pictures"]
    tabs = {studio_server.api("GET", f"/jobs/{one['job_id']}").json()["tab"] for one in made}
    assert tabs == {page.evaluate("sessionStorage.getItem('likeness.tab')")}
    page.keyboard.press("Escape")
    page.click("#tab-collection")
    page.get_by_role("button", name="Batches", exact=True).click()
    batch = page.locator(".out-past").first
    expect(batch).to_have_attribute("aria-label", "Character sheet of Mara")
    _batches_are_searched(page, batch)


def _batches_are_searched(page: Page, batch: Locator) -> None:
    page.fill("#collection-search", "nothing that was ever asked for")
    expect(page.locator("#collection")).to_contain_text("No batch has a picture that fits")
    page.fill("#collection-search", "red hair")
    expect(batch).to_have_attribute("aria-label", "Character sheet of Mara")
    page.get_by_role("button", name="Starred", exact=True).click()
    expect(page.locator("#collection")).to_contain_text("No batch has a picture that fits")
    page.get_by_role("button", name="Trash", exact=True).click()
    expect(page.get_by_role("button", name="Pictures", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="All", exact=True).click()
    page.fill("#collection-search", "")


def test_a_result_becomes_portrait_and_avatar_in_one_go(
    cast_page: Page,  # noqa: F811
    studio_server: StudioProcess,  # noqa: F811
    tmp_path: Path,
) -> None:
    mara = character(studio_server, "Mara", DRAWINGS / "curls-1.webp")
    picture = studio_server.upload(drawing(tmp_path, "blue-1"))["id"]
    page = cast_page
    page.click("#tab-collection")
    page.locator(f"#collection [data-picture='{picture}'] .out-cell-open").click()
    page.locator("#details-dialog #to-character, #details-dialog [data-action=character]").first.click()
    page.locator(f"#apply-to-character [data-character='{mara}']").click()
    expect(page.locator("#crop-tool")).to_contain_text("Cancel keeps the avatar of Mara as it is.")
    page.click("#crop-apply")
    expect(page.locator("#crop-tool")).to_be_hidden()
    avatar = studio_server.api("GET", f"/characters/{mara}").json()["avatar"]
    assert avatar["image_id"] == picture
    for _ in range(2):
        page.keyboard.press("Escape")
    page.click("#tab-characters")
    shown = row(page, "Mara").locator(".chr-thumb img")
    expect(shown).to_have_attribute("src", re.compile(f"/avatar.*{picture}"))


def test_a_folder_is_chosen_and_examples_look_like_examples(
    cast_page: Page,  # noqa: F811
    studio_server: StudioProcess,  # noqa: F811
    watch: PageWatch,
    tmp_path: Path,
) -> None:
    watch.expect("status of 4")
    character(studio_server, "Mara", hair="red")
    page = look_again(cast_page)
    row(page, "Mara").get_by_role("button", name="Blueprint of Mara").click()
    expect(page.locator("#blueprint-eyes")).to_have_attribute("placeholder", re.compile("^e.g. "))
    page.keyboard.press("Escape")
    folder = tmp_path / "shots"
    (folder / "deeper").mkdir(parents=True)
    make_picture(folder, "one.png", (64, 64))
    make_picture(folder / "deeper", "two.png", (64, 64))
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either", encoding="utf-8")
    page.click("#tab-collection")
    page.locator("#collection").get_by_role("button", name="Import a folder").click()
    page.set_input_files("#import-files", folder)
    dialog = page.locator("#import-dialog")
    expect(dialog).to_contain_text("2 pictures added, 1 could not be read", timeout=LONG_WAIT)
    expect(dialog.locator(".out-problems")).to_contain_text("shots/broken.png")
    page.get_by_role("button", name="Import another folder").click()
    page.set_input_files("#import-files", folder)
    expect(dialog).to_contain_text("2 were here already", timeout=LONG_WAIT)
    page.keyboard.press("Escape")
