"""What models that read pictures bring to the page: the describing of a portrait, faces along a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from studio.records import ImageRecord
from tests import tiny_readers
from tests.e2e.harness import StudioProcess, chromium_or_skip, running_studio
from tests.studio.fixtures import open_durable
from tests.studio.test_readers import child, drawn

Line = tuple[ImageRecord, ImageRecord]

pytestmark = pytest.mark.shared_page


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StudioProcess, Line]]:
    """A studio with both readers and no other model, and a drawing that was made from another."""
    chromium_or_skip()
    folder = tmp_path_factory.mktemp("seeing")
    with open_durable(folder) as durable:
        first = drawn(durable, "curls-1")
        line = (first, child(durable, first, "spiky-1"))
    with running_studio(folder / "data", tiny_readers.catalogue(folder / "models")) as studio:
        studio.wait_for_worker()
        yield studio, line


@pytest.fixture(scope="module")
def studio_server(opened: tuple[StudioProcess, Line]) -> StudioProcess:
    return opened[0]


def test_a_portrait_is_described_and_faces_are_compared(
    page: Page, opened: tuple[StudioProcess, Line]
) -> None:
    studio, (first, second) = opened
    made = studio.api("POST", "/characters", json={"name": "Mara"}).json()
    fields = {"hair": {"value": "red"}}
    studio.api("PUT", f"/characters/{made['id']}/blueprint", json={"revision": 0, "fields": fields})
    studio.api("POST", f"/characters/{made['id']}/versions", json={"image_id": first.id})

    page.click("#tab-characters")
    page.get_by_role("button", name="Regenerate the portrait of Mara").click()
    expect(page.locator("#portrait-source")).to_have_text("From blueprint and script, then the picture")
    page.fill("#portrait-prompt", "")
    page.click("#portrait-describe")
    expect(page.locator("#portrait-source")).to_contain_text("read by Tiny Captioner")
    expect(page.locator("#portrait-source [title]")).to_have_attribute(
        "title", re.compile("Tiny Captioner saw: “")
    )
    expect(page.locator("#portrait-prompt")).to_have_value(re.compile(r"^portrait of an? \w+.*, red hair"))
    page.keyboard.press("Escape")
    page.locator("#lose-dialog-yes").click()

    page.click("#tab-collection")
    page.locator(f"#collection [data-picture='{second.id}']").focus()
    page.keyboard.press("f")
    side = page.get_by_role("complementary", name="The chosen picture")
    expect(side.locator(".out-drift")).to_contain_text(re.compile(r"Face\s*\d+ %"))
    card = page.locator(f"#tree-dialog [data-node='{second.id}'] .out-tree-drift")
    expect(card).to_have_text(re.compile(r"\d+ % · Δ \d.* · face \d+ %"))


def test_the_models_page_has_them_beside_the_others(page: Page) -> None:
    page.click("#tab-models")
    readers = page.get_by_role("region", name="Models that read pictures")
    expect(readers.locator(".mod-card")).to_have_count(2)
    expect(readers.locator(".mod-card").first).to_contain_text("Describes a picture in words")
    expect(page.locator("#models-list .mod-card")).to_have_count(1)
