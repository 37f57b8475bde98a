"""Pictures from elsewhere: importing a folder, what their files say, rights, clean copies."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from tests.e2e.harness import StudioProcess
from tests.e2e.output_side.pages import LONG_WAIT, make_picture

pytestmark = pytest.mark.shared_page

PARAMETERS = """a lighthouse keeper, {word}
Negative prompt: blurry
Steps: 12, Sampler: Euler a, CFG scale: 6.5, Seed: 4242, Size: 64x80, Model: elsewhere-v1"""


def foreign_picture(folder: Path, word: str) -> Path:
    """A picture as another tool saves it."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", PARAMETERS.format(word=word))
    path = folder / f"{word}.png"
    Image.frombytes("RGB", (64, 80), secrets.token_bytes(3 * 64 * 80)).save(path, pnginfo=texts)
    return path


def import_folder(page: Page, folder: Path) -> None:
    page.locator("#collection").get_by_role("button", name="Import a folder").click()
    expect(page.locator("#import-dialog")).to_be_visible()
    another = page.get_by_role("button", name="Import another folder")
    if another.is_visible():  # it still tells of the import that another test has made on this page
        another.click()
    page.locator("#import-path").fill(str(folder))
    page.locator("#import-start").click()


def test_a_folder_is_imported_and_what_could_not_be_is_told(page: Page, tmp_path: Path) -> None:
    word = f"keeper{secrets.token_hex(4)}"
    folder = tmp_path / "elsewhere"
    foreign_picture(folder / "deeper", word)
    make_picture(folder, "plain.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    page.locator("#tab-collection").click()
    import_folder(page, folder)
    dialog = page.locator("#import-dialog")
    expect(dialog).to_contain_text("2 pictures added, 1 could not be read", timeout=LONG_WAIT)
    expect(dialog.locator(".out-problems")).to_contain_text("broken.png")
    page.get_by_role("button", name="Import another folder").click()
    page.locator("#import-path").fill(str(folder))
    page.locator("#import-start").click()
    expect(dialog).to_contain_text("2 were here already", timeout=LONG_WAIT)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Imported", exact=True).click()
    page.locator("#collection-search").fill(word)
    expect(page.locator("#collection .out-count")).to_have_text("1 picture")


def test_a_folder_that_is_not_there_is_refused_in_words(page: Page, watch: object, tmp_path: Path) -> None:
    watch.expect("status of 4")  # type: ignore[attr-defined]
    page.locator("#tab-collection").click()
    import_folder(page, tmp_path / "nowhere")
    expect(page.locator("#import-dialog").get_by_role("alert")).not_to_be_empty()
    expect(page.locator("#import-start")).to_be_enabled()


def test_an_import_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(300):
        make_picture(folder, f"{index}.png", (200, 200))
    page.locator("#tab-collection").click()
    import_folder(page, folder)
    page.locator("#import-cancel").click()
    expect(page.locator("#import-dialog")).to_contain_text("Cancelled.", timeout=LONG_WAIT)
    expect(page.get_by_role("button", name="Import another folder")).to_be_visible()


@pytest.mark.own_page
def test_settings_of_another_tool_are_shown_and_used_again(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    upload = studio_server.upload(foreign_picture(tmp_path, f"keeper{secrets.token_hex(4)}"))
    page.locator("#tab-collection").click()
    page.locator(f"#collection [data-picture='{upload['id']}']").focus()
    page.keyboard.press("Enter")
    section = page.get_by_role("region", name="From the file")
    for words in ("a lighthouse keeper", "4242", "Cannot be used here", "elsewhere-v1", "Euler a"):
        expect(section).to_contain_text(words)
    section.get_by_role("button", name="Reuse these settings").click()
    expect(page.locator("#prompt textarea")).to_have_value(re.compile("^a lighthouse keeper"))
    expect(page.locator("#seed input, #seed textarea").first).to_have_value("4242")


def test_rights_are_stated_and_inherited(page: Page, studio_server: StudioProcess, tmp_path: Path) -> None:
    upload = studio_server.upload(make_picture(tmp_path))
    page.locator("#tab-collection").click()
    page.locator(f"#collection [data-picture='{upload['id']}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rights-source")).to_have_attribute("placeholder", re.compile("^Not stated"))
    page.locator("#rights-source").fill("my own photo")
    page.locator("#rights-consent").fill("release signed")
    with page.expect_response(lambda answer: "release signed" in (answer.request.post_data or "")):
        page.keyboard.press("Tab")
    stated = studio_server.api("GET", f"/images/{upload['id']}").json()["rights"]
    assert stated == {"source": "my own photo", "licence": None, "consent": "release signed"}
    job = studio_server.submit(
        mode="img2img",
        prompt="a",
        num_inference_steps=1,
        strength=1.0,
        references=[{"image_id": upload["id"]}],
    )
    [child] = studio_server.finished(job["id"])["images"]
    page.keyboard.press("Escape")
    page.locator(f"#collection [data-picture='{child}']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Rights")).to_contain_text("my own photo")


def test_a_clean_copy_says_nothing_of_its_making(
    page: Page, studio_server: StudioProcess, tmp_path: Path
) -> None:
    upload = studio_server.upload(foreign_picture(tmp_path, f"keeper{secrets.token_hex(4)}"))
    page.locator("#tab-collection").click()
    page.locator(f"#collection [data-picture='{upload['id']}']").focus()
    page.keyboard.press("Enter")
    with page.expect_download() as waiting:
        page.locator("#details-dialog").get_by_role("button", name="Download a clean copy").click()
    waiting.value.save_as(tmp_path / "clean.png")
    assert Image.open(tmp_path / "clean.png").info == {}
