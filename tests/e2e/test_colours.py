"""What a file's colours are: as Chromium shows them."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Browser, Page

from studio import images, pixels
from tests.studio.colour_files import EVERYTHING

LEVELS = 2
"""Of 255, between two ways to round."""
SHOWN = """async (files) => {
  const shown = {};
  for (const [name, data] of Object.entries(files)) {
    const picture = new Image();
    picture.src = "data:image/png;base64," + data;
    if (!(await picture.decode().then(() => true, () => false))) continue;
    const { width, height } = picture;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const surface = canvas.getContext("2d", { colorSpace: "srgb" });
    surface.fillStyle = "#fff";
    surface.fillRect(0, 0, width, height);
    surface.drawImage(picture, 0, 0);
    shown[name] = [...surface.getImageData(width >> 1, height >> 1, 1, 1).data].slice(0, 3);
  }
  return shown;
}"""


@pytest.fixture(scope="module")
def shown(browser: Browser) -> dict[str, list[int]]:
    """The colour in the middle of every file, as Chromium shows it on white."""
    page: Page = browser.new_page()
    page.goto("about:blank")
    files = {name: base64.b64encode(data).decode() for name, data in EVERYTHING.items()}
    found = page.evaluate(SHOWN, files)
    page.close()
    return found


@pytest.mark.parametrize("name", list(EVERYTHING))
def test_colours_are_those_that_chromium_shows(shown: dict[str, list[int]], name: str) -> None:
    seen = pixels.flat(images.ingest(EVERYTHING[name]).pixels)
    here = seen.getpixel((seen.width // 2, seen.height // 2))
    assert isinstance(here, tuple)
    assert name in shown, "Chromium does not show this file at all"
    assert max(abs(a - b) for a, b in zip(here, shown[name], strict=True)) <= LEVELS, (here, shown[name])
