"""The Models page in a browser: a download from a hub on loopback, a licence, defaults, own files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.harness import PageWatch, StudioProcess, chromium_or_skip, running_studio
from tests.hub import Hub, Repo, running_hub
from tests.pipelines.catalog.tool_trees import plant
from tests.pipelines.disk.test_identify import LORA_XL, write

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
FREE = "modes: [text_to_image, img2img], resolution: 64, licence: {name: MIT, commercial: yes}"
BOUND = (
    "modes: [text_to_image], resolution: 64, download_gb: 0.01,"
    " licence: {name: Ink Licence, url: 'https://ink.example/terms', commercial: no, note: Studies only.}"
)


@pytest.fixture
def hub(tiny_plain_dir: Path) -> Iterator[Hub]:
    with running_hub(someone__tiny=Repo.of_folder(tiny_plain_dir)) as hub:
        yield hub


@pytest.fixture
def studio(
    tmp_path: Path, hub: Hub, tiny_plain_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StudioProcess]:
    chromium_or_skip()
    (tmp_path / "models.yaml").write_text(
        "models:\n"
        f"  - {{id: here, label: Here, family: stable-diffusion, source: '{tiny_plain_dir}', {FREE}}}\n"
        f"  - {{id: away, label: Away, family: stable-diffusion, source: someone/tiny, {BOUND}}}\n"
    )
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with running_studio(tmp_path / "data", tmp_path / "models.yaml") as studio:
        yield studio


@pytest.fixture
def models_page(context: BrowserContext, studio: StudioProcess) -> Iterator[Page]:
    page = context.new_page()
    watch = PageWatch(page, studio.url)
    watch.expect("/api/v1/model-roots")  # a folder that is not there is refused
    page.goto(f"{studio.url}/#models")
    page.wait_for_selector("#model-card-away")
    yield page
    watch.check()


def test_an_artist_brings_a_model_here_and_removes_it(
    models_page: Page, hub: Hub, studio: StudioProcess
) -> None:
    page = models_page
    expect(page.locator("#tab-models")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#model-card-here")).to_contain_text("Ready")
    away = page.locator("#model-card-away")
    expect(away).to_contain_text("Not downloaded")
    expect(away).to_contain_text("Commercial use: no")
    expect(away).to_contain_text("about 10 MB to download")
    _download_stops_and_goes_on(page, hub)
    _default_is_kept(page)
    _studio_begins_with_it(page)
    studio.wait_for_worker()  # what fits is known from then on
    _how_it_is_kept_is_chosen(page)
    _own_files_are_found(page, studio)
    _another_tools_folder_is_used_where_it_is(page, studio)
    _removing_asks_first(page)


def _download_stops_and_goes_on(page: Page, hub: Hub) -> None:
    away = page.locator("#model-card-away")
    page.locator("#model-download-away").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#models-ask")
    expect(dialog).to_contain_text("Ink Licence")
    expect(dialog).to_contain_text("Studies only.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert hub.asked == []
    repo = hub.repos["someone/tiny"]
    repo.stall[WEIGHTS] = threading.Event()
    page.click("#model-download-away")
    page.click("#models-ask-yes")
    expect(away.get_by_role("progressbar")).to_be_visible()
    expect(away).to_contain_text("You agreed on")
    expect(away.locator(".mod-status")).to_contain_text("Downloading", timeout=60_000)
    page.click("#model-cancel-away")
    expect(away.locator(".mod-status")).to_contain_text("Stopped")
    repo.stall.pop(WEIGHTS).set()
    page.click("#model-download-away")
    expect(away.locator(".mod-badges")).to_contain_text("Ready", timeout=60_000)
    expect(page.locator("#likeness-toasts")).to_contain_text("Away is ready.")


def _default_is_kept(page: Page) -> None:
    page.select_option("#model-default-text_to_image", "away")
    page.reload()
    page.wait_for_selector("#model-card-away")
    expect(page.locator("#model-default-text_to_image")).to_have_value("away")


def _studio_begins_with_it(page: Page) -> None:
    page.click("#tab-studio")
    model = page.locator("#model-select .lk-model-label")
    expect(model).to_contain_text("Away")
    page.click("#model-select .lk-model-button")
    page.click("#model-here")
    expect(model).to_contain_text("Here")
    page.reload()
    expect(model).to_contain_text("Here")
    page.click("#tab-models")


def _how_it_is_kept_is_chosen(page: Page) -> None:
    here = page.locator("#model-card-here")
    here.get_by_text("Memory and speed").click()
    expect(here).to_contain_text("waits for the compiler")
    page.check("#model-warmup-here")
    expect(page.locator("#likeness-toasts")).to_contain_text("From the next picture on")
    page.select_option("#model-tiling-here", "true")
    expect(here.locator(".mod-facts")).to_contain_text("decoded in tiles")
    page.reload()
    page.wait_for_selector("#model-card-here")
    expect(page.locator("#model-tiling-here")).to_have_value("true")
    expect(page.locator("#model-warmup-here")).to_be_checked()
    expect(page.locator("#model-card-away")).to_contain_text("aaaaaaaaaaaa")


def _own_files_are_found(page: Page, studio: StudioProcess) -> None:
    write(studio.data_dir / "models" / "ink.safetensors", LORA_XL)
    (studio.data_dir / "models" / "old.ckpt").write_bytes(b"pickle")
    page.click("#models-scan")
    expect(page.locator("#addon-ink")).to_contain_text("for SDXL")
    expect(page.locator("#models-addons")).to_contain_text("pickle")
    said = "Your folder holds 1 LoRA or other part, 1 file that cannot be used."
    expect(page.locator("#likeness-toasts")).to_contain_text(said)


def _another_tools_folder_is_used_where_it_is(page: Page, studio: StudioProcess) -> None:
    comfy = studio.data_dir.parent / "ComfyUI"
    plant(comfy, "ComfyUI")
    page.fill("#model-root-path", str(comfy.parent / "nowhere"))
    page.click("#model-root-add")
    expect(page.locator("#likeness-toasts")).to_contain_text("There is no folder")
    page.fill("#model-root-path", str(comfy))
    page.keyboard.press("Enter")
    roots = page.locator("#model-roots")
    expect(roots).to_contain_text("Holds 6 models, 2 enlargers, 5 LoRAs")
    expect(page.locator("#models-list")).to_contain_text("dream")
    roots.get_by_text("What cannot be used").click()
    expect(roots).to_contain_text("It is a pickle")
    page.fill("#models-search", "INK lora")
    expect(page.locator("#models-list > li:visible")).to_have_count(0)
    expect(page.locator("#models-addons strong")).to_have_text(["ink"])
    expect(roots.locator(".mod-root-files li")).to_contain_text(["ink"])
    page.fill("#models-search", "dream")
    expect(page.locator("#models-list > li:visible")).to_have_count(1)
    page.fill("#models-search", "")
    page.get_by_role("button", name=f"Forget {comfy}").click()
    page.click("#models-ask-yes")
    expect(roots.locator("li")).to_have_count(0)
    expect(page.locator("#models-list")).not_to_contain_text("dream")
    assert (comfy / "models" / "loras" / "ink.safetensors").is_file()


def _removing_asks_first(page: Page) -> None:
    page.click("#model-remove-away")
    page.click("#models-ask-no")
    expect(page.locator("#model-card-away .mod-badges")).to_contain_text("Ready")
    page.click("#model-remove-away")
    page.click("#models-ask-yes")
    expect(page.locator("#model-card-away .mod-badges")).to_contain_text("Not downloaded")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
