"""The refinement loop as an artist goes through it: portrait, reference, new prompt, Generate, again.

It runs on the model that comes with the studio; where that is not in the checkout, on the tiny one.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import boxes, ended, generate, make_picture

pytestmark = pytest.mark.shared_page

STEPS = 4
ROUNDS = [
    "make her smile",
    "give her red hair",
    "add a scar on the left cheek",
    "she wears a hat",
    "now in the rain",
    "as an oil painting",
    "green eyes",
    "in the evening light",
    "she looks to the left",
    "with a silver necklace",
]


@pytest.fixture(scope="module")
def studio_server(shipped_studio: StudioProcess) -> StudioProcess:
    """A studio as it is shipped."""
    return shipped_studio


def make(page: Page, prompt: str, **knobs: int) -> list[str]:
    """Press Generate and wait: ids of the pictures, the first of which the stage shows."""
    generate(page, prompt, **knobs)
    return wait_for(page, prompt)


def wait_for(page: Page, prompt: str) -> list[str]:
    """The pictures of this tab's newest job with the prompt, once it has ended."""
    job = ended(page, prompt)
    assert job["status"] == "done", job["error"]
    expect(chosen(page)).to_have_attribute("data-picture", job["images"][0])
    return job["images"]


def chosen(page: Page) -> Locator:
    return page.locator("#gallery [data-picture][aria-selected=true]")


def references(page: Page) -> Locator:
    return page.locator("#references .lk-reference:not(.lk-waiting)")


def use_as_reference(page: Page, image_id: str) -> None:
    expect(chosen(page)).to_have_attribute("data-picture", image_id)
    page.locator("#use-as-reference").click()
    expect(references(page)).to_have_count(1)
    expect(references(page)).to_have_attribute("data-image-id", image_id)


def record(studio: StudioProcess, image_id: str) -> dict[str, Any]:
    return studio.api("GET", f"/images/{image_id}").json()


def parents(studio: StudioProcess, image_id: str) -> list[tuple[str, str, int]]:
    """(id, role, order) of each picture this one was made from."""
    found = record(studio, image_id)["parents"]
    return [(parent["image_id"], parent["role"], parent["order"]) for parent in found]


def test_ten_rounds_without_reloading_the_page(page: Page, studio_server: StudioProcess) -> None:
    page.evaluate("window.opened = 'once'")
    before = page.evaluate("likeness.gallery.ids()")
    made = make(page, "portrait of a woman with short black hair", steps=STEPS)
    first = record(studio_server, made[0])
    assert (first["category"], first["parents"]) == ("generated", [])
    for prompt in ROUNDS:
        use_as_reference(page, made[-1])
        made += make(page, prompt)
        expect(references(page)).to_have_attribute("data-image-id", made[-2])
    for parent, child in itertools.pairwise(made):
        assert parents(studio_server, child) == [(parent, "source", 0)]
        assert record(studio_server, child)["category"] == "edited"
    assert len({record(studio_server, each)["pixel_sha256"] for each in made}) == len(made)
    assert page.evaluate("likeness.gallery.ids()") == made[::-1] + before
    assert page.evaluate("window.opened") == "once"
    download_is_the_stored_file(page, studio_server, made[-1])


def download_is_the_stored_file(page: Page, studio: StudioProcess, image_id: str) -> None:
    with page.expect_download() as waiting:
        page.locator("#download").click()
    saved = Path(waiting.value.path()).read_bytes()
    sha256 = record(studio, image_id)["sha256"]
    assert hashlib.sha256(saved).hexdigest() == sha256
    [stored] = (studio.data_dir / "images").glob(f"*/{sha256}*")
    assert stored.read_bytes() == saved


@pytest.mark.own_page
def test_references_stay_and_reused_settings_give_the_same_picture(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    page.set_input_files("#reference-file", str(make_picture(tmp_path)))
    expect(references(page)).to_have_count(1)
    upload = str(references(page).get_attribute("data-image-id"))
    [first] = make(page, "a crown of flowers", steps=STEPS)
    [other] = make(page, "a winter coat")
    assert parents(studio_server, first) == parents(studio_server, other) == [(upload, "source", 0)]
    use_as_reference(page, other)
    page.locator(f"#gallery [data-picture='{first}']").click()
    expect(page.locator("#preview .out-caption")).to_contain_text(str(record(studio_server, first)["seed"]))
    page.locator("#reuse-settings").click()
    expect(page.locator("#prompt textarea")).to_have_value("a crown of flowers")
    expect(references(page)).to_have_attribute("data-image-id", upload)
    mine = "likeness.snapshot.jobs.filter((job) => job.tab === likeness.tab).length"
    before = page.evaluate(mine)
    page.locator("#generate").click()
    page.wait_for_function(f"(before) => {mine} === before + 1", arg=before)
    [again] = wait_for(page, "a crown of flowers")
    assert again != first
    same, made = record(studio_server, again), record(studio_server, first)
    assert same["pixel_sha256"] == made["pixel_sha256"] != record(studio_server, other)["pixel_sha256"]
    assert (same["request"], same["parents"]) == (made["request"], made["parents"])


def test_a_picture_of_the_collection_is_opened_for_editing(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    upload = studio_server.upload(make_picture(tmp_path, "from-the-collection.png"))["id"]
    page.locator("#tab-collection").click()
    cell = page.locator(f"#collection [data-picture='{upload}']")
    cell.hover()
    cell.get_by_role("button", name="Edit image").click()
    expect(page.locator("#panel-studio")).to_be_visible()
    expect(references(page)).to_have_attribute("data-image-id", upload)
    [edited] = make(page, "turn the wall blue", steps=STEPS)
    assert parents(studio_server, edited) == [(upload, "source", 0)]
    assert record(studio_server, edited)["request"]["mode"] == "smart_edit"


def test_two_references_act_in_their_order(page: Page, studio_server: StudioProcess, tmp_path: Path) -> None:
    paths = [make_picture(tmp_path, "one.png"), make_picture(tmp_path, "two.png")]
    one, two = (studio_server.upload(path)["id"] for path in paths)
    page.set_input_files("#reference-file", [str(path) for path in paths])
    expect(references(page)).to_have_count(2)
    page.locator("#assistant button").first.click()
    page.locator("#mode-character_reference").click()
    expect(page.locator("#assistant")).to_contain_text("Character Reference")
    [made] = make(page, "on a rooftop at night", steps=STEPS)
    assert parents(studio_server, made) == [(one, "character", 0), (two, "character", 1)]
    page.locator(".lk-thumb").first.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(references(page).first).to_have_attribute("data-image-id", two)
    [swapped] = make(page, "on a rooftop by day")
    assert parents(studio_server, swapped) == [(two, "character", 0), (one, "character", 1)]


def test_each_picture_of_a_batch_is_the_one_its_seed_makes_alone(
    page: Page, studio_server: StudioProcess
) -> None:
    made = make(page, "three strangers", steps=STEPS, images=3)
    batch = [record(studio_server, each) for each in made]
    request = batch[0]["request"]
    assert [each["seed"] for each in batch] == [request["seed"] + index for index in range(3)]
    for each in batch:
        alone = studio_server.submit(**{**request, "seed": each["seed"], "num_images": 1})
        [image_id] = studio_server.finished(alone["id"])["images"]
        assert record(studio_server, image_id)["pixel_sha256"] == each["pixel_sha256"]
    shown = page.evaluate("likeness.gallery.ids()")
    assert shown[:3] == made


def test_the_longest_seed_is_shown_and_reused_digit_by_digit(
    page: Page, studio_server: StudioProcess
) -> None:
    seed = str(2**63 - 2)
    page.locator("#knobs-toggle button").click()
    page.locator("#seed input").fill(seed)
    [made] = make(page, "a long number", steps=STEPS)
    assert str(record(studio_server, made)["seed"]) == seed
    expect(page.locator("#seed-memory")).to_contain_text(seed)
    expect(page.locator("#preview .out-caption")).to_contain_text(f"seed {seed}")
    page.locator("#seed-dice").click()
    expect(page.locator("#seed input")).to_have_value("-1")
    page.locator("#reuse-seed").click()
    expect(page.locator("#seed input")).to_have_value(seed)


def test_the_words_a_model_cannot_read_are_shown(page: Page, studio_server: StudioProcess) -> None:
    prompt = " ".join(f"word{number}" for number in range(1_400))[:10_000].strip()
    [made] = make(page, prompt, steps=STEPS)
    assert record(studio_server, made)["request"]["prompt"] == prompt
    notice = page.locator("#preview .out-notices li").filter(has_text="were cut")
    expect(notice).to_contain_text(prompt[-40:])
    picture, said = boxes(page, "#preview .out-area", "#preview .out-notices")
    assert said["height"] < picture["height"] / 2
