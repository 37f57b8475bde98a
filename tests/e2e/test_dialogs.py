"""Dialogs keep what was typed in them, the wheel changes no number, drops that are no pictures are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import make_picture

pytestmark = pytest.mark.shared_page

TYPED = "A text that took an hour."


@pytest.fixture
def script(page: Page, studio_server: StudioProcess) -> Locator:
    """The text of a blueprint, open in its editor, with something typed that is not saved."""
    made = studio_server.api("POST", "/characters", json={"name": "Typed"})
    page.evaluate("(id) => likeness.emit('blueprint:open', { id })", made.json()["id"])
    script = page.locator("#blueprint-script")
    script.fill(TYPED)
    return script


def edge(page: Page) -> dict[str, Any]:
    box = page.locator("#blueprint-editor").bounding_box()
    assert box is not None
    return box


def test_selecting_text_beyond_the_dialog_leaves_it_open(page: Page, script: Locator) -> None:
    box = script.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 150, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(edge(page)["x"] - 30, box["y"] + 12, steps=8)
    page.mouse.up()
    expect(page.locator("#lose-dialog")).to_have_count(0)
    expect(script).to_be_visible()
    expect(script).to_have_value(TYPED)


@pytest.mark.parametrize("way", ["Escape", "beside", "Close"])
def test_what_was_typed_is_not_lost_without_asking(page: Page, script: Locator, way: str) -> None:
    def leave() -> None:
        if way == "Escape":
            script.press("Escape")
        elif way == "beside":
            page.mouse.click(edge(page)["x"] - 20, 400)
        else:
            page.locator("#blueprint-editor .out-dialog-head").get_by_role("button", name="Close").click()

    leave()
    page.locator("#lose-dialog-no").click()
    expect(page.locator("#lose-dialog")).to_have_count(0)
    expect(script).to_have_value(TYPED)
    leave()
    page.locator("#lose-dialog-yes").click()
    expect(page.locator("#blueprint-editor")).not_to_be_visible()


def test_a_dialog_without_changed_text_closes_at_once(page: Page, script: Locator) -> None:
    page.locator("#blueprint-save").click()
    expect(page.locator("#blueprint-editor")).not_to_be_visible()
    page.evaluate("likeness.emit('designs:open')")
    page.locator("#design-name").press("Escape")
    expect(page.locator("#designs")).not_to_be_visible()
    expect(page.locator("#lose-dialog")).to_have_count(0)


@pytest.mark.parametrize("editor", ["blueprint", "sheet", "portrait", "designs"])
def test_an_answer_to_a_second_press_leaves_what_is_typed(
    page: Page, studio_server: StudioProcess, editor: str
) -> None:
    made = studio_server.api("POST", "/characters", json={"name": "Twice"}).json()["id"]
    studio_server.api("POST", "/designs", json={"name": "Ink"})
    box = {
        "blueprint": "#blueprint-script",
        "sheet": "#sheet-outfits",
        "portrait": "#portrait-prompt",
        "designs": "#design-style",
    }
    page.evaluate("([editor, id]) => likeness.emit(`${editor}:open`, { id })", [editor, made])
    field = page.locator(box[editor])
    field.fill(TYPED)
    with page.expect_response(lambda answer: "/designs" in answer.url or made in answer.url):
        page.evaluate("([editor, id]) => likeness.emit(`${editor}:open`, { id })", [editor, made])
    page.wait_for_timeout(500)
    expect(field).to_have_value(TYPED)


@pytest.mark.own_page
def test_making_a_design_the_active_one_leaves_what_is_typed(
    page: Page, studio_server: StudioProcess
) -> None:
    studio_server.api("POST", "/designs", json={"name": "Chalk"})
    page.evaluate("likeness.emit('designs:open')")
    field, activate = page.locator("#design-style"), page.locator("#design-activate")
    field.fill(TYPED)
    before = activate.inner_text()
    activate.click()
    expect(activate).not_to_have_text(before)
    expect(field).to_have_value(TYPED)


def test_the_wheel_scrolls_over_a_number_and_does_not_change_it(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 600})
    page.locator(".lk-disclosure").first.click()
    for name in ("steps", "guidance"):
        field = page.locator(f"#{name} input[type=number]")
        field.click()
        before = field.input_value()
        for _ in range(3):
            page.mouse.wheel(0, 100)
        page.wait_for_timeout(300)
        assert field.input_value() == before


LABELS = """() => Promise.all(
  [...document.querySelectorAll("#references .lk-reference")].map(async ({ dataset }) =>
    (await (await fetch(`/api/v1/images/${dataset.imageId}`)).json()).label))"""


def test_a_dropped_folder_brings_its_pictures_and_an_address_is_told(page: Page, tmp_path: Path) -> None:
    folder, empty = tmp_path / "folder", tmp_path / "empty"
    (folder / "inside").mkdir(parents=True)
    empty.mkdir()
    for name in ("10.png", "9.png", "inside/1.png"):
        make_picture(folder, name)
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    loaded = page.locator("#references .lk-reference:not(.lk-waiting)")
    drop(page, files=[str(empty)])
    expect(page.locator(".lk-toast")).to_contain_text("no picture in that folder")
    link = {"mimeType": "text/uri-list", "data": "https://example.org/a.png"}
    drop(page, items=[link])
    expect(page.locator(".lk-toast").last).to_contain_text("an address on the web")
    expect(loaded).to_have_count(0)
    drop(page, files=[str(folder), str(make_picture(tmp_path))])
    expect(loaded).to_have_count(4)
    labels = page.evaluate(LABELS)
    assert labels == ["9.png", "10.png", "1.png", "portrait.png"]


def test_a_picture_dropped_on_the_stage_is_a_reference(page: Page, tmp_path: Path) -> None:
    for count in (1, 2):
        drop(page, "#preview", files=[str(make_picture(tmp_path, f"{count}.png"))])
        expect(page.locator("#references .lk-reference:not(.lk-waiting)")).to_have_count(count)
    expect(page.locator(".lk-toast", has_text="Nothing takes that here")).to_have_count(0)


@pytest.mark.parametrize("place", ["#generate", "#prompt"])
def test_a_drop_beside_the_places_that_take_it_is_told(page: Page, tmp_path: Path, place: str) -> None:
    told = page.locator(".lk-toast", has_text="Nothing takes that here")
    drop(page, place, files=[str(make_picture(tmp_path))])
    expect(told).to_have_count(1)
    expect(page.locator("#references .lk-reference")).to_have_count(0)
    drop(page, "#references", files=[str(make_picture(tmp_path))])
    expect(page.locator("#references .lk-reference:not(.lk-waiting)")).to_have_count(1)
    expect(told).to_have_count(1)


def test_an_address_dropped_on_the_import_is_told_to_be_one(page: Page) -> None:
    page.evaluate("likeness.showTab('collection')")
    page.locator("#import-folder").click()
    drop(page, "#import-dialog", items=[{"mimeType": "text/uri-list", "data": "https://example.org/a.png"}])
    expect(page.locator(".lk-toast")).to_contain_text("an address on the web")
    expect(page.locator("#import-dialog")).not_to_contain_text("There is no picture in")


def drop(page: Page, place: str = "#references", **what: Any) -> None:
    box = page.locator(place).first.bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "dragOperationsMask": 1, **what}
        browser.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


@pytest.mark.own_page
def test_the_strength_stands_beside_the_influence_after_a_reload(page: Page, tmp_path: Path) -> None:
    page.set_input_files("#reference-file", str(make_picture(tmp_path)))
    page.locator(".lk-disclosure").first.click()
    page.locator("#assistant button").first.click()
    page.locator("#mode-img2img").click()
    field = page.locator("#influence input[type=number]")
    field.fill("50")
    field.press("Tab")
    expect(page.locator("#strength")).to_have_text("strength 0.50")
    page.wait_for_function("JSON.parse(sessionStorage['likeness.state']).influence === 50")
    page.reload()
    page.wait_for_selector("body.lk-ready")
    expect(field).to_have_value("50")
    expect(page.locator("#strength")).to_have_text("strength 0.50")
