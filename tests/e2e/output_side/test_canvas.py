"""Extending a picture by mouse, keys and finger; crop or extend; an edit limited to what is painted."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, boxes, ended
from tests.e2e.output_side.test_brush import drag, frame, on_screen, paint_on, source
from tests.e2e.output_side.test_looking import Fingers

SIZE = (120, 80)


def load(page: Page, path: Path) -> str:
    """Load a picture, and wait until the stage shows it: its id."""
    page.set_input_files("#reference-file", str(path))
    reference = page.locator("#references .lk-reference:not(.lk-waiting)")
    expect(reference).to_have_count(1)
    image_id = str(reference.get_attribute("data-image-id"))
    shown = page.locator("#preview .picture img.out-steady")
    expect(shown).to_have_attribute("src", f"/api/v1/images/{image_id}/file")
    return image_id


def pixels(studio: StudioProcess, image_id: str) -> np.ndarray:
    with Image.open(io.BytesIO(studio.api("GET", f"/images/{image_id}/file").content)) as picture:
        return np.asarray(picture.convert("RGB"))


def added(page: Page, side: str) -> int:
    return int(page.locator(f".extend-edge.{side}").get_attribute("aria-valuenow") or -1)


def test_an_edge_is_dragged_and_the_picture_stays(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    path = source(tmp_path, SIZE, 31)
    image_id = load(page, path)
    page.locator("#extend").click()
    words = page.locator("#extend-words")
    expect(words).to_have_text("Drag an edge outward, or choose a shape.")
    expect(page.locator("#extend-go")).to_be_disabled()
    edge = page.locator(".extend-edge.right").bounding_box()
    assert edge
    middle = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    drag(page, middle, (middle[0] + 60, middle[1]))
    assert added(page, "right") > 0
    page.locator(".extend-edge.right").press("Home")
    assert added(page, "right") == 0
    page.locator(".extend-edge.left").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.locator(".extend-edge.bottom").focus()
    page.keyboard.press("ArrowDown")
    expect(words).to_have_text("120 × 80 → 144 × 88 px · 24 px left, 8 px bottom")
    page.locator("#extend-prompt").fill("a wall behind")
    page.locator("#extend-go").click()
    job = ended(page, "a wall behind")
    assert job["status"] == "done", job
    assert job["request"]["extend"] == {"left": 24, "top": 0, "right": 0, "bottom": 8}
    made = pixels(studio_server, job["images"][0])
    assert made.shape == (88, 144, 3)
    with Image.open(path) as before:
        assert np.array_equal(made[:80, 24:], np.asarray(before))
    parents = studio_server.api("GET", f"/images/{job['images'][0]}").json()["parents"]
    assert [one["image_id"] for one in parents] == [image_id]
    opened = page.locator("#preview .picture img.out-steady")
    expect(opened).to_have_attribute("src", f"/api/v1/images/{job['images'][0]}/file", timeout=LONG_WAIT)
    page.locator("#peek").dispatch_event("pointerdown", {"pointerId": 1})
    expect(page.locator(".out-peek")).to_have_attribute("style", re.compile(r"left: 16\.6"))
    page.locator("#peek").dispatch_event("pointerup", {"pointerId": 1})
    page.locator("#reuse-settings").click()
    expect(page.locator("#assistant")).to_contain_text("Extend")
    expect(page.locator("#extend-by :is(input, textarea)")).to_have_value("24 0 0 8")


def test_a_shape_is_chosen_and_an_edge_dragged_by_touch(
    phone: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    load(phone, source(tmp_path, SIZE, 32))
    phone.locator("#preview [data-action=extend]").tap()
    phone.locator("#extend-dialog .out-segment[data-value='1:1']").tap()
    expect(phone.locator("#extend-words")).to_contain_text("120 × 80 → 120 × 120 px")
    box = phone.locator(".extend-edge.top").bounding_box()
    assert box
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = Fingers(phone)
    fingers.put("touchStart", at)
    fingers.put("touchMove", (at[0], at[1] - 10))
    fingers.put("touchMove", (at[0], at[1] - 20))
    fingers.put("touchEnd")
    assert added(phone, "top") > 20
    expect(phone.locator("#extend-dialog .out-segment[data-value=free]")).to_have_attribute(
        "aria-pressed", "true"
    )
    page_width = phone.evaluate("document.documentElement.scrollWidth")
    assert page_width <= 390


def test_another_shape_offers_crop_or_extend(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    load(page, source(tmp_path, SIZE, 33))
    page.locator("#knobs-toggle button").click()
    fit = page.locator("#fit-group")
    expect(fit).to_be_hidden()
    page.locator("#aspect-ratio label", has_text="1:1").click()
    expect(fit).to_be_visible()
    expect(fit.locator("label .fit-drawing")).to_have_count(2)
    page.locator("#fit label", has_text="Extend").click()
    page.locator("#prompt textarea").fill("make it red")
    page.locator("#generate").click()
    job = ended(page, "make it red")
    assert job["status"] == "done", job
    assert job["request"]["fit"] == "extend"
    made = pixels(studio_server, job["images"][0])
    assert made.shape == (120, 120, 3)
    correct_what_changed(page, studio_server, job["images"][0])
    page.locator("#aspect-ratio label", has_text="Like the reference").click()
    expect(fit).to_be_hidden()


def correct_what_changed(page: Page, studio: StudioProcess, image_id: str) -> None:
    """Take all of it back, on the stage: the extended source is left, with what was made of its canvas."""
    before = pixels(studio, image_id)
    expect(page.locator("#preview .picture img.out-steady")).to_have_attribute(
        "src", f"/api/v1/images/{image_id}/file", timeout=LONG_WAIT
    )
    page.locator("#what-changed").click()
    page.locator("#mask-only").click()
    expect(page.locator(".brush-words")).to_have_text("Nothing changed")
    page.locator("#mask-done").click()
    chosen = page.locator("#gallery [data-picture][aria-selected=true]")
    expect(chosen).not_to_have_attribute("data-picture", image_id)
    again = pixels(studio, str(chosen.get_attribute("data-picture")))
    assert again.shape == before.shape
    assert not np.array_equal(again, before)


@pytest.fixture
def fitted(studio_server: StudioProcess, tmp_path: Path) -> dict[str, str]:
    """An extended and a cropped source in pictures of the model's own size: their ids."""
    upload = studio_server.upload(source(tmp_path, SIZE, 35))["id"]
    made: dict[str, str] = {}
    for fit in ("extend", "crop"):
        job = studio_server.submit(
            mode="smart_edit", prompt=f"make it blue, {fit}", num_inference_steps=2, aspect_ratio="1:1",
            result_size="model", fit=fit, references=[{"image_id": upload}],
        )  # fmt: skip
        [made[fit]] = studio_server.finished(job["id"])["images"]
    return made


def test_the_reference_lies_over_what_was_made_of_it_whatever_its_size(
    fitted: dict[str, str], page: Page
) -> None:
    expected = {"extend": (0, 1 / 6, 1, 2 / 3), "crop": (-0.25, 0, 1.5, 1)}
    for fit, (left, top, width, height) in expected.items():
        made = fitted[fit]
        page.locator(f"#gallery [data-picture='{made}']").click()
        shown = page.locator("#preview .picture img.out-steady")
        expect(shown).to_have_attribute("src", f"/api/v1/images/{made}/file")
        page.keyboard.down("o")
        expect(page.locator(".out-peek")).to_be_visible()
        whole, at = boxes(page, "#preview .picture img.out-steady", ".out-peek")
        page.keyboard.up("o")
        found = [(at["x"] - whole["x"]) / whole["width"], (at["y"] - whole["y"]) / whole["height"]]
        found += [at["width"] / whole["width"], at["height"] / whole["height"]]
        assert found == pytest.approx([left, top, width, height], abs=0.01)
        page.keyboard.press("c")
        compared = page.locator(".out-compare-picture")
        expect(compared).to_have_attribute("src", f"/api/v1/images/{made}/file")
        expect(page.locator(".out-compare-reference")).to_be_visible()
        at, whole = boxes(page, ".out-compare-reference", ".out-compare-picture")
        assert at["width"] / whole["width"] == pytest.approx(width, abs=0.01)
        assert (at["x"] - whole["x"]) / whole["width"] == pytest.approx(left, abs=0.01)
        page.keyboard.press("Escape")


@pytest.fixture
def extended(studio_server: StudioProcess, tmp_path: Path) -> str:
    """Id of a picture to which only canvas was added."""
    upload = studio_server.upload(source(tmp_path, SIZE, 36))["id"]
    job = studio_server.submit(
        mode="outpaint", prompt="more wall", num_inference_steps=2, extend={"left": 16},
        references=[{"image_id": upload}],
    )  # fmt: skip
    return studio_server.finished(job["id"])["images"][0]


def test_added_canvas_is_not_offered_to_be_corrected(extended: str, page: Page) -> None:
    page.locator(f"#gallery [data-picture='{extended}']").click()
    what = page.locator("#what-changed")
    expect(what).to_be_disabled()
    expect(what).to_have_attribute("title", re.compile("Only canvas was added"))


def test_a_painted_mask_limits_an_edit(page: Page, studio_server: StudioProcess, tmp_path: Path) -> None:
    path = source(tmp_path, SIZE, 34)
    image_id = paint_on(page, path)
    box = frame(page)
    page.keyboard.press("t")
    drag(page, on_screen(box, SIZE, 10, 10), on_screen(box, SIZE, 50, 60))
    page.locator("#mask-only-here").click()
    expect(page.locator("#assistant")).to_contain_text("Smart Image Editing")
    page.locator("#prompt textarea").fill("make it green, only here")
    page.locator("#generate").click()
    job = ended(page, "make it green, only here")
    assert job["status"] == "done", job
    assert [one["role"] for one in job["request"]["references"]] == ["source", "mask"]
    made = pixels(studio_server, job["images"][0])
    with Image.open(path) as before:
        assert np.array_equal(made[:, 60:], np.asarray(before)[:, 60:])
    mask = job["request"]["references"][1]["image_id"]
    listed = studio_server.api("GET", "/images?limit=200").json()["items"]
    assert image_id in [one["id"] for one in listed]
    assert mask not in [one["id"] for one in listed]
    page.locator("#details").click()
    details = page.locator("#details-dialog")
    expect(details).to_contain_text("Mask")
    expect(details).to_contain_text("as the reference")
    expect(details).not_to_contain_text('{"')  # settings are told in words
