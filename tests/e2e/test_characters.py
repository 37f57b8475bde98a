"""The Characters section and the coach as an artist uses them, with the model that comes with the studio."""

from __future__ import annotations

import base64
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.cast import DRAWINGS, character, drawing
from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, ended, generate, make_picture

pytestmark = pytest.mark.shared_page

GIVE_FILE = """([encoded, how]) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], "portrait.png", {type: "image/png"}));
  const stage = document.getElementById("portrait-stage");
  const options = {bubbles: true, cancelable: true};
  stage.dispatchEvent(how === "drop" ? new DragEvent("drop", {...options, dataTransfer: given})
    : new ClipboardEvent("paste", {...options, clipboardData: given}));
}"""


@pytest.fixture(scope="module")
def studio_server(shipped_studio: StudioProcess) -> StudioProcess:
    """A studio as it is shipped."""
    return shipped_studio


@pytest.fixture
def cast_page(page: Page, studio_server: StudioProcess) -> Page:
    """The section, with nobody in it and no design."""
    for design in studio_server.api("GET", "/designs").json():
        studio_server.api("DELETE", f"/designs/{design['id']}")
    for one in studio_server.api("GET", "/characters").json():
        studio_server.api("DELETE", f"/characters/{one['id']}")
    page.click("#tab-characters")
    return page


def versions(studio: StudioProcess, character_id: str) -> list[dict[str, Any]]:
    return studio.api("GET", f"/characters/{character_id}/versions").json()["items"]


def row(page: Page, name: str) -> Locator:
    return page.locator(f".chr-row[aria-label='{name}']")


def look_again(page: Page) -> Page:
    """Leave the section and come back: what was done elsewhere is shown."""
    page.click("#tab-models")
    page.click("#tab-characters")
    return page


def menu(page: Page, name: str, what: str) -> None:
    row(page, name).get_by_role("button", name=f"More for {name}").click()
    row(page, name).locator(f"[data-do={what}]").click()


def press(page: Page, name: str, what: str) -> None:
    row(page, name).locator(f"[data-do={what}]").click()


def open_portrait(page: Page, name: str) -> None:
    row(page, name).locator(".chr-thumb").click()
    expect(page.locator("#portrait-modal")).to_be_visible()


def place(page: Page, words: str) -> None:
    expect(page.locator("#portrait-place")).to_have_text(words, timeout=LONG_WAIT)


@pytest.mark.own_page
def test_a_character_from_its_name_to_a_default_for_the_cast(
    cast_page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    page = cast_page
    _is_made_and_described(page)
    character_id = studio_server.api("GET", "/characters").json()[0]["id"]
    _gets_a_portrait(page)
    _takes_pictures_that_are_dropped_and_pasted(page, tmp_path)
    assert [one["source"] for one in versions(studio_server, character_id)] == [
        "upload",
        "upload",
        "generated",
    ]
    _an_edit_begins_with_the_portrait_that_is_shown(page)
    _older_versions_are_walked_to_and_used(page)
    _crop_is_nudged_and_set(page, studio_server, character_id)
    page.click("#portrait-default")
    page.click("#design-default-yes")
    expect(page.locator("#likeness-toasts")).to_contain_text("has these values now")
    design = studio_server.api("GET", "/designs").json()[0]
    assert (design["active"], design["seed"], design["num_inference_steps"]) == (True, 77, 20)
    assert not design["negative_prompt"]
    _comes_back_from_the_studio(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def _is_made_and_described(page: Page) -> None:
    page.click("#character-add")
    page.fill("#character-new-name", "Mara")
    page.keyboard.press("Enter")
    expect(page.locator("#blueprint-editor")).to_be_visible()
    page.fill("#blueprint-hair", "long, red")
    page.click("#blueprint-lock-hair")
    page.fill("#blueprint-pose", "arms folded")
    page.click("#blueprint-save")
    expect(page.locator("#blueprint-editor")).to_be_hidden()
    expect(row(page, "Mara")).to_contain_text("0 versions")


def _gets_a_portrait(page: Page) -> None:
    row(page, "Mara").get_by_role("button", name="Generate the portrait of Mara").click()
    place(page, "No version yet")
    expect(page.locator("#portrait-prompt")).to_have_value(re.compile("red"))
    page.fill("#portrait-prompt", "")
    page.click("#portrait-describe")
    expect(page.locator("#portrait-prompt")).to_have_value(re.compile("red"))
    expect(page.locator("#portrait-style")).to_have_attribute("readonly", "")
    page.fill("#portrait-seed", "77")
    for unused in ("#portrait-steps", "#portrait-negative"):  # the bundled model makes nothing of them
        expect(page.locator(unused)).to_be_hidden()
    page.fill("#portrait-prompt", "a woman with red hair in a cloak")
    expect(page.locator(".chr-told:visible")).to_contain_text("has never seen “cloak”. It knows: hair")
    expect(page.locator("#portrait-generate")).to_have_text("Generate")
    page.click("#portrait-generate")
    place(page, "1 of 1 · current")
    expect(page.locator("#portrait-generate")).to_have_text("Regenerate")
    facts = page.locator(".chr-version-facts")
    expect(facts).to_contain_text("77")


def _takes_pictures_that_are_dropped_and_pasted(page: Page, folder: Path) -> None:
    for number, how in enumerate(("drop", "paste"), start=2):
        picture = make_picture(folder, f"{how}.png", size=(96, 128))
        page.evaluate(GIVE_FILE, [base64.b64encode(picture.read_bytes()).decode(), how])
        place(page, f"{number} of {number} · current")


def _an_edit_begins_with_the_portrait_that_is_shown(page: Page) -> None:
    mode, ratio = page.locator("#portrait-mode"), page.locator("#portrait-modal").get_by_role("button")
    mode.select_option("smart_edit")
    expect(page.locator("#portrait-modal .chr-mini")).to_have_count(1)
    expect(ratio.filter(has_text="Like the reference")).to_have_attribute("aria-pressed", "true")
    mode.select_option("text_to_image")
    expect(ratio.filter(has_text="3:4")).to_have_attribute("aria-pressed", "true")


def _older_versions_are_walked_to_and_used(page: Page) -> None:
    page.locator("#portrait-stage").focus()
    page.keyboard.press("ArrowLeft")
    place(page, "2 of 3")
    page.click("#portrait-older")
    place(page, "1 of 3")
    expect(page.locator("#portrait-older")).to_be_disabled()
    page.click("#portrait-compare")
    expect(page.locator("#compare-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#compare-dialog")).to_be_hidden()
    assert page.locator("#portrait-modal").evaluate("(node) => node.matches(':modal')")
    page.click("#portrait-use")
    place(page, "1 of 3 · current")


def _crop_is_nudged_and_set(page: Page, studio: StudioProcess, character_id: str) -> None:
    page.click("#portrait-crop")
    expect(page.locator("#crop-box")).to_be_focused()
    expect(page.locator("#crop-numbers")).to_contain_text("px at")
    page.get_by_role("button", name="Free", exact=True).click()
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp", "ArrowRight"):
        page.locator("#crop-box").press(key)
    page.keyboard.press("Enter")
    expect(page.locator("#crop-tool")).to_be_hidden()
    avatar = studio.api("GET", f"/characters/{character_id}").json()["avatar"]
    first = versions(studio, character_id)[-1]
    assert avatar["version_id"] == first["id"]
    crop = {"x": 1, "y": 0, "width": first["width"] - 1, "height": first["height"] - 1, "aspect": "free"}
    assert avatar["crop"] == crop


def _comes_back_from_the_studio(page: Page) -> None:
    page.click("#portrait-studio")
    expect(page.locator("#tab-studio")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#references .lk-reference")).to_have_count(1)
    box = page.locator("#prompt textarea")
    box.fill("smile softly")
    box.evaluate("(node) => node.setSelectionRange(5, 5)")
    page.click("#field-picker")
    page.get_by_role("button", name=re.compile("^Insert all locked")).click()
    expect(box).to_have_value(re.compile(r"^smile, .*red.*, softly$"))
    generate(page, "make her smile", steps=2)
    page.locator(f"#gallery [data-picture='{ended(page, 'make her smile')['images'][0]}']").click()
    page.click("#to-character")
    page.locator("#apply-to-character [data-character]").click()
    expect(page.locator("#crop-tool")).to_contain_text("Cancel keeps the avatar of Mara")
    page.keyboard.press("Escape")
    place(page, "4 of 4 · current")
    page.keyboard.press("Escape")


def test_two_tabs_and_one_blueprint(cast_page: Page, studio_server: StudioProcess, watch: PageWatch) -> None:
    watch.expect("409")
    character_id = character(studio_server, "Ode", hair="grey")
    page = look_again(cast_page)
    row(page, "Ode").get_by_role("button", name="Blueprint of Ode").click()
    page.fill("#blueprint-hair", "white")
    theirs = {"revision": 1, "fields": {"hair": {"value": "black", "locked": True}}}
    studio_server.api("PUT", f"/characters/{character_id}/blueprint", json=theirs)
    page.click("#blueprint-save")
    expect(page.locator(".bp-conflict")).to_contain_text("black")
    page.click("#blueprint-overwrite")
    expect(page.locator("#blueprint-editor")).to_be_hidden()
    saved = studio_server.api("GET", f"/characters/{character_id}/blueprint").json()
    assert saved["fields"]["hair"] == {"value": "white", "locked": True}


def test_the_cast_is_kept_in_order_and_brought_to_a_design(
    cast_page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    page = cast_page
    ids = [
        character(studio_server, name, make_picture(tmp_path, f"{name}.png", (128, 128)), hair="red")
        for name in ("Ana", "Ben")
    ]
    look_again(page)
    _rows_move_hide_and_leave(page, studio_server, tmp_path)
    page.click("#designs-open")
    page.fill("#design-name", "Ink")
    page.fill("#design-style", "ink drawing")
    page.click("#design-save")
    expect(page.locator("#designs .design-list")).to_contain_text("InkActive")
    page.click("#cast-bring")
    results = page.locator(".cast-jobs")
    expect(results.locator("[data-do=accept]")).to_have_count(2, timeout=LONG_WAIT)
    results.locator(f"[data-character='{ids[0]}'] [data-do=accept]").click()
    expect(results.locator(f"[data-character='{ids[0]}']")).to_contain_text("Accepted")
    results.locator(f"[data-character='{ids[1]}'] [data-do=leave]").click()
    expect(results.locator(f"[data-character='{ids[1]}']")).to_contain_text("Left")
    assert [len(versions(studio_server, each)) for each in ids] == [2, 1]
    assert versions(studio_server, ids[0])[0]["design_name"] == "Ink"


def _rows_move_hide_and_leave(page: Page, studio: StudioProcess, folder: Path) -> None:
    rows = page.locator(".chr-row")
    expect(rows).to_have_count(2)
    row(page, "Ana").locator(".chr-thumb").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(rows.first).to_have_attribute("aria-label", "Ben")
    expect(row(page, "Ana").locator(".chr-thumb")).to_be_focused()
    look_again(page)
    expect(rows.first).to_have_attribute("aria-label", "Ben")
    page.fill("#characters-search", "an")
    expect(rows).to_have_count(1)
    page.fill("#characters-search", "")
    expect(rows).to_have_count(2)
    menu(page, "Ben", "duplicate")
    expect(rows).to_have_count(3)
    copy = next(one for one in studio.api("GET", "/characters").json() if one["name"] not in ("Ana", "Ben"))
    menu(page, copy["name"], "archive")
    expect(rows).to_have_count(2)
    with page.expect_download() as download:
        menu(page, "Ana", "zip")
    download.value.save_as(folder / "ana.zip")
    assert "character.json" in zipfile.ZipFile(folder / "ana.zip").namelist()


def test_a_sheet_is_chosen_made_and_its_winner_joins_the_set(
    cast_page: Page, studio_server: StudioProcess
) -> None:
    studio_server.api("POST", "/designs", json={"name": "Quick", "num_inference_steps": 1})
    character_id = character(studio_server, "Ana", hair="red")
    page = look_again(cast_page)
    press(page, "Ana", "sheet")
    sheet, cells = page.locator("#character-sheet"), page.locator(".sheet-cell")
    expect(sheet).to_contain_text("may show different people")
    expect(cells).to_have_count(4)
    page.fill("#sheet-expressions", "happy")
    expect(cells).to_have_count(1)
    cells.get_by_label("Prompt of happy").fill("Ana, laughing out loud")
    for chip in ("side view", "formal clothes", "candlelight"):
        sheet.get_by_role("button", name=chip, exact=True).click()
    expect(cells).to_have_count(4)
    expect(cells.get_by_label("Prompt of happy")).to_have_value("Ana, laughing out loud")
    expect(cells.get_by_label("Prompt of candlelight")).to_have_value(re.compile("red hair.*candlelight"))
    for line in ("side view", "formal clothes"):
        sheet.get_by_role("button", name=f"Leave out {line}").click()
    expect(page.locator("#sheet-angles")).to_have_value("")
    page.fill("#sheet-seeds", "7, 8")
    expect(page.locator("#sheet-make")).to_have_text("Make the sheet: 4 pictures")
    page.click("#sheet-make")
    expect(page.locator("#sheet-view")).to_be_visible(timeout=LONG_WAIT)
    expect(sheet.locator("figure[data-picture]")).to_have_count(4)
    sheet.get_by_role("button", name="Add candlelight, seed 8 to the reference set").click()
    expect(sheet.get_by_role("button", name="candlelight, seed 8 is in the reference set")).to_be_disabled()
    made = studio_server.api("GET", f"/characters/{character_id}/sheets").json()[0]
    assert [(one["label"], one["seed"]) for one in made["pictures"]][-1] == ("candlelight", 8)
    joined = studio_server.api("GET", f"/characters/{character_id}/references").json()["items"]
    assert [one["image_id"] for one in joined] == [made["pictures"][-1]["image_id"]]
    page.click("#sheet-view")
    expect(page.locator(".lk-viewer img")).to_have_attribute("src", re.compile(made["image_id"]))


def test_a_sheet_can_be_made_of_edits_of_the_anchor(cast_page: Page, studio_server: StudioProcess) -> None:
    studio_server.api("POST", "/designs", json={"name": "Quick", "num_inference_steps": 1})
    character_id = character(studio_server, "Ana", DRAWINGS / "curls-1.webp", hair="red")
    anchor = versions(studio_server, character_id)[0]["image_id"]
    wanted = {"image_id": anchor, "anchor": True}
    studio_server.api("POST", f"/characters/{character_id}/references", json=wanted)
    page = look_again(cast_page)
    press(page, "Ana", "sheet")
    cells = page.locator(".sheet-cell")
    page.fill("#sheet-expressions", "happy")
    expect(cells.get_by_label("Prompt of happy")).to_have_value(re.compile("^portrait of"))
    page.get_by_label("Made by").select_option("Smart Image Editing: the anchor, changed")
    prompt = "change the expression to happy, maintain current hair"
    expect(cells.get_by_label("Prompt of happy")).to_have_value(prompt)
    page.click("#sheet-make")
    expect(page.locator("#sheet-view")).to_be_visible(timeout=LONG_WAIT)
    (made,) = studio_server.api("GET", f"/characters/{character_id}/sheets").json()[0]["pictures"]
    request = studio_server.api("GET", f"/images/{made['image_id']}").json()["request"]
    assert (request["mode"], request["prompt"]) == ("smart_edit", prompt)
    assert [one["image_id"] for one in request["references"]] == [anchor]


def test_a_reference_set_is_joined_ordered_and_anchored(
    cast_page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    character_id = character(studio_server, "Ode", DRAWINGS / "curls-1.webp")
    blue = studio_server.upload(drawing(tmp_path, "blue-1"))["id"]
    page = look_again(cast_page)
    open_portrait(page, "Ode")
    page.click("#portrait-reference")
    expect(page.locator("#likeness-toasts")).to_contain_text("In the reference set: 1 picture.")
    page.keyboard.press("Escape")
    press(page, "Ode", "references")
    items = page.locator("#reference-set .chr-set-item")
    expect(items).to_have_count(1)
    page.click("#reference-set-add")
    page.locator(f"#picker [data-picture='{blue}']").click()
    page.click("#picker-confirm")
    expect(items).to_have_count(2)
    expect(items.nth(1)).to_contain_text("Colours unlike the anchor's")
    expect(page.locator("#reference-set")).to_contain_text("“blue-1.png” differs from the anchor")
    items.nth(1).get_by_role("button", name="Make it the anchor").click()
    expect(items.nth(1)).to_have_attribute("aria-label", "Reference 2, the anchor")
    items.nth(1).get_by_role("button", name="Move to the front").click()
    expect(items.first).to_have_attribute("aria-label", "Reference 1, the anchor")
    given = studio_server.api("GET", f"/characters/{character_id}/portrait").json()["references"]
    assert given[0]["image_id"] == blue
    items.nth(1).press("Delete")
    expect(items).to_have_count(1)


def test_a_character_comes_as_a_zip_and_as_a_card(
    cast_page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    character_id = character(studio_server, "Ode", DRAWINGS / "curls-1.webp", hair="white curls")
    for kind, name in (("export", "ode.zip"), ("card", "ode.png")):
        answer = studio_server.api("GET", f"/characters/{character_id}/{kind}")
        (tmp_path / name).write_bytes(answer.content)
    studio_server.api("DELETE", f"/characters/{character_id}")
    page = look_again(cast_page)
    expect(page.get_by_text("A portrait belongs to a character")).to_be_visible()
    for number, name in enumerate(("ode.zip", "ode.png"), start=1):
        page.set_input_files("#characters-file", tmp_path / name)
        expect(page.locator(".chr-row")).to_have_count(number)
    for one in studio_server.api("GET", "/characters").json():
        whole = studio_server.api("GET", f"/characters/{one['id']}").json()
        assert whole["blueprint"]["fields"]["hair"] == {"value": "white curls", "locked": True}
        assert whole["portrait"] is not None


def test_the_coach_speaks_is_put_away_and_turns_knobs(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    reference = studio_server.upload(make_picture(tmp_path, size=(320, 320)))
    page.evaluate("(id) => likeness.change({ action: 'edit', image_id: id })", reference["id"])
    expect(page.locator("#references .lk-reference")).to_have_count(1)
    line = page.locator("#coach-open")
    page.fill("#prompt textarea", "woman with brown hair, soft light, white shirt")
    expect(line).to_contain_text("Say what should change")
    box = page.locator(".coach-line").bounding_box()
    page.click("#coach-dismiss")
    expect(line).not_to_contain_text("Say what should change")
    assert page.locator(".coach-line").bounding_box() == box
    page.fill("#prompt textarea", "make her smile")
    line.click()
    expect(page.locator("[data-rule=says-nothing-to-keep]")).to_be_visible()
    assert page.locator("[data-rule=describes-again]").count() == 0
    page.locator("[data-rule=says-nothing-to-keep] .coach-step").click()
    expect(page.locator("#prompt textarea")).to_have_value(re.compile("^make her smile, keep the "))
    _a_verdict_turns_the_knob(page)
    page.fill("#prompt textarea", "")
    page.locator("#references .lk-remove").click()
    page.click("#coach-again")
    expect(page.locator("#coach-again")).to_be_hidden()


def _a_verdict_turns_the_knob(page: Page) -> None:
    generate(page, "make her smile", steps=2)
    made = ended(page, "make her smile")["images"][0]
    expect(page.locator(f"#gallery [data-picture='{made}']")).to_have_attribute("aria-selected", "true")
    page.click("#coach-same")
    page.get_by_role("button", name=re.compile("^Guidance 3.5 → 5")).click()
    expect(page.locator("#guidance input[type=number]")).to_have_value("5")
