"""Quick drafts as an artist asks for them: shown where the model can, drawn, told, reused, gone with it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio import durable
from tests import tiny_models_flux
from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import ended, generate

DRAFTING, OTHER = "file-tiny-dev", "tiny"
STEPS = 12
SAID = "7 of 12 steps computed"


@pytest.fixture
def drafting(studio_server: StudioProcess) -> Iterator[None]:
    """A model that drafts, in the models folder of the studio that all share; it is gone afterwards."""
    folder = studio_server.data_dir / "models" / "tiny-dev"
    tiny_models_flux.make_dev(folder)
    models = studio_server.api("POST", "/models/scan").json()["models"]
    assert DRAFTING in {model["id"] for model in models}
    yield
    durable.delete_tree(folder)
    studio_server.api("POST", "/models/scan")


def choose_model(page: Page, model: str) -> None:
    page.click("#model-select button")
    page.click(f"#model-{model}")


def test_a_quick_draft_is_asked_for_told_and_found_again(
    drafting: None, page: Page, studio_server: StudioProcess
) -> None:
    switch = page.locator("#quick-draft")
    page.click("#additional-settings")
    expect(page.locator("#guidance")).to_be_visible()
    expect(switch).to_be_hidden()
    choose_model(page, DRAFTING)
    expect(switch).to_be_visible()
    expect(switch.locator("input")).not_to_be_checked()
    switch.locator("input").check()
    generate(page, "a quick knight", steps=STEPS)
    job = ended(page, "a quick knight")
    assert (job["request"]["quick_draft"], job["request"]["model"]) == (True, DRAFTING)
    (image_id,) = job["images"]
    record = studio_server.api("GET", f"/images/{image_id}").json()
    assert SAID in record["provenance"]["step_cache"]
    with Image.open(io.BytesIO(studio_server.api("GET", f"/images/{image_id}/file").content)) as file:
        assert '"quick_draft":true' in "".join(map(str, file.info.values())).replace(" ", "")
    page.click("#details")
    expect(page.locator("#details-dialog")).to_contain_text(SAID)
    page.keyboard.press("Escape")

    switch.locator("input").uncheck()
    choose_model(page, OTHER)
    expect(switch).to_be_hidden()
    generate(page, "a slow knight", steps=2)
    assert ended(page, "a slow knight")["request"]["quick_draft"] is False
    page.locator(f"#gallery [data-picture='{image_id}']").click()
    page.click("#reuse-settings")
    expect(page.locator("#model-select button").first).to_contain_text("tiny-dev")
    expect(switch).to_be_visible()
    expect(switch.locator("input")).to_be_checked()
    choose_model(page, OTHER)
    expect(switch).to_be_hidden()
    generate(page, "a last knight", steps=2)
    assert ended(page, "a last knight")["request"]["quick_draft"] is False
