"""What the browser tests of the settings side share: places on the page, and what the browser is told."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

_TRANSFER = """({type, data}) => {
  const transfer = new DataTransfer();
  if (type.startsWith("image/")) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], "pasted.png", {type}));
  } else transfer.setData(type, data);
"""
PASTE = (
    _TRANSFER
    + """  const options = {clipboardData: transfer, bubbles: true, cancelable: true};
  (document.activeElement ?? document.body).dispatchEvent(new ClipboardEvent("paste", options));
}"""
)
DROP = (
    _TRANSFER
    + """  const panel = document.querySelector("#references .lk-references");
  const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
  panel.dispatchEvent(new DragEvent("dragover", options));
  panel.dispatchEvent(new DragEvent("drop", options));
}"""
)


def add(page: Page, *paths: Path, total: int | None = None) -> None:
    page.set_input_files("#reference-file", [str(path) for path in paths])
    expect(thumbs(page)).to_have_count(len(paths) if total is None else total)


def thumbs(page: Page) -> Locator:
    return page.locator("#references .lk-reference:not(.lk-waiting)")


def order(page: Page) -> list[str]:
    return [str(each.get_attribute("data-image-id")) for each in thumbs(page).all()]


def expect_order(page: Page, *ids: str) -> None:
    """The references are these, soon, in this order."""
    expect(thumbs(page)).to_have_count(len(ids))
    for place, image_id in enumerate(ids):
        expect(thumbs(page).nth(place)).to_have_attribute("data-image-id", image_id)


def mode_is(page: Page, label: str) -> None:
    expect(page.locator("#assistant")).to_contain_text(label)


def choose_mode(page: Page, mode: str) -> None:
    page.click("#assistant button")
    page.click(f"#mode-{mode}")


def toast(page: Page, words: str) -> Locator:
    return page.locator(".toast-body, .lk-toast").filter(has_text=words)


def small_png(colour: str = "orchid") -> str:
    """A picture as base64."""
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
