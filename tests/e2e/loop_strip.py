"""Make README's strip of a loop of ten pictures anew: `python -m tests.e2e.loop_strip [file]`.

A studio as it is shipped, an empty data folder, first seeds: words, edits, a painted mask, an edit limited to
one, a face drawn anew, more canvas, twice as large. What is on it is what the bundled model does.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.e2e.harness import ROOT, StudioProcess, running_studio

STRIP = ROOT / "docs" / "loop.webp"
SIDE, WORDS, GAP = 216, 40, 8
Part = tuple[float, float, float, float]
"""Left, top, right, bottom, in parts of the picture."""
SHOULDERS: Part = (0.1, 0.74, 0.9, 1.0)
TOP: Part = (0.2, 0.0, 0.8, 0.4)


def main(file: Path) -> None:
    """Write the strip."""
    with (
        tempfile.TemporaryDirectory() as temp,
        running_studio(Path(temp) / "data", ROOT / "models.yaml") as studio,
    ):
        studio.wait_for_worker()
        steps = _loop(studio)
        pictures = [(words, _picture(studio, image_id)) for words, image_id in steps]
    _strip(pictures).save(file, quality=82, method=6)


def _loop(studio: StudioProcess) -> list[tuple[str, str]]:
    """(words under it, id) of each picture, every one made from the one before."""
    first = "portrait of a woman with long brown hair, blue dress, grey background"
    steps = [("“… long brown hair, blue dress”", _made(studio, mode="text_to_image", prompt=first))]

    def go_on(words: str, mask: Part | None = None, **request: Any) -> None:
        source = steps[-1][1]
        references = [{"image_id": source}]
        if mask:
            references.append({"image_id": _mask(studio, source, mask), "role": "mask"})
        steps.append((words, _made(studio, references=references, **request)))

    def edit(words: str, **more: Any) -> None:
        go_on(f"“{words}”", mode="smart_edit", prompt=words, **more)

    edit("give her red hair")
    edit("change the background to a forest")
    edit("make her smile")
    go_on("Inpaint: a green hoodie", SHOULDERS, mode="inpaint", prompt="a woman in a green hoodie")
    edit("give her a yellow hat", mask=TOP)
    steps[-1] = (f"Only here: {steps[-1][0]}", steps[-1][1])
    go_on("Fix the face", mode="fix_face", prompt=first, fix_face={"under": 1024})
    studio.api("POST", f"/images/{steps[-1][1]}/restore")  # it is shown before it is kept
    go_on("Extend to 3:4", mode="outpaint", aspect_ratio="3:4", prompt=f"{first}, forest")
    edit("change the background to a sunset sky")
    go_on("Enlarge, twice", mode="upscale", scale=2)
    return steps


def _made(studio: StudioProcess, **request: Any) -> str:
    """The picture of a job with the seed 1."""
    job = studio.finished(studio.submit(**{"seed": 1, "prompt": "", **request})["id"], 540)
    if job["status"] != "done":
        raise SystemExit(f"{request}: {job['error']}")
    return str(job["images"][0])


def _mask(studio: StudioProcess, source: str, part: Part) -> str:
    """A painted ellipse of a picture's size: its id."""
    record = studio.api("GET", f"/images/{source}").json()
    size = record["width"], record["height"]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse([edge * size[number % 2] for number, edge in enumerate(part)], fill=255)
    out = io.BytesIO()
    mask.save(out, "PNG")
    files = {"file": ("mask.png", out.getvalue(), "image/png")}
    return str(studio.api("POST", "/images", files=files, data={"category": "control"}).json()["id"])


def _picture(studio: StudioProcess, image_id: str) -> Image.Image:
    with Image.open(io.BytesIO(studio.api("GET", f"/images/{image_id}/file").content)) as picture:
        return picture.convert("RGB")


def _strip(pictures: list[tuple[str, Image.Image]]) -> Image.Image:
    """Two rows of five, the words below each."""
    across, down = 5, -(-len(pictures) // 5)
    sheet = Image.new("RGB", (across * (SIDE + GAP) - GAP, down * (SIDE + WORDS + GAP) - GAP), "#f3f3f4")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (words, picture) in enumerate(pictures):
        left, top = number % across * (SIDE + GAP), number // across * (SIDE + WORDS + GAP)
        small = picture.copy()
        small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(small, (left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2))
        text = f"{number + 1}  {words}"
        while draw.textlength(text, font) > SIDE:
            text = text[:-2].rstrip() + "…"
        draw.text((left + 2, top + SIDE + 8), text, "#1c1c21", font)
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else STRIP)
