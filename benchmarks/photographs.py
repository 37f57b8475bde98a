"""`python -m benchmarks.photographs`: how often drawings are taken for photographs, and the other way round.

Photographs: those that scikit-image brings along (no microscopy, no star fields), and any of a folder
(`--photographs`). Drawings: portraits of the training corpus (`--corpus`, drawn at 512 px before training's
scenes; needs `pip install -e ".[training]"`), and any of a folder (`--drawings`). Each as it is, at half its
size, and as a JPEG of quality 70. Prints a table for docs/adding-a-model.md.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from skimage import data

from studio.photographs import TEXTURED, texture

PHOTOGRAPHS = (
    "astronaut", "camera", "chelsea", "coffee", "coins", "rocket", "stereo_motorcycle", "clock", "moon",
    "brick", "grass", "gravel",
)  # fmt: skip
PX = 512


def photographs(folder: Path | None) -> Iterator[tuple[str, Image.Image]]:
    """What scikit-image has without a download, and the folder's."""
    for name in PHOTOGRAPHS:
        pixels: Any = getattr(data, name)()
        yield name, Image.fromarray(pixels[0] if isinstance(pixels, tuple) else pixels)
    yield from pictures(folder)


def pictures(folder: Path | None) -> Iterator[tuple[str, Image.Image]]:
    """All of a folder."""
    for path in sorted(folder.iterdir()) if folder else ():
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
            yield path.name, Image.open(path)


def drawn(corpus: Path | None, count: int) -> Iterator[tuple[str, Image.Image]]:
    """Some portraits of the corpus, each before one of the scenes and colours of training."""
    if corpus is None:
        return
    from training.compose import LIGHTS, BackgroundBank, compose
    from training.pipes import to_pictures
    from training.render import rasterise

    with gzip.open(corpus, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    rng, bank = random.Random(0), BackgroundBank(PX, variants=1)
    for number, record in enumerate(rng.sample(records, count)):
        figure = torch.tensor(rasterise((record["svg"], PX)))[None].permute(0, 3, 1, 2)
        ground = bank.images[[rng.randrange(len(bank.images))]]
        light = torch.tensor([rng.randrange(len(LIGHTS))])
        yield f"{record['style']} {number}", to_pictures(compose(figure, ground, light))[0]


def as_sent(picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    """The picture in the forms that are looked at: name of the form and a file."""
    rgb = picture.convert("RGB")
    half = rgb.resize((max(1, rgb.width // 2), max(1, rgb.height // 2)), Image.Resampling.LANCZOS)
    for form, each, kind, options in (
        ("as it is", rgb, "PNG", {}),
        ("at half its size", half, "PNG", {}),
        ("as a JPEG of quality 70", rgb, "JPEG", {"quality": 70}),
    ):
        file = io.BytesIO()
        each.save(file, kind, **options)
        yield form, file.getvalue()


def measured(of: Iterator[tuple[str, Image.Image]], folder: Path) -> dict[str, dict[str, float]]:
    """By form and picture, the share of textured pixels."""
    found: dict[str, dict[str, float]] = {}
    for number, (name, picture) in enumerate(of):
        for form, file in as_sent(picture):
            path = folder / f"{number}-{len(file)}"
            path.write_bytes(file)
            found.setdefault(form, {})[name] = texture(path)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photographs", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="corpus.jsonl.gz of a training")
    parser.add_argument("--drawings", type=Path, help="a folder of more drawings")
    parser.add_argument("--photographs", type=Path, help="a folder of more photographs")
    parser.add_argument("--count", type=int, default=100, help="portraits of the corpus")
    args = parser.parse_args()
    kinds = {
        "photographs": photographs(args.photographs),
        "portraits of the corpus": drawn(args.corpus, args.count),
        "other drawings": pictures(args.drawings),
    }
    print("| kind | form | taken for photographs | for drawings |\n|---|---|---|---|")
    for kind, of in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            for form, shares in measured(of, Path(folder)).items():
                taken = [name for name, share in shares.items() if share >= TEXTURED]
                wrong = sorted(set(shares) - set(taken)) if kind == "photographs" else taken
                named = f" ({', '.join(wrong)})" if wrong else ""
                print(f"| {kind} | {form} | {len(taken)} | {len(shares) - len(taken)} |{named}", flush=True)


if __name__ == "__main__":
    main()
