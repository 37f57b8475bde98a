"""Painting a mask: by finger, mouse and pen; what is painted is what the worker gets, to the pixel."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import ended
from tests.e2e.output_side.test_looking import Fingers

LARGE = (3000, 2000)
LATE_FILES = """() => {
  const real = window.fetch;
  window.fetch = async (...said) => {
    if (String(said[0]).endsWith("/file")) await new Promise((done) => setTimeout(done, 700));
    return real(...said);
  };
}"""


def source(folder: Path, size: tuple[int, int], shade: int) -> Path:
    """A picture of two halves: light on the left, dark on the right."""
    picture = Image.new("RGB", size, (shade, 200, 200))
    picture.paste((shade, 40, 40), (size[0] // 2, 0, *size))
    path = folder / f"halves-{shade}.png"
    picture.save(path)
    return path


def paint_on(page: Page, path: Path) -> str:
    """Load a picture and begin to paint on it: its id."""
    page.set_input_files("#reference-file", str(path))
    reference = page.locator("#references .lk-reference:not(.lk-waiting)")
    expect(reference).to_have_count(1)
    image_id = str(reference.get_attribute("data-image-id"))
    expect(page.locator("#preview .picture img.out-steady")).to_have_attribute(
        "src", f"/api/v1/images/{image_id}/file"
    )
    page.locator("#mask").click()
    expect(page.locator(".brush-bar")).to_be_visible()
    return image_id


def frame(page: Page) -> dict[str, float]:
    node = page.locator("#preview .out-frame.picture")
    node.scroll_into_view_if_needed()
    box = node.bounding_box()
    assert box
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


def on_screen(box: dict[str, float], size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture is in the window, rounded to whole px as a finger tells it."""
    scale = min(box["width"] / size[0], box["height"] / size[1])
    return (
        round(box["x"] + box["width"] / 2 + (x - size[0] / 2) * scale),
        round(box["y"] + box["height"] / 2 + (y - size[1] / 2) * scale),
    )


def in_picture(box: dict[str, float], size: tuple[int, int], at: tuple[float, float]) -> tuple[float, float]:
    """The same the other way round."""
    scale = max(size[0] / box["width"], size[1] / box["height"])
    return (
        (at[0] - box["x"] - box["width"] / 2) * scale + size[0] / 2,
        (at[1] - box["y"] - box["height"] / 2) * scale + size[1] / 2,
    )


def rectangle(size: tuple[int, int], a: tuple[float, float], b: tuple[float, float]) -> NDArray[np.bool_]:
    """The pixels whose middles lie between two corners."""
    x, y = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
    across = (x >= min(a[0], b[0])) & (x < max(a[0], b[0]))
    down = (y > min(a[1], b[1])) & (y <= max(a[1], b[1]))
    return down[:, None] & across[None]


def disc(size: tuple[int, int], at: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    x, y = np.arange(size[0]) + 0.5 - at[0], np.arange(size[1]) + 0.5 - at[1]
    return np.hypot(x[None], y[:, None]) <= radius


def used(page: Page, studio: StudioProcess) -> NDArray[np.uint8]:
    """Use the mask: its stored pixels."""
    page.locator("#mask-done").click()
    return loaded(page, studio)


def mask_card(page: Page) -> Locator:
    return page.locator("#references .lk-reference:has(.lk-role option[value=mask]:checked)")


def loaded(page: Page, studio: StudioProcess) -> NDArray[np.uint8]:
    expect(mask_card(page)).to_have_count(1)
    file = studio.api("GET", f"/images/{mask_card(page).get_attribute('data-image-id')}/file").content
    with Image.open(io.BytesIO(file)) as picture:
        assert picture.mode == "L"
        return np.asarray(picture)


def take(phone: Page, tool: str) -> None:
    """Take a tool by a tap; by a second one where a busy machine made a long press of the first."""
    button = phone.locator(f"#mask-{tool}")
    button.tap()
    with suppress(AssertionError):
        expect(button).to_have_attribute("aria-pressed", "true", timeout=5_000)
        return
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "true")


def drag(page: Page, *places: tuple[float, float]) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()


def test_what_a_finger_paints_on_a_phone_comes_back_to_the_pixel(
    phone: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    paint_on(phone, source(tmp_path, LARGE, 11))
    fingers = Fingers(phone)
    take(phone, "rect")
    box = frame(phone)
    a, b = on_screen(box, LARGE, 400, 300), on_screen(box, LARGE, 1500, 900)
    fingers.put("touchStart", a)
    fingers.put("touchMove", ((a[0] + b[0]) / 2, b[1]))
    fingers.put("touchMove", b)
    fingers.put("touchEnd")
    expected = rectangle(LARGE, in_picture(box, LARGE, a), in_picture(box, LARGE, b))
    expect(phone.locator(".brush-words")).to_contain_text("% may change")
    take(phone, "brush")
    phone.locator("#mask-softness").fill("0")
    box = frame(phone)
    dab = on_screen(box, LARGE, 2300, 1400)
    fingers.put("touchStart", dab)
    fingers.put("touchEnd")
    expected |= disc(LARGE, in_picture(box, LARGE, dab), 2000 / 16)
    expect(phone.locator(".brush-words")).to_contain_text("% may change")
    found = used(phone, studio_server)
    assert found.shape == (LARGE[1], LARGE[0])
    differing = np.argwhere(found != expected * np.uint8(255))
    assert not len(differing), (len(differing), differing.min(axis=0), differing.max(axis=0))
    expect(phone.locator("#assistant")).to_contain_text("Inpaint")


def test_a_second_finger_zooms_and_takes_back_what_the_first_began(phone: Page, tmp_path: Path) -> None:
    paint_on(phone, source(tmp_path, (300, 300), 12))
    box, fingers = frame(phone), Fingers(phone)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers.put("touchStart", (x - 20, y))
    fingers.put("touchStart", (x - 20, y), (x + 20, y))
    fingers.put("touchMove", (x - 60, y), (x + 60, y))
    fingers.put("touchEnd")
    expect(phone.locator("#preview .out-frame.zoomed")).to_be_visible()
    expect(phone.locator("#mask-undo")).to_be_disabled()


def test_a_mask_is_painted_undone_kept_over_a_reload_and_reused(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    size = (120, 80)
    image_id = paint_on(page, source(tmp_path, size, 13))
    box = frame(page)
    tile = page.locator("#gallery .out-thumb").first.bounding_box()
    assert tile
    assert tile["y"] + tile["height"] <= 900  # above the fold, though the brush has two rows of tools
    page.keyboard.press("t")
    a, b = on_screen(box, size, 10, 10), on_screen(box, size, 50, 60)
    drag(page, a, b)
    first = rectangle(size, in_picture(box, size, a), in_picture(box, size, b))
    page.keyboard.press("w")
    page.mouse.click(*on_screen(box, size, 100, 40))
    expect(page.locator(".brush-words")).not_to_contain_text("Paint")
    page.locator("#mask-undo").click()
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+z")
    page.locator("#mask-invert").click()
    page.locator("#mask-invert").click()
    words = page.locator(".brush-words").inner_text()
    with page.expect_event("load"):
        page.wait_for_timeout(600)  # a draft is kept once the hand rests
        page.reload()
    page.wait_for_selector("body.lk-ready")
    expect(page.locator(".brush-words")).to_have_text(words)
    page.locator("#prompt textarea").fill("a red scarf")
    page.locator("#generate").click()
    job = ended(page, "a red scarf")
    assert job["status"] == "done", job
    assert job["request"]["mode"] == "inpaint"
    roles = [(one["image_id"], one["role"]) for one in job["request"]["references"]]
    assert roles[0] == (image_id, "source")
    assert roles[1][1] == "mask"
    assert np.array_equal(loaded(page, studio_server), first * np.uint8(255))
    parents = studio_server.api("GET", f"/images/{job['images'][0]}").json()["parents"]
    assert [(one["image_id"], one["role"]) for one in parents] == roles
    page.locator(".lk-remove").last.click()
    expect(mask_card(page)).to_have_count(0)
    page.locator("#details").click()
    expect(page.locator("#details-dialog")).to_contain_text("Mask")
    page.keyboard.press("Escape")
    page.locator("#reuse-settings").click()
    expect(mask_card(page)).to_have_attribute("data-image-id", roles[1][0])


def test_what_is_done_after_a_press_of_the_wand_waits_for_it(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    size = (130, 90)
    paint_on(page, source(tmp_path, size, 15))
    page.evaluate(LATE_FILES)
    page.keyboard.press("w")
    page.mouse.click(*on_screen(frame(page), size, 100, 40))
    page.locator("#mask-invert").click()
    page.locator("#prompt textarea").fill("a green scarf")
    page.locator("#generate").click()
    job = ended(page, "a green scarf")
    assert job["request"]["mode"] == "inpaint"
    mask = loaded(page, studio_server)
    assert mask[:, :60].all()
    assert not mask[:, 70:].any()


def test_a_pen_paints_as_wide_as_it_is_pressed(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    size = (400, 200)
    paint_on(page, source(tmp_path, size, 14))
    page.locator("#mask-softness").fill("0")
    box, browser = frame(page), page.context.new_cdp_session(page)
    for x, force in ((100, 0.1), (300, 1.0)):
        at = on_screen(box, size, x, 100)
        pen: dict[str, Any] = {"x": at[0], "y": at[1], "pointerType": "pen", "force": force}
        pressed = {**pen, "button": "left", "buttons": 1, "clickCount": 1}
        browser.send("Input.dispatchMouseEvent", {"type": "mousePressed", **pressed})
        browser.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **pressed})
    found = used(page, studio_server)
    light, firm = np.count_nonzero(found[:, :200]), np.count_nonzero(found[:, 200:])
    assert 0 < 3 * light < firm


def test_what_is_known_of_the_picture_begins_a_mask(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    picture = Image.new("RGB", (240, 320), (90, 160, 220))
    picture.paste((120, 60, 30), (80, 60, 160, 150))  # a head on shoulders
    picture.paste((120, 60, 30), (108, 150, 132, 200))
    picture.paste((200, 30, 60), (40, 200, 200, 320))
    path = tmp_path / "figure.png"
    picture.save(path)
    paint_on(page, path)
    page.locator("#mask-subject").click()
    expect(page.locator(".brush-words")).to_contain_text("% may change")
    page.locator("#mask-clear").click()
    expect(page.locator(".brush-words")).to_have_text("Paint what may change")
    page.locator("#mask-head").click()
    expect(page.locator(".brush-words")).to_contain_text("% may change")
    found = used(page, studio_server)
    assert found[100, 120] == 255
    assert found[300, 120] == 0


@pytest.fixture
def painted_over(studio_server: StudioProcess, tmp_path: Path) -> tuple[Path, str]:
    """A file of 96 × 96 pixels, and the id of an edit of it that left nothing as it was."""
    path = source(tmp_path, (96, 96), 15)
    upload = studio_server.upload(path)["id"]
    job = studio_server.submit(
        mode="smart_edit",
        prompt="paint it all over",
        num_inference_steps=2,
        references=[{"image_id": upload}],
    )
    [made] = studio_server.finished(job["id"])["images"]
    return path, made


def test_what_changed_is_seen_and_corrected_without_generating(
    painted_over: tuple[Path, str], page: Page, studio_server: StudioProcess
) -> None:
    size = (96, 96)
    path, made = painted_over
    page.locator(f"#gallery [data-picture='{made}']").click()
    expect(page.locator("#preview .picture img.out-steady")).to_have_attribute(
        "src", f"/api/v1/images/{made}/file"
    )
    page.locator("#what-changed").click()
    expect(page.locator(".brush-bar")).to_be_visible()
    box = frame(page)
    page.locator("#mask-everything").click()
    expect(page.locator(".brush-words")).to_have_text("100 % changed")
    page.locator("#mask-only").click()
    expect(page.locator(".brush-words")).to_have_text("Nothing changed")
    page.keyboard.press("t")
    a, b = on_screen(box, size, 20, 30), on_screen(box, size, 60, 50)
    drag(page, a, b)
    expect(page.locator(".brush-words")).to_contain_text("% changed")
    page.locator("#mask-done").click()
    chosen = page.locator("#gallery [data-picture][aria-selected=true]")
    expect(chosen).not_to_have_attribute("data-picture", made)
    again = studio_server.api("GET", f"/images/{chosen.get_attribute('data-picture')}").json()
    assert again["parents"][0]["image_id"] == made
    file = studio_server.api("GET", f"/images/{again['id']}/file").content
    with Image.open(io.BytesIO(file)) as picture, Image.open(path) as before:
        differs = (np.asarray(picture.convert("RGB")) != np.asarray(before)).any(axis=-1)
    outside = ~rectangle(size, in_picture(box, size, a), in_picture(box, size, b))
    assert not differs[outside].any()
