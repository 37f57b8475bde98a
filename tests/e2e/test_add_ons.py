"""LoRAs in the settings, as an artist uses them: choose, weigh, call up, stack, take out, reuse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors.torch import load_file, save_file

from tests import tiny_loras
from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import ended, generate

NAMES = ("ink", "wash", "chalk", "gouache", "pastel")
WORDS = {"ss_base_model_version": "sd_v1", "modelspec.trigger_phrase": "inkwork, hatching"}


@pytest.fixture
def loras(studio_server: StudioProcess, tiny_model_dir: object) -> Iterator[None]:
    """Five LoRAs for the first model; they are gone afterwards, and the studio knows."""
    folder = studio_server.data_dir / "models"
    made = tiny_loras.make(tiny_model_dir, folder / "made.safetensors")  # pyright: ignore[reportArgumentType]
    for name in NAMES:
        save_file(load_file(made), folder / f"{name}.safetensors", WORDS if name == "ink" else {})
    made.unlink()
    assert len(studio_server.api("POST", "/models/scan").json()["add_ons"]) == len(NAMES)
    yield
    shutil.rmtree(folder)
    studio_server.api("POST", "/models/scan")


def row(page: Page, name: str) -> Locator:
    return page.locator(f".lk-lora[data-id='{name.lower()}']")


def weight(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Weight of {name}")


def test_an_artist_uses_loras_and_finds_them_again(
    loras: None, page: Page, studio_server: StudioProcess
) -> None:
    page.click("#additional-settings")
    page.select_option("#lora-add", "ink")
    expect(weight(page, "ink")).to_have_value("1")
    expect(row(page, "wash")).to_have_count(0)
    page.fill("#prompt textarea", "a portrait.")
    row(page, "ink").get_by_text("+ hatching").click()
    expect(page.locator("#prompt textarea")).to_have_value("a portrait, hatching")
    row(page, "ink").get_by_text("+ hatching").click()
    expect(page.locator("#prompt textarea")).to_have_value("a portrait, hatching")
    for name in NAMES[1:4]:
        page.select_option("#lora-add", name.lower())
        expect(row(page, name)).to_contain_text("does not say which model")
    expect(page.locator("#lora-add")).to_have_count(0)  # four at most
    page.get_by_label("Take out wash").click()
    page.get_by_label("Take out chalk").click()
    weight(page, "gouache").fill("7")
    weight(page, "gouache").press("Tab")
    expect(weight(page, "gouache")).to_have_value("2")
    weight(page, "ink").fill("0.65")
    weight(page, "ink").press("Tab")
    generate(page, "a portrait, hatching", steps=2)
    (image_id,) = ended(page, "a portrait, hatching")["images"]
    used = [{"id": "ink", "weight": 0.65}, {"id": "gouache", "weight": 2.0}]
    assert studio_server.api("GET", f"/images/{image_id}").json()["request"]["loras"] == used
    for name in ("ink", "gouache"):
        page.get_by_label(f"Take out {name}").click()
    expect(page.locator(".lk-lora")).to_have_count(0)
    page.click("#reuse-settings")
    expect(weight(page, "ink")).to_have_value("0.65")
    expect(weight(page, "gouache")).to_have_value("2")
