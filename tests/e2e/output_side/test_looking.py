"""Looking at a picture: how large it is, zoom and pan, its reference; by mouse, keys and touch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import PHONE, boxes, make_job, make_picture, show_jobs, thumbs

pytestmark = pytest.mark.shared_page

SIZES = {(1440, 900): 560, (1024, 768): 430}
"""How high a square picture must be shown at least, in px, by the window's size."""


@pytest.fixture(scope="module")
def made(three: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three pictures for all tests: those that take one away bring it back."""
    return three


def shown(page: Page) -> Locator:
    return page.locator("#preview .picture img.out-steady")


def load(page: Page, path: Path) -> str:
    """The reference once it is loaded: its id."""
    before = page.locator("#references .lk-reference:not(.lk-waiting)").count()
    page.set_input_files("#reference-file", str(path))
    loaded = page.locator("#references .lk-reference:not(.lk-waiting)")
    expect(loaded).to_have_count(before + 1)
    return str(loaded.last.get_attribute("data-image-id"))


def percent(page: Page) -> int:
    return int(page.locator("#zoom-actual").inner_text().removesuffix("%"))


def expect_percent(page: Page, least: float, most: float) -> None:
    """The picture is shown at such a scale, soon."""
    page.wait_for_function(
        """([least, most]) => {
            const now = parseInt(document.querySelector("#zoom-actual").innerText);
            return least <= now && now <= most;
        }""",
        arg=[least, most],
    )


def middle_at_rest(locator: Locator) -> tuple[float, float]:
    """Once the page has come to rest under it."""
    before = None
    while (now := middle(locator)) != before:
        before = now
        locator.page.wait_for_timeout(200)
    return now


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_loaded_reference_is_shown_large_at_once(page: Page, tmp_path: Path) -> None:
    reference = load(page, make_picture(tmp_path, "one.png", (96, 96)))
    expect(shown(page)).to_have_attribute("src", f"/api/v1/images/{reference}/file")
    expect(page.locator("#preview .out-caption")).to_contain_text("Reference 1")
    expect(page.locator("#preview .out-invite")).to_be_hidden()
    second = load(page, make_picture(tmp_path, "two.png", (96, 96)))
    expect(shown(page)).to_have_attribute("src", f"/api/v1/images/{second}/file")
    for (width, height), least in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        expect(shown(page)).to_be_visible()
        page.wait_for_function(
            "(least) => document.querySelector('#preview .picture .out-frame-box').offsetHeight >= least",
            arg=least,
        )


def test_a_reference_loaded_again_is_shown_again(gallery: Page, tmp_path: Path) -> None:
    picture = make_picture(tmp_path)
    loaded = load(gallery, picture)
    expect(shown(gallery)).to_have_attribute("src", re.compile(loaded))
    thumbs(gallery).nth(1).click()
    expect(shown(gallery)).not_to_have_attribute("src", re.compile(loaded))
    gallery.set_input_files("#reference-file", str(picture))
    expect(shown(gallery)).to_have_attribute("src", re.compile(loaded))
    expect(gallery.locator("#references .lk-reference:not(.lk-waiting)")).to_have_count(1)


@pytest.fixture
def edited(studio_server: StudioProcess, tmp_path: Path) -> tuple[Path, str, str]:
    """A file, the id of its picture, and that of an edit of it."""
    path = make_picture(tmp_path, "source.png", (96, 104))
    source = studio_server.upload(path)["id"]
    sent = {
        "model": "tiny",
        "mode": "smart_edit",
        "prompt": "make it red",
        "references": [{"image_id": source}],
    }
    return path, source, studio_server.finished(studio_server.submit(**sent)["id"])["images"][0]


@pytest.mark.own_page
def test_the_source_of_what_is_shown_is_shown_when_it_is_loaded(
    edited: tuple[Path, str, str], page: Page
) -> None:
    path, source, result = edited
    page.locator(f'#gallery [data-picture="{result}"]').first.click()
    expect(shown(page)).to_have_attribute("src", f"/api/v1/images/{result}/file")
    page.set_input_files("#reference-file", str(path))
    expect(shown(page)).to_have_attribute("src", f"/api/v1/images/{source}/file")


def test_the_first_row_of_results_is_above_the_fold(gallery: Page) -> None:
    for width, height in SIZES:
        gallery.set_viewport_size({"width": width, "height": height})
        box = thumbs(gallery).first.bounding_box()
        assert box
        assert box["y"] + box["height"] <= height
        tile = thumbs(gallery).first.evaluate(
            "(node) => [node.offsetWidth - node.firstChild.offsetWidth, node.offsetHeight]"
        )
        assert tile[0] == 0


def test_notices_open_over_the_picture_and_move_nothing(gallery: Page) -> None:
    """However much there is to say, the first row of results stays above the fold, the picture as large."""
    for width, height in SIZES:
        gallery.set_viewport_size({"width": width, "height": height})
        said = [f"The last {number} words were not read, as the model reads no more." for number in range(9)]
        show_jobs(gallery, make_job(gallery, step=1))
        places = "() => ['.out-area', '#gallery'].map((each) => document.querySelector(each).offsetTop)"
        before = gallery.evaluate(places)
        show_jobs(gallery, make_job(gallery, step=1, notices=said))
        notices = gallery.locator("#preview .out-notices")
        expect(notices.locator("li")).to_have_count(9)
        assert gallery.evaluate(places) == before
        box = gallery.locator("#gallery .out-thumb").first.bounding_box()
        assert box
        assert box["y"] + box["height"] <= height
        notices.focus()
        expect(notices.locator("li").first).to_be_visible()
        assert gallery.evaluate(places) == before
        gallery.locator("#prompt textarea").focus()


def test_the_toolbar_is_one_row(gallery: Page) -> None:
    for width, height in SIZES:
        gallery.set_viewport_size({"width": width, "height": height})
        tops = gallery.locator("#preview .out-toolbar").evaluate(
            "(bar) => [...bar.children].filter((one) => one.offsetWidth).map((one) => one.offsetTop)"
        )
        assert len(tops) > 10
        assert len(set(tops)) == 1, (width, tops)


def test_the_queue_stands_there_only_while_something_runs(gallery: Page) -> None:
    strip = gallery.locator("#queue .out-queue-strip")
    verdict = gallery.locator("#coach-after")
    expect(strip).to_be_hidden()
    expect(verdict).to_be_visible()
    show_jobs(gallery, make_job(gallery, step=3))
    expect(strip).to_be_visible()
    expect(verdict).to_be_hidden()  # the coach does not speak of the last picture meanwhile
    show_jobs(gallery, worker="ready")
    expect(strip).to_be_hidden()


def test_the_reference_is_seen_while_a_key_or_a_press_is_held(
    gallery: Page, made: list[dict[str, Any]]
) -> None:
    reference = made[0]["parents"][0]["image_id"]
    under = gallery.locator("#preview .out-peek")
    gallery.locator("#preview .out-open").focus()
    gallery.keyboard.down("o")
    expect(under).to_be_visible()
    expect(under).to_have_attribute("src", f"/api/v1/images/{reference}/file")
    gallery.keyboard.up("o")
    expect(under).to_be_hidden()
    gallery.mouse.move(*middle(shown(gallery)))
    gallery.mouse.down()
    expect(under).to_be_visible()
    gallery.mouse.up()
    expect(under).to_be_hidden()
    expect(gallery.locator("#details-dialog")).to_have_count(0)
    gallery.locator("#peek").hover()
    gallery.mouse.down()
    expect(under).to_be_visible()
    gallery.mouse.up()
    expect(under).to_be_hidden()


def test_zoom_by_wheel_and_keys_and_pan_by_dragging(gallery: Page) -> None:
    box = gallery.locator("#preview .picture .out-frame-box")
    expect(gallery.locator("#coach-after .coach-row")).to_be_visible()  # nothing is still to come
    gallery.evaluate("scrollTo(0, 0)")  # of a page that is scrolled, the wheel scrolls it back first
    fit = percent(gallery)
    x, y = middle(shown(gallery))
    gallery.mouse.move(x + 40, y)
    gallery.mouse.wheel(0, -600)
    expect_percent(gallery, 2 * fit + 1, 10_000)
    moved = box.bounding_box()
    assert moved
    gallery.mouse.down()
    gallery.mouse.move(x + 10, y + 24, steps=4)
    gallery.mouse.up()
    gallery.wait_for_function(  # sideways there is nothing more to see of a narrow picture
        """(before) => {
            const box = document.querySelector("#preview .picture .out-frame-box").getBoundingClientRect();
            return Math.round(box.y - before) === 24;
        }""",
        arg=moved["y"],
    )
    gallery.locator("#preview .out-open").focus()
    gallery.keyboard.press("1")
    expect(gallery.locator("#zoom-actual")).to_have_text("100 %")
    gallery.keyboard.press("0")
    expect_percent(gallery, fit, fit)
    gallery.keyboard.press("+")
    expect_percent(gallery, fit * 1.25 - 1, fit * 1.25 + 1)
    gallery.locator("#zoom-fit").click()
    expect_percent(gallery, fit, fit)


def test_keys_act_from_the_stage(
    gallery: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    gallery.locator("#preview .out-open").focus()
    gallery.keyboard.press("ArrowRight")
    expect(shown(gallery)).to_have_attribute("src", re.compile(made[1]["id"]))
    gallery.keyboard.press("s")
    expect(gallery.locator("#star")).to_have_attribute("aria-pressed", "true")
    gallery.keyboard.press("r")
    expect(gallery.locator("#references img")).to_have_attribute("src", re.compile(made[1]["id"]))
    gallery.keyboard.press("Delete")
    picture = gallery.locator(f"#gallery [data-picture='{made[1]['id']}']")
    expect(picture).to_be_hidden()
    gallery.keyboard.press("Control+z")
    expect(picture).to_be_visible()
    studio_server.api("PATCH", f"/images/{made[1]['id']}", json={"starred": False})


def test_a_trash_can_be_undone_until_the_next(
    gallery: Page, made: list[dict[str, Any]], studio_server: StudioProcess
) -> None:
    expect(gallery.locator("#undo")).to_be_hidden()
    gallery.locator("#trash").click()
    first = gallery.locator(f"#gallery [data-picture='{made[0]['id']}']")
    expect(first).to_be_hidden()
    gallery.locator(".lk-toast").get_by_role("button", name="Close").click()
    gallery.locator("#tab-collection").click()
    gallery.locator("#undo").click()
    gallery.locator("#tab-studio").click()
    expect(first).to_be_visible()
    expect(gallery.locator("#undo")).to_be_hidden()
    assert studio_server.api("GET", f"/images/{made[0]['id']}").json()["trashed_at"] is None
    first.click()
    gallery.keyboard.press("Delete")
    expect(first).to_be_hidden()
    gallery.keyboard.press("Control+z")
    expect(first).to_be_visible()


def test_toasts_cover_neither_cancel_nor_what_is_at_the_top(page: Page) -> None:
    show_jobs(page, make_job(page, step=3))
    for words in ("one thing", "another thing", "a third thing", "a fourth thing"):
        page.evaluate("(words) => likeness.emit('refused', words)", words)
    cancel = page.locator("#cancel")
    for section, target in (("studio", "#cancel"), ("collection", "#collection-filters")):
        page.locator(f"#tab-{section}").click()
        expect(page.locator(target)).to_be_visible()
        lowest = page.locator(target).bounding_box()
        assert lowest
        for box in (toast.bounding_box() for toast in page.locator(".lk-toast").all()):
            assert box
            assert box["y"] > lowest["y"] + lowest["height"] or box["x"] + box["width"] < lowest["x"]
    page.locator("#tab-studio").click()
    cancel.click(trial=True)


@pytest.fixture
def knights(studio_server: StudioProcess) -> None:
    """Three of them, each with one thing that the one before has not."""
    for changes in ({}, {"guidance_scale": 6}, {"prompt": "a knight, night city, serious"}):
        asked = {"mode": "text_to_image", "prompt": "a knight, night city", "num_inference_steps": 1}
        job = studio_server.submit(**{**asked, "seed": 5, **changes})
        assert studio_server.finished(job["id"])["status"] == "done"


@pytest.mark.own_page
def test_captions_say_what_differs(knights: None, page: Page) -> None:
    expect(page.locator("#gallery .out-batch-prompt").nth(1)).to_have_text("guidance 6")
    expect(page.locator("#gallery .out-batch-prompt").first).to_contain_text("+ serious")
    expect(page.locator("#gallery .out-batch header").nth(1)).to_contain_text("a knight, night city")
    expect(page.locator("#gallery .out-batch-prompt").nth(1)).to_have_attribute(
        "title", re.compile("a knight, night city")
    )


def test_the_question_mark_lists_the_shortcuts(page: Page) -> None:
    page.keyboard.press("?")
    dialog = page.locator("#shortcuts-dialog")
    expect(dialog).to_contain_text("Use as reference")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#shortcuts").click()
    expect(dialog).to_be_visible()
    key, words = boxes(page, "#shortcuts-dialog dt", "#shortcuts-dialog dd")
    assert key["x"] + key["width"] <= words["x"]
    assert abs(key["y"] - words["y"]) < 4


def test_the_whole_loop_by_keys_alone(page: Page, studio_server: StudioProcess, tmp_path: Path) -> None:
    upload = studio_server.upload(make_picture(tmp_path, "by-keys.png"))["id"]
    page.locator("#reference-add").focus()
    for key in ("Enter", "Enter"):  # the menu, its first entry
        page.keyboard.press(key)
    expect(page.locator(f"#picker [data-picture='{upload}']")).to_be_visible()
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#picker")).to_be_hidden()
    expect(page.locator("#reference-add")).to_be_focused()
    expect(shown(page)).to_have_attribute("src", re.compile(upload))
    page.locator("#preview .out-open").focus()
    page.keyboard.press("e")
    expect(page.locator("#prompt textarea")).to_be_focused()
    page.keyboard.type("make her smile")
    page.keyboard.press("Control+Enter")
    chosen = page.locator("#gallery [data-picture][aria-selected=true]")
    expect(chosen).to_have_count(1)
    first = str(chosen.get_attribute("data-picture"))
    assert studio_server.api("GET", f"/images/{first}").json()["parents"][0]["image_id"] == upload
    expect(page.locator("#use-as-reference")).to_be_enabled()
    page.locator("#preview .out-open").focus()
    page.keyboard.press("r")
    expect(page.locator("#references .lk-reference")).to_have_attribute("data-image-id", first)
    page.keyboard.press("e")
    expect(page.locator("#prompt textarea")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("give her red hair")
    page.keyboard.press("Control+Enter")
    expect(chosen).not_to_have_attribute("data-picture", first)
    second = str(chosen.get_attribute("data-picture"))
    assert studio_server.api("GET", f"/images/{second}").json()["parents"][0]["image_id"] == first


# --- by touch -------------------------------------------------------------------------------------


class Fingers:
    """Fingers on the page's screen."""

    def __init__(self, page: Page) -> None:
        self._browser = page.context.new_cdp_session(page)

    def put(self, kind: str, *points: tuple[float, float]) -> None:
        """`touchStart`, `touchMove` or `touchEnd`, at these places of the window."""
        at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def test_all_sections_are_reachable_by_touch(phone: Page) -> None:
    for section in ("collection", "characters", "models", "queue", "studio"):
        box = phone.locator(f"#tab-{section}").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        phone.locator(f"#tab-{section}").tap()
        expect(phone.locator(f"#panel-{section}")).to_be_visible()


def test_two_fingers_zoom_and_a_rested_one_shows_the_reference(
    phone: Page, made: list[dict[str, Any]]
) -> None:
    phone.locator(f"#gallery [data-picture='{made[0]['id']}']").tap()
    expect(shown(phone)).to_have_attribute("src", re.compile(made[0]["id"]))
    shown(phone).scroll_into_view_if_needed()
    x, y = middle_at_rest(shown(phone))
    fit = percent(phone)
    fingers = Fingers(phone)
    fingers.put("touchStart", (x - 20, y), (x + 20, y))
    for apart in (30, 40, 60):
        fingers.put("touchMove", (x - apart, y), (x + apart, y))
    fingers.put("touchEnd")
    expect_percent(phone, 2 * fit + 1, 10_000)
    phone.locator("#zoom-fit").tap()
    expect_percent(phone, fit, fit)
    fingers.put("touchStart", (x, y))
    expect(phone.locator("#preview .out-peek")).to_be_visible()
    fingers.put("touchEnd")
    expect(phone.locator("#preview .out-peek")).to_be_hidden()


def test_the_whole_loop_by_touch_alone(phone: Page, studio_server: StudioProcess, tmp_path: Path) -> None:
    upload = studio_server.upload(make_picture(tmp_path, "by-touch.png"))["id"]
    phone.locator("#tab-collection").tap()
    cell = phone.locator(f"#collection [data-picture='{upload}']")
    cell.get_by_role("button", name="What can be done with this picture").tap()
    cell.get_by_role("button", name="Edit image").tap()
    expect(phone.locator("#panel-studio")).to_be_visible()
    expect(phone.locator("#references .lk-reference")).to_have_attribute("data-image-id", upload)
    expect(phone.locator("#prompt textarea")).to_be_focused()
    phone.keyboard.type("make her smile")
    phone.locator("#generate").tap()
    chosen = phone.locator("#gallery [data-picture][aria-selected=true]")
    expect(chosen).to_have_count(1)
    first = str(chosen.get_attribute("data-picture"))
    phone.locator("#use-as-reference").tap()
    expect(phone.locator("#references .lk-reference")).to_have_attribute("data-image-id", first)
    phone.locator("#prompt textarea").fill("give her red hair")
    phone.locator("#generate").tap()
    expect(chosen).not_to_have_attribute("data-picture", first)
    second = str(chosen.get_attribute("data-picture"))
    assert studio_server.api("GET", f"/images/{second}").json()["parents"][0]["image_id"] == first
