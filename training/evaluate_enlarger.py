"""Export the trained enlarger, measure it on pictures held out of its training, and draw its contact sheet.

Every number is of 8-bit pictures as the studio gets them, beside Pillow's bicubic filter on the same ones.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from scipy.ndimage import maximum_filter, minimum_filter

from pipelines.running.enlarging import Compact, enlarge, load
from training.card import last_line
from training.enlarger_pairs import DECODED, REDRAWN, Pairs
from training.presets import Preset

WEIGHTS = "enlarger.safetensors"
TEMPLATE = Path(__file__).with_name("enlarger_card.md")
SHEET_CASES = 12
TILE = 264  # the sheet shows so many pixels of each picture
NEAR = 9  # pixels: the truth's neighbourhood that a picture may not overshoot

Enlarge = Callable[[Image.Image], Image.Image]


def export_enlarger(work: Path, out: Path) -> None:
    """Write the averaged weights in half precision into folder `out`, under the Compact layout's keys."""
    states = torch.load(work / "enlarger.pt", map_location="cpu", weights_only=True)["states"]
    out.mkdir(parents=True, exist_ok=True)
    weights = {k: v.half().contiguous() for k, v in states["ema"].items()}
    notes = {"format": "pt", "architecture": "Compact", "licence": "CC-BY-4.0"}
    save_file(weights, out / WEIGHTS, notes)


def bicubic(picture: Image.Image, factor: int = 4) -> Image.Image:
    """What is measured against."""
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC)


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB of two uint8 pictures."""
    error = (picture.astype(np.float32) - truth).__pow__(2).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


def gradient_energy(picture: np.ndarray) -> float:
    """Mean squared difference of neighbouring pixels, across and down."""
    values = picture.astype(np.float32)
    return sum(float(np.square(np.diff(values, axis=axis)).mean()) for axis in (0, 1))


def overshoot(picture: np.ndarray, truth: np.ndarray) -> float:
    """How far pixels leave the range of the truth around them, on average, in levels of 255: ringing."""
    size = (NEAR, NEAR, 1)
    high, low = maximum_filter(truth, size).astype(np.int16), minimum_filter(truth, size).astype(np.int16)
    values = picture.astype(np.int16)
    return float((np.maximum(values - high, 0) + np.maximum(low - values, 0)).mean())


def grid(picture: np.ndarray, truth: np.ndarray, factor: int = 4) -> float:
    """How unlike the factor * factor places within a small pixel err on average, in levels of 255: a grid."""
    error = picture.astype(np.float32) - truth
    height, width = error.shape[0] // factor, error.shape[1] // factor
    places = error.reshape(height, factor, width, factor, 3).mean(axis=(0, 2))
    return float((places.max(axis=(0, 1)) - places.min(axis=(0, 1))).mean())


def measure(cases: Sequence[tuple[np.ndarray, np.ndarray]], way: Enlarge) -> dict[str, float]:
    """Mean measures of one way to enlarge, over pairs of small and true pictures."""
    rows = []
    for low, truth in cases:
        large = np.asarray(way(Image.fromarray(low)))
        rows.append(
            (psnr(large, truth), gradient_energy(large), gradient_energy(truth),
             overshoot(large, truth), grid(large, truth))
        )  # fmt: skip
    mean = np.mean(rows, axis=0)
    keys = ("psnr", "sharpness", "overshoot", "grid")
    return dict(zip(keys, (round(float(v), 3) for v in (mean[0], mean[1] / mean[2], *mean[3:])), strict=True))


def spread(pairs: Pairs, version: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`count` whole pairs, evenly spread over the held-out ones."""
    step = max(1, len(pairs) // count)
    return [pairs.whole(i, version) for i in range(0, len(pairs), step)][:count]


def seconds(net: Compact, side: int, tries: int = 5) -> float:
    """Processor time of the quickest of some tries at a picture of `side` * `side` pixels, in one thread.

    On a processor that is busy otherwise the clock tells nothing.
    """
    torch.set_num_threads(1)
    picture, best = Image.new("RGB", (side, side), (120, 90, 60)), float("inf")
    for _ in range(tries):
        start = time.process_time()
        enlarge(net, picture)
        best = min(best, time.process_time() - start)
    return best


def evaluate_enlarger(preset: Preset, work: Path, out: Path) -> None:
    """Measure the exported weights; writes `metrics.json` and the card beside them."""
    net = load(out / WEIGHTS)
    metrics: dict[str, Any] = {"cases": preset.cases, "px": preset.px, "measured": {}}
    for kind in ("portraits", "drawings"):
        pairs = Pairs(work / "pairs", kind, "held")
        for version in pairs.versions:
            cases = spread(pairs, version, preset.cases)
            ours, plain = measure(cases, lambda x: enlarge(net, x)), measure(cases, bicubic)
            metrics["measured"][f"{kind}, {version}"] = {"enlarger": ours, "bicubic": plain}
    metrics["parameters"] = sum(p.numel() for p in net.parameters())
    metrics["seconds"] = round(seconds(net, preset.px), 3)
    end = last_line(work / "enlarger.jsonl")
    metrics["training"] = {"steps": end["step"], "minutes": round(end["seconds"] / 60)}
    metrics["pairs"] = {k: len(Pairs(work / "pairs", k, "train")) for k in ("portraits", "drawings")}
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    write_enlarger_card(out)


def write_enlarger_card(folder: Path) -> None:
    """Write `README.md` into the exported `folder`, from its `metrics.json`."""
    metrics = json.loads((folder / "metrics.json").read_text())
    rows = []
    for name, both in metrics["measured"].items():
        ours, plain = both["enlarger"], both["bicubic"]
        values = [f"{plain['psnr']:.1f} → {ours['psnr']:.1f} dB ({ours['psnr'] - plain['psnr']:+.1f})"]
        values += [f"{plain[k]:.2f} → {ours[k]:.2f}" for k in ("sharpness", "overshoot", "grid")]
        rows.append(f"| {name} | {' | '.join(values)} |")
    text = Template(TEMPLATE.read_text()).substitute(
        px=metrics["px"],
        large=metrics["px"] * 4,
        cases=metrics["cases"],
        parameters=f"{metrics['parameters'] / 1e6:.2f} M",
        seconds=f"{metrics['seconds']:.2f} s",
        steps=f"{metrics['training']['steps']:,}",
        minutes=metrics["training"]["minutes"],
        portraits=f"{metrics['pairs']['portraits']:,}",
        drawings=metrics["pairs"]["drawings"],
        measured="\n".join(rows),
    )
    (folder / "README.md").write_text(text)


def enlarger_sheet(work: Path, out: Path, path: Path) -> None:
    """Draw the middles of the first held-out portraits, pixel by pixel: small, bicubic, ours, truth.

    First as the autoencoder gives them back, then some as the model redraws them.
    """
    net, pairs = load(out / WEIGHTS), Pairs(work / "pairs", "portraits", "held")
    cases = [(i, DECODED) for i in range(SHEET_CASES)] + [(i, REDRAWN) for i in range(SHEET_CASES // 3)]
    titles = ("small, 128 px", "bicubic", "enlarger", "truth, 512 px") * 2
    sheet = Image.new("RGB", (len(titles) * TILE, len(cases) // 2 * TILE + 16), "white")
    for x, title in enumerate(titles):
        ImageDraw.Draw(sheet).text((x * TILE + 4, 2), title, fill="black")
    for number, (i, version) in enumerate(cases):
        low, truth = (Image.fromarray(np.ascontiguousarray(a)) for a in pairs.whole(i, version))
        large = low.resize(truth.size, Image.Resampling.NEAREST)
        for x, picture in enumerate((large, bicubic(low), enlarge(net, low), truth)):
            sheet.paste(_middle(picture), ((number % 2 * 4 + x) * TILE, number // 2 * TILE + 16))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=88)


def _middle(picture: Image.Image) -> Image.Image:
    left, top = (picture.width - TILE) // 2, (picture.height - TILE) // 2 - 8
    return picture.crop((left, top, left + TILE, top + TILE))
