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
from dataclasses import dataclass, field
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
from training.variety import Frame, framed

SHARD = 25
AT_ONCE = {"cpu": 32}
MOST_AT_ONCE = 512


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
    shots: list[Shot],
    store: FigureStore,
    bank: BackgroundBank,
    device: str,
    shape: Shape = SQUARE,
    frames: Sequence[Frame] = (),
) -> torch.Tensor:
    """Compose the shots: pictures (N, 3, px, px) in [-1, 1], or in another `shape` of the bank's size.

    With `frames`, one a shot, each figure stands where its frame puts it.
    """
    figures = store.images(torch.tensor([s.figure for s in shots])).to(device)
    figures = framed(figures, frames) if frames else figures
    grounds = bank.images[[s.ground for s in shots]].to(device)
    lights = torch.tensor([LIGHTS.index(s.light) for s in shots], device=device)
    return shape.compose(figures, grounds, lights)


@dataclass(frozen=True)
class Kind:
    """A folder of latents: what is drawn (`figures`: the name of their folder), how, and how many identities.

    `moved`: each group stands somewhere else, larger or smaller, some mirrored, as artists' own pictures do.
    """

    folder: str
    count: int
    figures: str = "corpus"
    shape: Shape = SQUARE
    moved: bool = False


def kinds(preset: Preset) -> list[Kind]:
    """All that is encoded: squares, the other shapes, figures moved, and designs that are only edited."""
    shaped = [Kind(f"latents-{name}", preset.shaped_identities, shape=s) for name, s in SHAPES.items()]
    moved = Kind("latents-moved", preset.moved_identities, moved=True)
    guests = Kind("latents-guests", preset.guest_identities, figures="guests", moved=True)
    return [Kind("latents", preset.identities), *shaped, moved, guests]


class Encoder:
    """Composes and encodes shots with one autoencoder; keeps figures and backgrounds at hand."""

    def __init__(self, preset: Preset, work: Path, vae: AutoencoderKL, device: str) -> None:
        self.preset, self.work, self.vae, self.device = preset, work, vae, device
        self._stores: dict[str, FigureStore] = {}
        self._banks: dict[int, BackgroundBank] = {}

    def store(self, figures: str) -> FigureStore:
        """The rendered figures of the folder of this name."""
        if figures not in self._stores:
            path = self.work / figures / f"figures{self.preset.px}.npy"
            self._stores[figures] = FigureStore(path, self.preset.px, self.device)
        return self._stores[figures]

    def bank(self, canvas: int) -> BackgroundBank:
        """The backgrounds of this size, px."""
        if canvas not in self._banks:
            bank = BackgroundBank(canvas, cache=self.work / f"grounds{canvas}.npy")
            self._banks[canvas] = bank.to(self.device)
        return self._banks[canvas]

    def encode(self, kind: Kind) -> None:
        """Write `shard*.pt` of one kind; each worker takes every n-th shard."""
        records = read_records(self.work / kind.figures)
        styles = self.preset.guests if kind.figures == "guests" else self.preset.styles
        groups = list(identities(records, styles).items())[: kind.count]
        folder = self.work / kind.folder
        folder.mkdir(exist_ok=True)
        for number, start in enumerate(range(0, len(groups), SHARD)):
            target = folder / f"shard{number:04d}.pt"
            if number % workers() == rank() and not target.exists():
                data = self._shard(kind, [figures for _, figures in groups[start : start + SHARD]], number)
                torch.save(data, target.with_suffix(".tmp"))
                target.with_suffix(".tmp").replace(target)

    def _shard(self, kind: Kind, groups: list[list[int]], number: int) -> dict[str, object]:
        canvas = kind.shape.px(self.preset.px, kind.shape.canvas)
        rng = random.Random(self.preset.seed * 100_003 + number)
        plans = [plan_group(figures, self.bank(canvas), rng) for figures in groups]
        frames = [f for plan in plans for f in [Frame.drawn(rng)] * len(plan)] if kind.moved else []
        flat = [shot for plan in plans for shot in plan]
        latents, small = self._pictures(kind, flat, frames)
        notes = [[s.figure, s.background, s.ground, s.light] for s in flat]
        sizes = [len(p) for p in plans]
        return {"latents": latents, "small": small, "sizes": sizes, "notes": json.dumps(notes)}

    @torch.no_grad()
    def _pictures(
        self, kind: Kind, shots: list[Shot], frames: list[Frame]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Latent means (N, C, h, w), float16, and small pictures (N, 3, image_px, image_px), uint8."""
        store, bank = self.store(kind.figures), self.bank(kind.shape.px(self.preset.px, kind.shape.canvas))
        size = (self.preset.unet.image_px,) * 2
        latents, small, most = [], [], AT_ONCE.get(self.device, MOST_AT_ONCE)
        for start in range(0, len(shots), most):
            part = slice(start, start + most)
            pictures = shoot(shots[part], store, bank, self.device, kind.shape, frames[part])
            mean = self.vae.encode(pictures.to(memory_format=torch.channels_last)).latent_dist.mode()
            latents.append(mean.half().cpu().contiguous())
            tiny = F.interpolate(pictures, size=size, mode="bilinear", antialias=True)
            small.append(((tiny + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu())
        return torch.cat(latents), torch.cat(small)


def encode(preset: Preset, work: Path, device: str) -> None:
    """The latents stage, in every worker: encode all kinds with the trained autoencoder."""
    encoder = Encoder(preset, work, trained_vae(preset, work, device), device)
    for each in kinds(preset):
        if each.count:
            encoder.encode(each)


@dataclass
class Notes:
    """What the pictures of a latent set show, without any of them: what batches are drawn by.

    `groups`: the indices of each identity's pictures; `group_of`: the group of each picture.
    """

    portraits: list[Portrait]
    groups: list[range]
    group_of: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.group_of = [g for g, span in enumerate(self.groups) for _ in span]


class LatentSet:
    """All encoded groups in memory: `latents`, `small` pictures, and the `notes` of what they show."""

    def __init__(self, work: Path, folder: str = "latents", figures: str = "corpus") -> None:
        records = read_records(work / figures)
        latents, small = [], []
        self.shots: list[Shot] = []
        groups: list[range] = []
        for path in sorted((work / folder).glob("shard*.pt")):
            data = torch.load(path, weights_only=True)
            latents.append(data["latents"])
            small.append(data["small"])
            for size in data["sizes"]:
                start = groups[-1].stop if groups else 0
                groups.append(range(start, start + size))
            self.shots += [Shot(*note) for note in json.loads(data["notes"])]
        if not latents:
            raise FileNotFoundError(f"no encoded portraits in {work / folder}: run the latents stage first")
        portraits = [Portrait.of(records[s.figure], s.background, s.light) for s in self.shots]
        self.notes = Notes(portraits, groups)
        self.latents, self.small = torch.cat(latents), torch.cat(small)

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

    @property
    def portraits(self) -> list[Portrait]:
        """What each picture shows."""
        return self.notes.portraits

    def __len__(self) -> int:
        return len(self.portraits)


def small_pictures(data: LatentSet, index: list[int] | torch.Tensor, device: str) -> torch.Tensor:
    """Reference pictures (B, 3, px, px) in [-1, 1], as the image encoder reads them."""
    return data.small[index].to(device).float() / 127.5 - 1
