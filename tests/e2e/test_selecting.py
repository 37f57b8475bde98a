"""Selecting by a click and by words in the brush, with tiny models of the real classes; and without any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests import tiny_readers
from tests.e2e.harness import PageWatch, StudioProcess, chromium_or_skip, running_studio
from tests.e2e.output_side.test_brush import drag, frame, on_screen, paint_on, source

SIZE = (300, 200)

pytestmark = pytest.mark.shared_page


@pytest.fixture(scope="module")
def studio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A studio with models that select, and no other."""
    chromium_or_skip()
    folder = tmp_path_factory.mktemp("selecting")
    with running_studio(folder / "data", tiny_readers.selecting(folder / "models")) as studio:
        studio.wait_for_worker()
        yield studio


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A studio whose catalogue lists one that is not here."""
    chromium_or_skip()
    folder = tmp_path_factory.mktemp("without")
    entry = "  - {id: away, label: Away Selector, answers: points, source: some/where, licence: none}\n"
    models = folder / "models.yaml"
    models.write_text(tiny_readers.MAKER + "readers:\n" + entry, encoding="utf-8")
    with running_studio(folder / "data", models) as studio:
        yield studio


def saved(page: Page) -> NDArray[np.uint8]:
    """The mask as it is saved: no model is here that could use it."""
    with page.expect_download() as told:
        page.locator("#mask-save").click()
    with Image.open(told.value.path()) as picture:
        assert picture.mode == "L"
        return np.asarray(picture)


def test_a_click_selects_what_the_model_says_and_alt_takes_it_away(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    image = paint_on(page, source(tmp_path, SIZE, 31))
    page.locator("#mask-click").click()
    at = on_screen(frame(page), SIZE, 150, 100)
    with page.expect_response(lambda answer: answer.url.endswith(f"/images/{image}/selection")) as told:
        page.mouse.click(*at)
    assert told.value.status == 200
    words = page.locator(".brush-words")
    expect(words).to_contain_text("may change")
    page.locator("#mask-undo").click()
    expect(words).to_have_text("Paint what may change")
    page.locator("#mask-redo").click()
    expect(words).to_contain_text("% may change")
    assert set(saved(page).flatten()) <= {0, 255}


def test_words_select_and_what_is_meant_is_added_to_what_is_painted(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    paint_on(page, source(tmp_path, SIZE, 32))
    page.locator("#mask-rect").click()
    box = frame(page)
    drag(page, on_screen(box, SIZE, 5, 5), on_screen(box, SIZE, 60, 60))
    page.locator("#mask-words").click()
    said = page.locator("#mask-said")
    expect(said).to_be_focused()
    said.fill("the left half")
    with page.expect_response(lambda answer: answer.url.endswith("/selection")) as told:
        said.press("Enter")
    assert told.value.status == 200
    expect(page.locator(".brush-words")).to_contain_text("% may change")
    mask = saved(page)
    assert (mask[10:55, 10:55] == 255).all()
    assert (mask == 255).sum() > 60 * 60


def test_without_a_model_it_says_how_to_get_one(
    context: BrowserContext, without: StudioProcess, tmp_path: Path
) -> None:
    page = context.new_page()
    watch = PageWatch(page, without.url)
    page.goto(without.url)
    page.wait_for_selector("body.lk-ready")
    paint_on(page, source(tmp_path, SIZE, 33))
    click = page.locator("#mask-click")
    expect(click).to_have_attribute(
        "aria-description", "Selecting by a click needs Away Selector. Download it on the Models page."
    )
    click.click()
    page.mouse.click(*on_screen(frame(page), SIZE, 150, 100))
    expect(page.locator("#likeness-toasts")).to_contain_text("needs Away Selector")
    page.locator("#mask-words").click()
    expect(page.locator("#likeness-toasts")).to_contain_text("needs a model that the catalogue does not list")
    expect(page.locator("#mask-said")).to_be_hidden()
    watch.check()
