"""Draw the contact sheet (every mode on held-out characters, first seeds tried) and the refinement chain.

Pictures are shown as the studio finishes them: enlarged to 512 px by the bundled enlarger.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipelines.running.enlarging import enlarge, load
from training.evaluate import EDIT, SCALES, TEXT
from training.evaluate_enlarger import WEIGHTS
from training.latents import shoot
from training.pipes import Pipes, to_pictures
from training.presets import Preset
from training.reader import RealRenders
from training.train_controlnet import edges

PROMPTS = (
    "portrait of a woman with long red hair, glasses, smiling, in a dark library, ink style",
    "portrait of a man with a beard, short brown hair, serious, a blue hoodie, forest, flat vector style",
    "portrait of a person with curly pink hair, laughing, on a teal background, flat vector style",
    "portrait of a woman with wavy black hair, a yellow t-shirt, sunset sky, bold line style",
    "portrait of a man with a green mohawk, angry, night city, dramatic light from the left, bold line style",
    "portrait of a woman with a silver bob, surprised, candlelit stone chamber, soft light, ink style",
)
EDITS = (
    "change the background to a dark library",
    "make the expression more serious",
    "add dramatic lighting from the left",
    "give her silver hair",
    "add glasses",
    "draw it in ink style",
)
CHAIN = (
    "change the background to a forest",
    "give her red hair",
    "make the expression happy",
    "add glasses",
    "change the shirt color to yellow",
    "add dramatic lighting from the left",
    "change the background to a plain blue background",
    "remove the glasses",
    "give her black hair",
    "draw it in ink style",
)
COLUMNS, TILE, HEAD = 6, 512, 36


class _Sheet:
    """Rows of equal tiles with a caption above each row; pictures enlarged by the enlarger in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.net = load(folder / WEIGHTS)
        self.tile = TILE
        self.rows: list[tuple[str, list[Image.Image]]] = []

    def add(self, title: str, images: list[Image.Image]) -> None:
        large = (enlarge(self.net, x.convert("RGB")) for x in images)
        self.rows.append((title, [x if x.width == self.tile else x.resize((self.tile,) * 2) for x in large]))

    def save(self, path: Path) -> None:
        band = self.tile + HEAD
        words = ImageFont.load_default(size=22)
        sheet = Image.new("RGB", (COLUMNS * (self.tile + 4), band * len(self.rows)), "white")
        draw = ImageDraw.Draw(sheet)
        for y, (title, images) in enumerate(self.rows):
            draw.text((8, y * band + 4), title, fill="black", font=words)
            for x, image in enumerate(images):
                sheet.paste(image, (x * (self.tile + 4), y * band + HEAD - 4))
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, quality=75, method=6)


def contact_sheet(preset: Preset, work: Path, folder: Path, path: Path, enlarger: Path) -> None:
    """Draw every mode of the exported `folder` with seeds 0, 1, 2, ... and save one picture at `path`."""
    pipes, sheet = Pipes(folder), _Sheet(enlarger)
    real = RealRenders(preset, work, held=True, seed=3)
    drawn = [real.shot() for _ in range(COLUMNS)]
    pictures = shoot([s for s, _ in drawn], real.store, real.bank, "cpu")
    sources = to_pictures(pictures)
    sheet.add("text to image, one prompt each", pipes.draw(pipes.text, PROMPTS, 0, **TEXT))
    sheet.add("sources, never trained on", sources)
    for edit in EDITS:
        sheet.add(f"edit: {edit}", pipes.edited([edit] * COLUMNS, sources, 0, **EDIT))
    scene = ["portrait of a person in a forest"] * COLUMNS
    sheet.add(
        "character reference = sources; new scene: forest",
        pipes.adapted_batch(scene, 0, sources, None, SCALES, **TEXT),
    )
    person = ["portrait of a woman with long blonde hair"] * COLUMNS
    sheet.add(
        "style reference = sources; new person", pipes.adapted_batch(person, 0, None, sources, SCALES, **TEXT)
    )
    hints = to_pictures(edges(pictures).float().unsqueeze(1).expand(-1, 3, -1, -1) * 2 - 1)
    sheet.add("structure", hints)
    sheet.add("ControlNet", pipes.draw(pipes.control, PROMPTS, 0, image=hints, **TEXT))
    for strength in (0.4, 0.7):
        images = pipes.draw(pipes.image, PROMPTS, 0, image=sources, strength=strength, **TEXT)
        sheet.add(f"image to image, influence {1 - strength:.0%}", images)
    sheet.save(path)


def refinement_chain(preset: Preset, work: Path, folder: Path, path: Path, enlarger: Path) -> None:
    """Ten edits one after the other, each on the result before it, of two held-out characters; seed 0."""
    pipes, sheet = Pipes(folder), _Sheet(enlarger)
    real = RealRenders(preset, work, held=True, seed=4)
    drawn = [real.shot() for _ in range(2)]
    for source in to_pictures(shoot([s for s, _ in drawn], real.store, real.bank, "cpu")):
        row = [source]
        for edit in CHAIN:
            row += pipes.edited([edit], [row[-1]], 0, **EDIT)
        sheet.add("a portrait, then: " + ", ".join(CHAIN[: COLUMNS - 1]), row[:COLUMNS])
        sheet.add("then: " + ", ".join(CHAIN[COLUMNS - 1 :]), row[COLUMNS:])
    sheet.save(path)
