"""Presets, every choice of a prompt, LoRAs by name, one edit over many pictures: in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import make_picture

pytestmark = pytest.mark.shared_page

PATIENCE = 120_000


def prompt(page: Page, words: str) -> None:
    page.locator("#prompt textarea").fill(words)


def test_a_preset_is_one_press_and_is_seen_in_the_prompt(page: Page, studio_server: StudioProcess) -> None:
    box = page.locator("#prompt textarea")
    prompt(page, "a woman")
    page.locator("#presets").click()
    panel = page.locator("#presets-panel")
    panel.locator("[data-preset=rim]").click()
    expect(box).to_have_value("a woman, bright rim light from behind, glowing outline of hair and shoulders")
    expect(panel.locator("[data-preset=rim]")).to_have_attribute("aria-pressed", "true")
    panel.locator("[data-preset=moon]").click()
    expect(box).to_have_value("a woman, night, cold blue moonlight")
    expect(panel.locator("[data-preset=rim]")).to_have_attribute("aria-pressed", "false")
    panel.locator("[data-preset=moon]").click()
    expect(box).to_have_value("a woman")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_a_preset_of_ones_own_is_kept_changed_and_removed(page: Page, studio_server: StudioProcess) -> None:
    prompt(page, "lit by a lantern")
    page.locator("#presets").click()
    page.locator("#preset-new").click()
    dialog = page.locator("#preset-dialog")
    expect(dialog.locator("#preset-words")).to_have_value("lit by a lantern")
    dialog.locator("#preset-label").fill("Lantern")
    dialog.locator("#preset-group").fill("light")
    dialog.locator("#preset-save").click()
    expect(dialog).to_be_hidden()
    page.locator("#presets").click()
    panel = page.locator("#presets-panel")
    expect(panel.locator("[data-preset=lantern]")).to_have_attribute("aria-pressed", "true")
    panel.get_by_role("button", name="Change one").click()
    panel.locator("[data-preset=lantern]").click()
    dialog.locator("#preset-words").fill("lit by two lanterns")
    dialog.locator("#preset-save").click()
    expect(dialog).to_be_hidden()
    said = [each for each in studio_server.api("GET", "/presets").json()["items"] if each["id"] == "lantern"]
    assert said[0]["says"]["words"] == "lit by two lanterns"
    page.locator("#presets").click()
    panel.get_by_role("button", name="Change one").click()
    panel.locator("[data-preset=lantern]").click()
    dialog.locator("#preset-remove").click()
    expect(dialog).to_be_hidden()
    page.locator("#presets").click()
    expect(panel.locator("[data-preset=rim]")).to_be_visible()
    expect(panel.locator("[data-preset=lantern]")).to_have_count(0)


def test_a_lora_that_a_prompt_names_has_a_chip(page: Page) -> None:
    prompt(page, "a hat <lora:nowhere:0.8>")
    chip = page.locator("#prompt-loras li")
    expect(chip).to_have_text("There is no LoRA for <lora:nowhere:0.8>")
    expect(page.locator("#notices")).to_contain_text("its tag is left out")
    chip.get_by_role("button").click()
    expect(page.locator("#prompt textarea")).to_have_value("a hat")
    expect(chip).to_have_count(0)


def test_every_choice_of_a_prompt_is_a_sweep(page: Page, studio_server: StudioProcess) -> None:
    prompt(page, "{red|blue} hat 帽子 🎩")
    page.locator("#sweep").click()
    dialog = page.locator("#sweep-dialog")
    dialog.locator("#sweep-x").select_option("alternatives")
    expect(dialog.locator("#sweep-x-values")).to_be_hidden()
    dialog.locator("#sweep-y").select_option("mode")
    dialog.locator("#sweep-y").select_option("")
    expect(dialog.locator(".out-sweep-words")).to_contain_text("2 pictures")
    dialog.locator("#sweep-start").click()
    grid = page.locator("#sweep-grid")
    expect(grid.locator("thead th")).to_have_text(["red hat 帽子 🎩", "blue hat 帽子 🎩"])
    expect(grid.locator("[data-picture]")).to_have_count(2, timeout=PATIENCE)
    grid.get_by_role("button", name="Pick winners").click()
    winners = page.locator("#winners-dialog")
    expect(winners.locator("[data-picture]")).to_have_count(2)
    page.keyboard.press("2")
    page.keyboard.press("x")
    expect(winners.locator(".out-picker-count")).to_have_text("1 picture kept.")


def test_one_edit_goes_over_many_pictures_and_is_looked_through_one_by_one(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    pictures = [studio_server.upload(make_picture(tmp_path, f"many-{number}.png")) for number in range(3)]
    ids = [each["id"] for each in pictures]
    page.locator("#tab-collection").click()
    for image_id in ids:
        page.locator(f"#collection [data-picture='{image_id}']").focus()
        page.keyboard.press("Space")
    expect(page.get_by_role("toolbar", name="Chosen pictures")).to_contain_text("3 chosen")
    page.locator("[data-bulk=edit]").click()
    dialog = page.locator("#many-dialog")
    dialog.locator("#many-mode").select_option("img2img")
    dialog.locator("#many-prompt").fill("make it blue")
    expect(dialog.locator(".out-sweep-words")).to_contain_text("3 pictures")
    dialog.locator("#many-start").click()
    grid = page.locator("#sweep-grid")
    expect(grid.locator("thead th")).to_have_text(["Before", "After"])
    expect(grid.locator("[data-picture]")).to_have_count(3, timeout=PATIENCE)
    made = [str(each.get_attribute("data-picture")) for each in grid.locator("[data-picture]").all()]

    grid.locator("#sweep-order").select_option("changed")
    expect(grid.locator("tbody th").first).to_have_text("1")
    expect(grid.locator("tbody tr")).to_have_count(3)
    expect(grid.locator("tbody tr").first).to_contain_text("sharpness")
    grid.locator("#sweep-order").select_option("")

    grid.locator("#sweep-review").click()
    review = page.locator("#review-dialog")
    expect(review.locator(".out-review-words")).to_contain_text("1 of 3")
    page.keyboard.press("k")
    expect(review.locator(".out-review-words")).to_contain_text("2 of 3")
    page.keyboard.press("x")
    expect(review.locator(".out-review-words")).to_contain_text("3 of 3")
    expect(review.locator(".out-picker-count")).to_have_text("1 kept, 1 in the trash, 1 to go")
    page.keyboard.press("u")
    expect(review.locator(".out-picker-count")).to_have_text("1 kept, 0 in the trash, 2 to go")
    first = studio_server.api("GET", f"/images/{made[0]}").json()
    assert first["starred"]
    assert first["parents"][0]["image_id"] in ids
    assert studio_server.api("GET", f"/images/{made[1]}").json()["trashed_at"] is None
