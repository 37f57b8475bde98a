"""Small faces drawn anew with the model that comes with the studio, shown before they are kept."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.harness import PageWatch, StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT
from tests.studio.characters.test_heads import canvas

pytestmark = pytest.mark.shared_page


@pytest.fixture(scope="module")
def studio_server(shipped_studio: StudioProcess) -> StudioProcess:
    """A studio as it is shipped."""
    return shipped_studio


def show(page: Page, folder: Path, picture: Image.Image, name: str = "small.png") -> str:
    """Load a picture as the reference, so that the stage shows it: its id."""
    path = folder / name
    picture.save(path)
    page.set_input_files("#reference-file", str(path))
    reference = page.locator("#references .lk-reference:not(.lk-waiting)")
    expect(reference).to_have_count(1)
    image_id = str(reference.get_attribute("data-image-id"))
    expect(page.locator("#preview .picture img.out-steady")).to_have_attribute(
        "src", f"/api/v1/images/{image_id}/file"
    )
    return image_id


def live(studio: StudioProcess) -> set[str]:
    return {each["id"] for each in studio.api("GET", "/images").json()["items"]}


def newest(studio: StudioProcess) -> dict[str, Any]:
    return studio.api("GET", "/jobs?limit=1").json()[0]


def pixels(studio: StudioProcess, image_id: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(studio.api("GET", f"/images/{image_id}/file").content)) as file:
        return np.asarray(file.convert("RGB"))


def test_a_face_is_shown_before_it_is_kept_and_the_rest_stays_to_the_byte(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    source = show(page, tmp_path, canvas(("spiky-2", 90, (180, 200))))
    page.locator("#fix-face").click()
    proposal = page.locator("#proposal")
    expect(proposal).to_be_visible(timeout=LONG_WAIT)
    expect(page.locator("#preview .out-notices")).to_contain_text("mostly smears eyes and mouth")
    job = newest(studio_server)
    (made,) = job["images"]
    assert made not in live(studio_server)
    before, after = pixels(studio_server, source), pixels(studio_server, made)
    same = (before == after).all(axis=-1)
    assert same[:150].all()
    assert same[330:].all()
    assert same[:, :120].all()
    assert same[:, 330:].all()
    assert not same.all()

    page.reload()
    expect(proposal).to_be_visible()
    page.locator("#proposal-whole").click()
    expect(page.locator("#proposal-whole")).to_have_text("The face")
    page.locator("#proposal-range").fill("20")
    cut = "document.querySelector('.proposal-box').style.getPropertyValue('--cut')"
    assert page.evaluate(cut) == "20%"
    page.locator("#proposal-keep").click()
    expect(proposal).to_be_hidden()
    expect(page.locator("#preview .picture img.out-steady")).to_have_attribute(
        "src", f"/api/v1/images/{made}/file"
    )
    assert made in live(studio_server)


@pytest.mark.own_page
def test_what_is_thrown_away_never_came_into_the_collection(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    source = show(page, tmp_path, canvas(("blue-3", 70, (180, 200))))
    before = live(studio_server)
    page.locator("#fix-face").click()
    expect(page.locator("#proposal")).to_be_visible(timeout=LONG_WAIT)
    page.locator("#proposal-throw").click()
    expect(page.locator("#proposal")).to_be_hidden()
    expect(page.locator("#preview .picture img.out-steady")).to_have_attribute(
        "src", f"/api/v1/images/{source}/file"
    )
    assert live(studio_server) == before
    page.reload()
    expect(page.locator("#fix-face")).to_be_enabled()
    expect(page.locator("#proposal")).to_be_hidden()


def test_no_head_is_said_and_nothing_is_queued(
    page: Page, watch: PageWatch, studio_server: StudioProcess, tmp_path: Path
) -> None:
    watch.expect("422")
    show(page, tmp_path, Image.new("RGB", (256, 256), (90, 120, 160)))
    jobs = studio_server.api("GET", "/jobs").json()
    with page.expect_response(lambda answer: answer.url.split("?")[0].endswith("/fix-face")) as told:
        page.locator("#fix-face").click()
    assert told.value.status == 422
    expect(page.get_by_text("No head was found in this picture").first).to_be_visible()
    assert studio_server.api("GET", "/jobs").json() == jobs


def test_the_option_fixes_what_a_job_has_made(studio_server: StudioProcess, tmp_path: Path) -> None:
    path = tmp_path / "two.png"
    canvas(("spiky-1", 100, (60, 60)), ("blue-2", 90, (300, 300))).save(path)
    source = studio_server.upload(path)
    job = studio_server.submit(
        mode="img2img", prompt="two men", strength=0.1, num_inference_steps=20, seed=1,
        references=[{"image_id": source["id"]}], fix_face={"under": 150},
    )  # fmt: skip
    done = studio_server.finished(job["id"])
    assert done["status"] == "done"
    follow = newest(studio_server)
    assert follow["id"] != job["id"], done["notices"]
    assert follow["request"]["mode"] == "fix_face"
    assert follow["request"]["references"][0]["image_id"] == done["images"][0]
    assert studio_server.finished(follow["id"])["status"] == "done"


def test_a_design_offers_only_what_its_model_reads(page: Page, studio_server: StudioProcess) -> None:
    """Portrait Mini has no use of a negative prompt, and of no other number of steps than its own."""
    page.locator("#tab-characters").click()
    page.locator("#designs-open").click()
    expect(page.locator("#design-guidance")).to_be_visible()
    expect(page.locator("#design-negative")).to_be_hidden()
    expect(page.locator("#design-steps")).to_be_hidden()
    made = studio_server.api("POST", "/designs", json={"name": "Ink", "negative_prompt": "hat"}).json()
    page.reload()
    page.locator("#tab-characters").click()
    page.locator("#designs-open").click()
    expect(page.locator("#design-negative")).to_have_value("hat")  # what it says is never hidden
    expect(page.locator("#design-steps")).to_be_hidden()
    studio_server.api("DELETE", f"/designs/{made['id']}")


def test_on_a_phone_a_proposal_is_as_large_as_its_buttons_leave_room(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    """One row for the slider, one for the three buttons, and all else is picture."""
    show(page, tmp_path, canvas(("spiky-2", 90, (60, 90))), "phone.png")
    page.locator("#fix-face").click()
    expect(page.locator("#proposal")).to_be_visible(timeout=LONG_WAIT)
    page.set_viewport_size({"width": 390, "height": 844})
    buttons = page.locator("#proposal figcaption button")
    expect(buttons).to_have_count(3)
    assert len({round(box["y"]) for box in (each.bounding_box() for each in buttons.all()) if box}) == 1
    box = page.locator(".proposal-box").bounding_box()
    assert box
    assert box["height"] >= 220
    page.locator("#proposal-throw").click()
    page.set_viewport_size({"width": 1440, "height": 900})
