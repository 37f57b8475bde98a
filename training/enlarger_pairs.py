"""Pairs to learn enlarging from: pictures at full size, and small versions of each as the studio sees them.

A portrait is composed at full size and made small in four ways (`VERSIONS`): by area, by Lanczos filter,
through the bundled model's autoencoder, and redrawn by the bundled model itself at low strength, so that the
noise and blur are those of real results. Other drawings have the two plain versions only: the model cannot
draw them. Pairs lie in shards of memory-mapped uint8 arrays; a stopped run goes on with the next shard.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from training.attributes import Portrait, held_out
from training.captions import caption
from training.compose import LIGHTS, BackgroundBank, compose
from training.latents import random_background, random_light
from training.parallel import rank, workers
from training.pipes import Pipes, to_pictures, to_tensor
from training.presets import Preset
from training.render import rasterise

AREA, LANCZOS, DECODED, REDRAWN = "area", "lanczos", "decoded", "redrawn"
VERSIONS = (AREA, LANCZOS, DECODED, REDRAWN)
STRENGTHS = (0.1, 0.2, 0.3)
SHARD = 30
DRAWINGS_HELD = 60


@dataclass(frozen=True)
class Job:
    """One shard to make: its kind ("portraits", "drawings"), its part ("train", "held") and its records."""

    kind: str
    part: str
    number: int
    records: Sequence[dict[str, Any]]

    def path(self, folder: Path, size: str) -> Path:
        """The file of this shard's "high" or "low" pictures."""
        return folder / f"{self.kind}-{self.part}-{self.number:04d}-{size}.npy"


def _records(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def plan(portraits: list[dict[str, Any]], drawings: list[dict[str, Any]]) -> list[Job]:
    """All shards, the ones to measure on first."""
    split = {
        ("portraits", "held"): [r for r in portraits if held_out(r)],
        ("drawings", "held"): drawings[:DRAWINGS_HELD],
        ("drawings", "train"): drawings[DRAWINGS_HELD:],
        ("portraits", "train"): [r for r in portraits if not held_out(r)],
    }
    return [
        Job(kind, part, start // SHARD, records[start : start + SHARD])
        for (kind, part), records in split.items()
        for start in range(0, len(records), SHARD)
    ]


def small(pictures: torch.Tensor, px: int, way: str) -> torch.Tensor:
    """Pictures (N, 3, H, W) in [-1, 1] made `px` wide by area or by Lanczos filter; rounded to 8 bits."""
    if way == AREA:
        return F.interpolate(pictures, size=(px, px), mode="area").mul(127.5).round().div(127.5)
    shrunk = [x.resize((px, px), Image.Resampling.LANCZOS) for x in to_pictures(pictures)]
    return to_tensor(shrunk)


@torch.no_grad()
def decoded(pipes: Pipes, pictures: torch.Tensor) -> torch.Tensor:
    """Small pictures as they come out of the bundled autoencoder; (N, 3, px, px) in [-1, 1]."""
    vae = pipes.edit.vae
    return vae.decode(vae.encode(pictures).latent_dist.mode()).sample.clamp(-1, 1)


def redrawn(pipes: Pipes, pictures: torch.Tensor, prompts: Sequence[str], seed: int) -> torch.Tensor:
    """Small pictures redrawn by the bundled model at low strengths: same shapes, its own noise and blur."""
    out: list[Image.Image] = []
    step = -(-len(prompts) // len(STRENGTHS))
    for i, strength in enumerate(STRENGTHS):
        span = slice(i * step, (i + 1) * step)
        if prompts[span]:
            images = to_pictures(pictures[span])
            options = {"image": images, "strength": strength, "guidance_scale": 3.5}
            out += pipes.draw(pipes.image, prompts[span], seed + i * step, **options)
    return to_tensor(out)


def _bytes(pictures: torch.Tensor) -> np.ndarray:
    return ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


class PairMaker:
    """Composes full-size portraits and drawings and makes the small versions of a shard at once."""

    def __init__(self, preset: Preset, work: Path, model: Path) -> None:
        self.px, self.factor = preset.px, preset.enlarger.factor
        self.full, self.seed = self.px * self.factor, preset.seed
        self.bank = BackgroundBank(self.full, cache=work / f"grounds{self.full}.npy")
        self.pipes = Pipes(model)

    def make(self, job: Job, folder: Path) -> None:
        """Write the shard's two arrays: high (n, full, full, 3), low (n, versions, px, px, 3)."""
        rng = random.Random(f"{self.seed}-{job.kind}-{job.part}-{job.number}")
        high, versions = self._portraits(job, rng) if job.kind == "portraits" else self._drawings(job)
        stack = np.stack([_bytes(x) for x in versions], axis=1)
        for size, array in (("low", stack), ("high", _bytes(high))):
            target = job.path(folder, size)
            with target.with_suffix(".tmp").open("wb") as file:
                np.save(file, array)
            target.with_suffix(".tmp").replace(target)

    def _figures(self, job: Job) -> torch.Tensor:
        images = [rasterise((r["svg"], self.full)) for r in job.records]
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)

    def _portraits(self, job: Job, rng: random.Random) -> tuple[torch.Tensor, list[torch.Tensor]]:
        scenes = [(random_background(rng), random_light(rng)) for _ in job.records]
        grounds = self.bank.images[[rng.choice(self.bank.rows(name)) for name, _ in scenes]]
        lights = torch.tensor([LIGHTS.index(light) for _, light in scenes])
        high = compose(self._figures(job), grounds, lights)
        prompts = [caption(Portrait.of(r, *s), rng) for r, s in zip(job.records, scenes, strict=True)]
        area = small(high, self.px, AREA)
        seed = rng.randrange(2**31)
        return high, [
            area,
            small(high, self.px, LANCZOS),
            decoded(self.pipes, area),
            redrawn(self.pipes, area, prompts, seed),
        ]

    def _drawings(self, job: Job) -> tuple[torch.Tensor, list[torch.Tensor]]:
        figures = self._figures(job)
        white = torch.full_like(figures[:, :3], 255)
        high = compose(figures, white, torch.zeros(len(figures), dtype=torch.long))
        return high, [small(high, self.px, way) for way in (AREA, LANCZOS)]


def make_pairs(preset: Preset, work: Path, model: Path) -> None:
    """Make all shards under `work`/pairs, each of the workers every n-th; needs both corpora there."""
    folder = work / "pairs"
    folder.mkdir(parents=True, exist_ok=True)
    jobs = plan(_records(work / "portraits.jsonl.gz"), _records(work / "drawings.jsonl.gz"))
    todo = [job for i, job in enumerate(jobs) if i % workers() == rank()]
    todo = [job for job in todo if not job.path(folder, "high").exists()]
    if todo:
        maker = PairMaker(preset, work, model)
        for job in todo:
            maker.make(job, folder)


class Pairs:
    """The shards of one kind and part, memory-mapped: `high` and `low` pictures by index."""

    def __init__(self, folder: Path, kind: str, part: str) -> None:
        paths = sorted(folder.glob(f"{kind}-{part}-*-high.npy"))
        if not paths:
            raise FileNotFoundError(f"no pairs of {kind} ({part}) in {folder}: run the pairs stage first")
        load = partial(np.load, mmap_mode="r")
        self.high = [load(path) for path in paths]
        self.low = [load(path.with_name(path.name.replace("high", "low"))) for path in paths]
        self.index = [(s, i) for s, shard in enumerate(self.high) for i in range(len(shard))]
        self.versions = VERSIONS[: self.low[0].shape[1]]
        self.px = int(self.low[0].shape[2])
        self.factor = int(self.high[0].shape[1]) // self.px

    def __len__(self) -> int:
        return len(self.index)

    def crop(self, i: int, version: str, y: int, x: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """A small picture's square (size, size, 3) from (y, x) and the same square at full size; uint8."""
        shard, row = self.index[i]
        k, f = self.versions.index(version), self.factor
        low = self.low[shard][row, k, y : y + size, x : x + size]
        high = self.high[shard][row, y * f : (y + size) * f, x * f : (x + size) * f]
        return low, high

    def whole(self, i: int, version: str) -> tuple[np.ndarray, np.ndarray]:
        """A whole pair, small and full size; uint8 (H, W, 3)."""
        return self.crop(i, version, 0, 0, self.px)
