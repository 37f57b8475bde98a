"""How far the pictures of each mode are from real ones as a whole, and pages of them to look at.

The measure is a Fréchet distance (Heusel et al. 2017, arXiv 1706.08500) between the features of generated
and of real pictures, seen by the attribute reader, which never met a generated one. A few pictures are far
from any set for being few, so what counts is how much farther generated ones are than the true ones of the
very same tasks, in units of the distance between two large sets of real ones: 1 is as good as real.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from pipelines.running.enlarging import enlarge, load
from training.cases import MODES, Case, cases
from training.latents import Shot, shoot
from training.pipes import EDIT, SCALES, TEXT, Pipes, to_pictures, to_tensor
from training.presets import Preset
from training.reader import Reader, RealRenders
from training.train_controlnet import edges

SEED = 107
AT_ONCE = {"cpu": 8}
MOST_AT_ONCE = 200
COLUMNS = 8
INSET = 144
LINE = 46


@torch.no_grad()
def features(reader: Reader, pictures: torch.Tensor) -> torch.Tensor:
    """What the reader tells the attributes of pictures (N, 3, px, px) in [-1, 1] by: (N, 320), double."""
    reader.eval()
    device = next(reader.parameters()).device
    return torch.cat([reader.features(part.to(device)).cpu() for part in pictures.split(64)]).double()


def frechet(one: torch.Tensor, other: torch.Tensor) -> float:
    """Fréchet distance between the normal distributions that two sets of features (N, d) and (M, d) suggest.

    The trace of the square root of the covariances' product is the nuclear norm of the product of the centred
    sets, or of their triangular factors, and needs no covariance of full rank.
    """
    means = one.mean(0), other.mean(0)
    a, b = ((x - m) / (len(x) - 1) ** 0.5 for x, m in zip((one, other), means, strict=True))
    upper = (torch.linalg.qr(x, mode="r").R for x in (a, b))
    overlap = torch.linalg.matrix_norm(next(upper) @ next(upper).T, "nuc")
    return float((means[0] - means[1]).square().sum() + a.square().sum() + b.square().sum() - 2 * overlap)


def distance(
    reader: Reader, drawn: torch.Tensor, true: torch.Tensor, real: torch.Tensor, other_real: torch.Tensor
) -> dict[str, float]:
    """How far `drawn` pictures are from `real` ones, as a multiple of what `other_real` ones are: `ratio`.

    `true` are the real pictures of what was drawn; where they are as many as the real ones, the ratio is the
    plain quotient of two distances.
    """
    mine, theirs, one, two = (features(reader, x) for x in (drawn, true, real, other_real))
    between, excess = frechet(one, two), frechet(mine, one) - frechet(theirs, one)
    return {"ratio": 1 + excess / between, "excess": excess, "between_real": between, "pictures": len(mine)}


class Studio:
    """Draws cases as the studio does, and composes what is true of them."""

    def __init__(self, pipes: Pipes, real: RealRenders) -> None:
        self.pipes, self.real = pipes, real

    def picture(self, shots: Sequence[Shot]) -> torch.Tensor:
        """Compose shots: (N, 3, px, px) in [-1, 1]."""
        return shoot(list(shots), self.real.store, self.real.bank, "cpu")

    def given(self, mode: str, tasks: list[Case]) -> list[Image.Image]:
        """What the cases begin with: references, sources, or outlines; none for words alone."""
        shots = [case.given for case in tasks if case.given is not None]
        if not shots:
            return []
        pictures = self.picture(shots)
        if mode == "controlnet":
            pictures = edges(pictures).float().unsqueeze(1).expand(-1, 3, -1, -1) * 2 - 1
        return to_pictures(pictures)

    def draw(self, mode: str, tasks: list[Case], seed: int = 0) -> list[Image.Image]:
        """One picture a case, with seeds from `seed` on."""
        out: list[Image.Image] = []
        most = AT_ONCE.get(self.pipes.device, MOST_AT_ONCE)
        for i in range(0, len(tasks), most):
            out += self._batch(mode, tasks[i : i + most], seed + i)
        return out

    def _batch(self, mode: str, tasks: list[Case], seed: int) -> list[Image.Image]:
        pipes, prompts, given = self.pipes, [case.prompt for case in tasks], self.given(mode, tasks)
        if mode == "text_to_image":
            return pipes.draw(pipes.text, prompts, seed, **TEXT)
        if mode == "smart_edit":
            return pipes.edited(prompts, given, seed, **EDIT)
        if mode == "controlnet":
            return pipes.draw(pipes.control, prompts, seed, image=given, **TEXT)
        character, style = (given if mode == role else None for role in ("character", "style"))
        return pipes.adapted_batch(prompts, seed, character, style, SCALES, **TEXT)


def fidelity(
    studio: Studio, reader: Reader, mode: str, drawn: Sequence[Image.Image], real: int
) -> dict[str, float]:
    """`distance` of what was `drawn` of the first tasks of `mode`, by `real` pictures and as many others."""
    true = studio.picture([case.target for case in cases(studio.real, mode, 2 * real, SEED)])
    return distance(reader, to_tensor(drawn), true[: len(drawn)], true[real:], true[:real])


def measure(preset: Preset, pipes: Pipes, real: RealRenders, reader: Reader, folder: Path) -> dict[str, Any]:
    """`fidelity` of every mode, added to the `metrics.json` of the exported `folder`."""
    studio, path = Studio(pipes, real), folder / "metrics.json"
    metrics = json.loads(path.read_text()) if path.exists() else {}
    found = metrics.setdefault("fidelity", {})
    for mode in MODES:
        start = time.monotonic()
        drawn = studio.draw(mode, cases(real, mode, preset.pictures, SEED))
        values = fidelity(studio, reader, mode, drawn, preset.real_pictures)
        found[mode] = {name: round(value, 4) for name, value in values.items()}
        print(f"fidelity, {mode} ({time.monotonic() - start:.0f} s): {json.dumps(found[mode])}", flush=True)
        path.write_text(json.dumps(metrics, indent=1) + "\n")
    return found


def page(studio: Studio, mode: str, drawn: Sequence[Image.Image], enlarger: Path) -> Image.Image:
    """What was `drawn` of the first tasks of `mode`, enlarged, above its prompt; what it began with inset."""
    tasks, net = cases(studio.real, mode, len(drawn), seed=SEED), load(enlarger)
    given = studio.given(mode, tasks)
    large = [enlarge(net, picture) for picture in drawn]
    side = large[0].width
    rows = -(-len(large) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * side, rows * (side + LINE)), "white")
    words = ImageDraw.Draw(sheet)
    for i, picture in enumerate(large):
        x, y = i % COLUMNS * side, i // COLUMNS * (side + LINE)
        sheet.paste(picture, (x, y))
        if given:
            sheet.paste(given[i].resize((INSET, INSET)), (x, y))
        words.text((x + 4, y + side + 4), f"{i}: {tasks[i].prompt}"[:84], fill="black", font_size=12)
    return sheet


def pages(pipes: Pipes, real: RealRenders, out: Path, enlarger: Path, count: int = 48) -> None:
    """Save `page` of every mode as `<mode>.webp` in folder `out`."""
    studio = Studio(pipes, real)
    out.mkdir(parents=True, exist_ok=True)
    for mode in MODES:
        drawn = studio.draw(mode, cases(real, mode, count, SEED))
        page(studio, mode, drawn, enlarger).save(out / f"{mode}.webp", quality=88)
