"""Take the screenshots of README and docs anew: `python -m tests.e2e.screenshots [folder]`.

A studio as it is shipped, an empty data folder, its sample portrait and a few drawings, first seeds: what is
on them is what the bundled model does.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.e2e.cast import DRAWINGS, character
from tests.e2e.harness import CHROMIUM_FLAGS, ROOT, PageWatch, StudioProcess, chromium_or_skip, running_studio

FOLDER = ROOT / "docs" / "screenshots"
SAMPLE = ROOT / "studio" / "ui" / "static" / "samples" / "portrait.webp"
CAST: dict[str, tuple[str | None, dict[str, str]]] = {
    "Mara": ("blue-1", {"age": "early twenties", "hair": "long, blue, wavy", "outfit": "white coat"}),
    "Ilya": ("spiky-1", {"hair": "short, black, spiky", "outfit": "yellow turtleneck"}),
    "Old Ode": ("curls-1", {"hair": "white curls", "outfit": "blue jumper"}),
    "Sef": ("tall-low", {"hair": "blue bun", "accessories": "round glasses"}),
    "Tam": (None, {"hair": "ginger bob"}),
}
ROUNDS = (
    "change the background to a forest",
    "add dramatic lighting from the left",
    "change the background to a sunset sky",
)
LOOP = ("change the background to a sunset sky", "give her red hair", "make her laugh")
FIRST_PORTRAITS = (
    "portrait of a woman with long red hair, green hoodie, forest",
    "a young man with short black hair, purple t-shirt, night city",
    "portrait of a person with curly white hair, blue sweater, sunset sky",
)
SCENES = ("forest", "sunset sky", "dark library", "night city", "candlelit stone chamber", "beach")


def main(folder: Path) -> None:
    """Write every screenshot into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temp,
        running_studio(Path(temp) / "data", ROOT / "models.yaml") as studio,
        sync_playwright() as playwright,
    ):
        studio.wait_for_worker()
        browser = playwright.chromium.launch(executable_path=chromium_or_skip(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(180_000)
        watch = PageWatch(page, studio.url)
        page.goto(studio.url)
        page.wait_for_selector("body.lk-ready")
        _collection(page, studio, folder)
        _loop(page, studio, folder)
        _characters(page, studio, folder)
        browser.close()
        watch.check()


def _collection(page: Page, studio: StudioProcess, folder: Path) -> None:
    page.click("#tab-collection")
    _shoot(page, folder / "collection-empty.webp")
    uploads = [studio.upload(DRAWINGS / f"{name}.webp") for name in ("blue-2", "curls-2", "spiky-2")]
    jobs = [
        *({"mode": "text_to_image", "prompt": prompt, "num_images": 2} for prompt in FIRST_PORTRAITS),
        *(
            {"mode": "smart_edit", "prompt": prompt, "references": [{"image_id": upload["id"]}]}
            for prompt, upload in zip(ROUNDS, uploads, strict=True)
        ),
    ]
    for job in [studio.submit(seed=number, **wanted) for number, wanted in enumerate(jobs)]:
        assert studio.finished(job["id"])["status"] == "done"
    _settle(page)
    _shoot(page, folder / "collection-twelve.webp")


def _loop(page: Page, studio: StudioProcess, folder: Path) -> None:
    page.click("#tab-studio")
    page.set_input_files("#reference-file", str(SAMPLE))
    page.wait_for_selector("#references .lk-reference:not(.lk-waiting)")
    page.locator("#knobs-toggle button").click()
    page.locator("#seed input").fill("1")
    page.keyboard.press("Tab")
    page.locator("#knobs-toggle button").click()
    for number, prompt in enumerate(LOOP):
        page.locator("#prompt textarea").fill(prompt)
        page.wait_for_timeout(800)
        page.locator("#generate").click()
        page.wait_for_function(
            "(done) => likeness.snapshot.jobs.filter((job) => job.status === 'done' && "
            "job.tab === likeness.tab).length > done",
            arg=number,
        )
        _settle(page)
        if number < len(LOOP) - 1:
            page.click("#use-as-reference")
            _settle(page)
    _shoot(page, folder / "studio.png")


def _characters(page: Page, studio: StudioProcess, folder: Path) -> None:
    design = {"name": "Harbour nights", "style_prompt": "flat colours, thin outlines"}
    studio.api("POST", "/designs", json=design)
    mara, *_ = [
        character(studio, name, DRAWINGS / f"{drawing}.webp" if drawing else None, **locked)
        for name, (drawing, locked) in CAST.items()
    ]
    anchor = studio.api("GET", f"/characters/{mara}/versions").json()["items"][0]["image_id"]
    joining = {"image_id": anchor, "anchor": True}
    studio.api("POST", f"/characters/{mara}/references", json=joining)
    for seed, prompt in enumerate(ROUNDS):
        order = {"mode": "smart_edit", "prompt": prompt, "references": [{"image_id": anchor}], "seed": seed}
        _ended(studio, studio.api("POST", f"/characters/{mara}/portrait", json={**order, "styled": False}))
    cells = [{"label": scene, "prompt": f"change the background to a {scene}"} for scene in SCENES]
    wish = {"cells": cells, "seeds": [0], "mode": "smart_edit"}
    sheet = studio.api("POST", f"/characters/{mara}/sheets", json=wish).json()
    for picture in sheet["pictures"]:
        assert studio.finished(picture["job_id"])["status"] == "done"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.click("#tab-characters")
    _both(page, folder, "characters")
    row = page.locator(".chr-row[aria-label='Mara']")
    row.locator(".chr-thumb").click()
    page.wait_for_selector("#portrait-modal")
    _both(page, folder, "portrait")
    page.keyboard.press("Escape")
    row.get_by_role("button", name="More for Mara").click()
    row.locator("[data-do=sheet]").click()
    page.get_by_role("button", name=f"{len(SCENES)} pictures").first.click()
    page.wait_for_selector("#sheet-view")
    _both(page, folder, "sheet")


def _ended(studio: StudioProcess, answer: Any) -> None:
    assert answer.status_code == 202, answer.text
    assert studio.finished(answer.json()["id"])["status"] == "done"


def _both(page: Page, folder: Path, name: str) -> None:
    """Once in light and once in dark."""
    for theme in ("light", "dark"):
        page.evaluate("(theme) => likeness.setTheme(theme)", theme)
        _shoot(page, folder / f"{name}-{theme}.webp")
    page.evaluate("likeness.setTheme('light')")


def _settle(page: Page) -> None:
    page.wait_for_timeout(2000)


def _shoot(page: Page, path: Path) -> None:
    page.mouse.move(0, 0)
    _settle(page)
    data = page.screenshot()
    if path.suffix == ".png":
        path.write_bytes(data)
    else:
        Image.open(io.BytesIO(data)).convert("RGB").save(path, quality=82, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
