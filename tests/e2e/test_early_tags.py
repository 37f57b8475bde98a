"""What is typed into the details before they are known goes to the picture that is shown."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import make_picture


def test_a_tag_given_before_the_details_are_there_is_the_new_pictures(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    first, second = (studio_server.upload(make_picture(tmp_path, f"{n}.png"))["id"] for n in "ab")
    page.evaluate("(id) => likeness.emit('details:open', { id })", first)
    expect(page.locator("#details-dialog .out-facts dd").first).to_be_visible()

    def late(route: Route) -> None:
        time.sleep(1.5)
        route.continue_()

    page.route(f"**/images/{second}/details", late)
    page.evaluate("(id) => likeness.emit('details:open', { id })", second)
    page.locator("#details-tag").fill("early")
    page.locator("#details-tag").press("Enter")
    expect(page.locator("#details-dialog .out-tag")).to_have_text(["early"])
    page.wait_for_function(
        "async (id) => (await likeness.api(`/images/${id}`)).tags.includes('early')", arg=second
    )
    assert studio_server.api("GET", f"/images/{first}").json()["tags"] == []
