"""How a picture came to be: family tree, details, compare, winners of a batch, making a picture once more."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, Route, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, boxes, make_picture, thumbs

Picture = dict[str, Any]

pytestmark = pytest.mark.shared_page


@pytest.fixture
def fresh(studio_server: StudioProcess, tmp_path: Path) -> Picture:
    """A portrait of which nothing was made yet: what a test makes of it is in no other test's way."""
    return studio_server.upload(make_picture(tmp_path))


def refine(studio: StudioProcess, source: Picture, prompt: str, **changes: Any) -> Picture:
    """A picture made from another."""
    request = {"mode": "img2img", "num_inference_steps": 2, "seed": 7, **changes}
    job = studio.submit(prompt=prompt, references=[{"image_id": source["id"]}], **request)
    ended = studio.finished(job["id"])
    assert ended["status"] == "done", ended
    return studio.api("GET", f"/images/{ended['images'][0]}").json()


@pytest.fixture(scope="module")
def line(studio_server: StudioProcess, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    """A portrait, a refinement of it, one of that, and a second branch from the portrait; for all tests."""
    first = studio_server.upload(make_picture(tmp_path_factory.mktemp("line")))
    smile = refine(studio_server, first, "a smile")
    firm = refine(studio_server, smile, "a smile", guidance_scale=6)
    other = refine(studio_server, first, "a frown")
    return [first, smile, firm, other]


@pytest.fixture
def tree(collection: Page, line: list[Picture]) -> Page:
    """The family tree, opened at the third picture of the line."""
    reach(collection, line[2])
    collection.keyboard.press("f")
    expect(collection.locator("#tree-dialog")).to_be_visible()
    expect(collection.locator("#tree-dialog [data-node]")).to_have_count(4)
    return collection


def cell(page: Page, record: Picture) -> Locator:
    return page.locator(f"#collection [data-picture='{record['id']}']")


def reach(page: Page, record: Picture) -> None:
    """Give its cell the focus: until a listing is there, cells of the one before are, but unseen."""
    expect(cell(page, record)).to_be_visible()
    cell(page, record).focus()


def card(page: Page, record: Picture) -> Locator:
    return page.locator(f"#tree-dialog [data-node='{record['id']}']")


def test_the_tree_joins_every_branch_and_says_what_changed(tree: Page, line: list[Picture]) -> None:
    firm = line[2]
    expect(card(tree, firm)).to_have_attribute("aria-selected", "true")
    expect(card(tree, firm).locator(".out-tree-change")).to_have_text(re.compile("guidance 3.5 → 6", re.I))
    for one, level in zip(line, "1232", strict=True):
        expect(card(tree, one)).to_have_attribute("aria-level", level)
    boxes = [card(tree, one).bounding_box() for one in line]
    assert boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]  # type: ignore[index]
    assert boxes[1]["y"] == pytest.approx(boxes[3]["y"], abs=1)  # type: ignore[index]
    assert boxes[1]["x"] < boxes[3]["x"]  # type: ignore[index]
    expect(tree.locator("#tree-dialog .out-tree-line")).to_have_count(3)
    expect(tree.locator("#tree-dialog .out-tree-line.on-line")).to_have_count(2)


def test_the_tree_is_walked_by_keys_and_goes_on_from_any_picture(tree: Page, line: list[Picture]) -> None:
    first, smile, _, other = line
    tree.keyboard.press("ArrowUp")
    expect(card(tree, smile)).to_be_focused()
    tree.keyboard.press("ArrowRight")
    expect(card(tree, other)).to_be_focused()
    tree.keyboard.press("ArrowUp")
    expect(card(tree, first)).to_be_focused()
    tree.keyboard.press("ArrowDown")
    tree.keyboard.press("Enter")
    expect(tree.locator("#details-dialog")).to_contain_text("a smile")
    tree.keyboard.press("Escape")
    tree.keyboard.press("r")
    expect(tree.locator("#tree-dialog")).to_be_hidden()
    expect(tree.locator("#references img")).to_have_attribute("src", re.compile(smile["id"]))


def test_any_two_of_the_tree_are_compared_in_four_ways(tree: Page, line: list[Picture]) -> None:
    _, smile, _, other = line
    for one in (smile, other):
        card(tree, one).click()
        tree.keyboard.press("Space")
    tree.get_by_role("button", name="Compare A and B").click()
    stage = tree.locator("#compare-dialog .out-compare-stage")
    expect(stage.locator(".out-compare-reference")).to_have_attribute("src", re.compile(smile["id"]))
    expect(stage.locator(".out-compare-picture")).to_have_attribute("src", re.compile(other["id"]))
    expect(tree.locator(".out-compare-changes")).to_contain_text("frown")
    tree.keyboard.press("2")
    expect(stage).to_have_class(re.compile(r"\bside\b"))
    stage_of = "#compare-dialog .out-compare-stage"
    left, right = boxes(tree, f"{stage_of} .out-compare-reference", f"{stage_of} .out-compare-picture")
    assert left["x"] + left["width"] == pytest.approx(right["x"], abs=1)
    tree.emulate_media(reduced_motion="no-preference")
    tree.keyboard.press("3")
    expect(stage).to_have_class(re.compile("reference-shown"))
    expect(stage).not_to_have_class(re.compile("reference-shown"))
    tree.emulate_media(reduced_motion="reduce")
    tree.keyboard.press("4")
    expect(stage.locator(".out-compare-reference")).to_have_css("mix-blend-mode", "difference")


def test_drift_is_told_along_the_line_and_against_a_chosen_anchor(
    tree: Page, line: list[Picture], studio_server: StudioProcess
) -> None:
    _, smile, firm, _ = line
    side = tree.get_by_role("complementary", name="The chosen picture")
    expect(side).to_contain_text("Measured against its anchor, 2 steps back")
    expect(side.locator(".out-drift")).to_contain_text(re.compile(r"Structure\s*\d+ %"))
    expect(card(tree, smile).locator(".out-tree-drift")).to_have_text(re.compile(r"\d+ % · Δ \d"))
    card(tree, smile).click()
    side.get_by_role("button", name="Make anchor").click()
    expect(card(tree, smile).locator(".out-tree-marks svg")).to_have_count(1)
    card(tree, firm).click()
    expect(side).to_contain_text("Measured against its anchor, one step back")
    assert studio_server.api("GET", f"/images/{smile['id']}").json()["anchor"] is True
    card(tree, smile).click()
    side.get_by_role("button", name="Take the anchor away").click()
    expect(card(tree, smile).locator(".out-tree-marks svg")).to_have_count(0)


def test_a_long_line_suggests_the_anchor_and_applies_the_edits_together(
    collection: Page, fresh: Picture, studio_server: StudioProcess
) -> None:
    last = fresh
    for prompt, changes in (("a smile", {}), ("a smile", {"guidance_scale": 6})):
        last = refine(studio_server, last, prompt, **changes)
    for prompt in ("by night", "in the rain"):
        last = refine(studio_server, last, prompt, num_inference_steps=1, strength=1.0)
    reach(collection, last)
    collection.keyboard.press("f")
    collection.get_by_role("button", name="Apply the edits to the anchor").click()
    prompt = collection.locator("#prompt textarea")
    expect(prompt).to_have_value("a smile. by night. in the rain")
    expect(collection.locator("#references img")).to_have_attribute("src", re.compile(fresh["id"]))


def test_details_show_references_that_are_in_the_trash(
    collection: Page, line: list[Picture], studio_server: StudioProcess
) -> None:
    reach(collection, line[0])
    collection.keyboard.press("Delete")
    expect(cell(collection, line[0])).to_have_count(0)
    reach(collection, line[1])
    collection.keyboard.press("Enter")
    dialog = collection.locator("#details-dialog")
    for words in ("Img2Img", "a smile", "revision", "1 step from the first picture", "Took"):
        expect(dialog).to_contain_text(words)
    parent = dialog.get_by_role("button", name=re.compile("Open the reference, Source, in the trash"))
    expect(parent.locator("img")).to_have_attribute("src", re.compile(line[0]["id"]))
    parent.click()
    dialog.get_by_role("button", name="Restore from trash").click()
    expect(dialog.get_by_role("button", name="Move to trash")).to_be_visible()
    assert studio_server.api("GET", f"/images/{line[0]['id']}").json()["trashed_at"] is None


def test_tags_are_given_and_taken_in_the_details(
    collection: Page, line: list[Picture], studio_server: StudioProcess
) -> None:
    reach(collection, line[3])
    collection.keyboard.press("Enter")
    tags = collection.locator("#details-dialog .out-tag")
    for tag in ("final", "client A"):
        collection.locator("#details-tag").fill(tag)
        collection.keyboard.press("Enter")
        expect(tags.filter(has_text=tag)).to_be_visible()
    with collection.expect_response(_leaves_one_tag):
        collection.get_by_role("button", name="Take the tag final away").click()
    expect(tags).to_have_count(1)
    assert studio_server.api("GET", f"/images/{line[3]['id']}").json()["tags"] == ["client A"]


def _leaves_one_tag(answer: Response) -> bool:
    return answer.request.method == "PATCH" and answer.json()["tags"] == ["client A"]


def test_a_picture_is_made_once_more_and_its_verdict_is_told(
    collection: Page, fresh: Picture, studio_server: StudioProcess
) -> None:
    reach(collection, refine(studio_server, fresh, "a smile"))
    collection.keyboard.press("Enter")
    dialog = collection.locator("#details-dialog")
    dialog.get_by_role("button", name="Reproduce").click()
    expect(dialog.locator(".out-verdict")).to_have_text(re.compile("^Identical"), timeout=LONG_WAIT)


def test_a_second_make_that_ends_while_the_page_asks_is_told_of_all_the_same(
    collection: Page, fresh: Picture, studio_server: StudioProcess
) -> None:
    made = refine(studio_server, fresh, "a smile")
    late: list[str] = []

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        if found and not late:  # the queue says that it ended before this answer, which is older, is here
            late.append(found[0]["job_id"])
            studio_server.finished(late[0])
            time.sleep(1)
            found[0] |= {"verdict": None, "status": "running"}
        route.fulfill(response=answer, json=found)

    collection.route("**/reproductions", answer_late)
    reach(collection, made)
    collection.keyboard.press("Enter")
    dialog = collection.locator("#details-dialog")
    dialog.get_by_role("button", name="Reproduce").click()
    expect(dialog.locator(".out-verdict")).to_have_text(re.compile("^Identical"))
    collection.unroute("**/reproductions")
    assert late


@pytest.mark.own_page
def test_winners_are_picked_by_keys_undone_and_become_the_references(
    gallery: Page, made: list[Picture], studio_server: StudioProcess
) -> None:
    gallery.keyboard.press("w")
    dialog = gallery.locator("#winners-dialog")
    expect(dialog.locator(".out-winners").get_by_role("option")).to_have_count(3)
    gallery.keyboard.press("3")
    gallery.keyboard.press("1")
    expect(dialog).to_contain_text("2 chosen")
    gallery.keyboard.press("x")
    expect(dialog).to_contain_text("2 pictures kept.")
    states = [studio_server.api("GET", f"/images/{one['id']}").json()["trashed_at"] for one in made]
    assert [bool(state) for state in states] == [False, True, False]
    gallery.get_by_role("button", name="Undo").click()
    expect(thumbs(gallery).nth(1)).to_have_attribute("data-picture", made[1]["id"])
    gallery.keyboard.press("r")
    strip = gallery.locator("#references img")
    expect(strip).to_have_count(2)
    expect(strip.nth(0)).to_have_attribute("src", re.compile(made[0]["id"]))
    expect(strip.nth(1)).to_have_attribute("src", re.compile(made[2]["id"]))


def test_the_collection_shows_the_history_by_batch(page: Page, made: list[Picture]) -> None:
    page.locator("#tab-collection").click()
    page.get_by_role("button", name="Batches").click()
    batch = page.locator(f"#collection [data-batch='{made[0]['job_id']}']")
    expect(batch).to_contain_text("make her smile")
    expect(batch).to_contain_text("4 steps")
    expect(batch.locator("[data-picture]")).to_have_count(3)
    batch.get_by_role("button", name="Pick winners").click()
    expect(page.locator("#winners-dialog")).to_be_visible()  # its script is fetched when it is first wanted
    page.keyboard.press("2")
    page.get_by_role("button", name="Keep 1, trash 2").click()
    expect(batch.locator("[data-picture]")).to_have_count(1)
    expect(batch).to_contain_text("2 in the trash")
