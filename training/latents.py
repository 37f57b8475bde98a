"""Encode composed portraits once, so that the later stages train on latents alone.

Each identity becomes one group of pictures: every figure of it under one background and light, then the first
figure under two more backgrounds and one more light. Any two pictures of a group are an exact edit pair.
Groups are encoded in shards; a run that was stopped goes on with the next shard.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderKL

from training.attributes import Portrait, held_out
from training.compose import LIGHTS, BackgroundBank
from training.corpus import FigureStore
from training.parallel import rank, workers
from training.presets import Preset
from training.scenes import BACKGROUNDS, kind
from training.shapes import SHAPES, SQUARE, Shape
from training.train_autoencoder import trained_vae

SHARD = 25


def read_records(corpus: Path) -> list[dict]:
    """The attributes of all figures, in the order of the figure store."""
    return [json.loads(line) for line in (corpus / "records.jsonl").open()]


def identities(records: list[dict], styles: Sequence[str]) -> dict[int, list[int]]:
    """Figure indices of each identity in `styles`, leaving out held-out combinations."""
    groups: dict[int, list[int]] = {}
    for i, record in enumerate(records):
        if record["style"] in styles and not held_out(record):
            groups.setdefault(record["identity"], []).append(i)
    return {k: v for k, v in groups.items() if len(v) > 1}


def random_background(rng: random.Random) -> str:
    """Scenes, plain colours and gradients, in the shares they are trained with (50, 40 and 10 %)."""
    wanted = rng.choices(("scene", "plain", "gradient"), (0.5, 0.4, 0.1))[0]
    return rng.choice([b for b in BACKGROUNDS if kind(b) == wanted])


def random_light(rng: random.Random) -> str:
    """No light in half of the pictures, else any of the lights."""
    return "none" if rng.random() < 0.5 else rng.choice(LIGHTS[1:])


@dataclass(frozen=True)
class Shot:
    """One picture: which figure, before which background (and which of its variants), in which light."""

    figure: int
    background: str
    ground: int
    light: str


def plan_group(figures: list[int], bank: BackgroundBank, rng: random.Random) -> list[Shot]:
    """The pictures of one identity (see the module's docstring)."""
    first = random_background(rng)
    ground, light = rng.choice(bank.rows(first)), random_light(rng)
    shots = [Shot(f, first, ground, light) for f in figures]
    for _ in range(2):
        other = random_background(rng)
        while other == first:
            other = random_background(rng)
        shots.append(Shot(figures[0], other, rng.choice(bank.rows(other)), light))
    lights = [x for x in LIGHTS if x != light]
    shots.append(
        Shot(
            figures[0],
            first,
            ground,
            "none" if light != "none" and rng.random() < 0.4 else rng.choice(lights),
        )
    )
    return shots


def shoot(
    shots: list[Shot], store: FigureStore, bank: BackgroundBank, device: str, shape: Shape = SQUARE
) -> torch.Tensor:
    """Compose the shots: pictures (N, 3, px, px) in [-1, 1], or in another `shape` of the bank's size."""
    figures = store.images(torch.tensor([s.figure for s in shots])).to(device)
    grounds = bank.images[[s.ground for s in shots]].to(device)
    lights = torch.tensor([LIGHTS.index(s.light) for s in shots], device=device)
    return shape.compose(figures, grounds, lights)


@torch.no_grad()
def encode_shots(
    shots: list[Shot],
    store: FigureStore,
    bank: BackgroundBank,
    vae: AutoencoderKL,
    image_px: int,
    device: str,
    batch: int = 32,
    shape: Shape = SQUARE,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent means (N, C, h, w) float16 and small pictures (N, 3, image_px, image_px) uint8 of the shots."""
    latents, small = [], []
    for start in range(0, len(shots), batch):
        pictures = shoot(shots[start : start + batch], store, bank, device, shape)
        mean = vae.encode(pictures.to(memory_format=torch.channels_last)).latent_dist.mode()
        latents.append(mean.half().cpu().contiguous())
        tiny = F.interpolate(pictures, size=(image_px, image_px), mode="bilinear", antialias=True)
        small.append(((tiny + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu())
    return torch.cat(latents), torch.cat(small)


def encode_all(
    preset: Preset,
    folder: Path,
    vae: AutoencoderKL,
    device: str,
    count: int,
    shape: Shape = SQUARE,
) -> None:
    """Write `shard*.pt` of the first `count` identities into `folder`; each worker takes every n-th shard."""
    work = folder.parent
    records = read_records(work / "corpus")
    groups = list(identities(records, preset.styles).items())[:count]
    store = FigureStore(work / "corpus" / f"figures{preset.px}.npy", preset.px)
    canvas = shape.px(preset.px, shape.canvas)
    bank = BackgroundBank(canvas, cache=work / f"grounds{canvas}.npy")
    folder.mkdir(exist_ok=True)
    for number, start in enumerate(range(0, len(groups), SHARD)):
        target = folder / f"shard{number:04d}.pt"
        if number % workers() != rank() or target.exists():
            continue
        rng = random.Random(preset.seed * 100_003 + number)
        plans = [plan_group(figures, bank, rng) for _, figures in groups[start : start + SHARD]]
        flat = [shot for plan in plans for shot in plan]
        latents, small = encode_shots(flat, store, bank, vae, preset.unet.image_px, device, shape=shape)
        notes = [[s.figure, s.background, s.ground, s.light] for s in flat]
        data = {
            "latents": latents,
            "small": small,
            "sizes": [len(p) for p in plans],
            "notes": json.dumps(notes),
        }
        torch.save(data, target.with_suffix(".tmp"))
        target.with_suffix(".tmp").replace(target)


def encode(preset: Preset, work: Path, device: str) -> None:
    """The latents stage, in every worker: encode with the trained autoencoder, some in every shape."""
    vae = trained_vae(preset, work, device)
    encode_all(preset, work / "latents", vae, device, preset.identities)
    for name, shape in SHAPES.items():
        encode_all(preset, work / f"latents-{name}", vae, device, preset.shaped_identities, shape)


class LatentSet:
    """All encoded groups in memory: `latents`, `small` pictures, the `portraits` and each one's group."""

    def __init__(self, work: Path, folder: str = "latents") -> None:
        records = read_records(work / "corpus")
        latents, small = [], []
        self.shots: list[Shot] = []
        self.groups: list[range] = []
        for path in sorted((work / folder).glob("shard*.pt")):
            data = torch.load(path, weights_only=True)
            latents.append(data["latents"])
            small.append(data["small"])
            for size in data["sizes"]:
                start = self.groups[-1].stop if self.groups else 0
                self.groups.append(range(start, start + size))
            self.shots += [Shot(*note) for note in json.loads(data["notes"])]
        if not latents:
            raise FileNotFoundError(f"no encoded portraits in {work / folder}: run the latents stage first")
        self.portraits = [Portrait.of(records[s.figure], s.background, s.light) for s in self.shots]
        self.latents, self.small = torch.cat(latents), torch.cat(small)
        self.group_of = [g for g, span in enumerate(self.groups) for _ in span]

    def to(self, device: str) -> LatentSet:
        """Keep latents and small pictures on `device` (a graphics card holds them all)."""
        self.latents, self.small = self.latents.to(device), self.small.to(device)
        return self

    def cut(self, width: int, height: int) -> LatentSet:
        """The same groups, cut to the middle `width` and upper `height` sixteenths of the square's cells."""
        out, side = copy.copy(self), self.latents.shape[-1] + self.latents.shape[-2]
        cells = side // 2  # of the square: a shape's sides add up to its two
        wide, high = cells * width // 16, cells * height // 16
        left = (self.latents.shape[-1] - wide) // 2
        out.latents = self.latents[..., :high, left : left + wide]
        return out

    def scaling_factor(self) -> float:
        """One over the latents' standard deviation: what the autoencoder's config carries."""
        return float(1 / self.latents[:4096].float().std())

    def __len__(self) -> int:
        return len(self.portraits)


def small_pictures(data: LatentSet, index: list[int], device: str) -> torch.Tensor:
    """Reference pictures (B, 3, px, px) in [-1, 1], as the image encoder reads them."""
    return data.small[index].to(device).float() / 127.5 - 1
