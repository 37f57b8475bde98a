"""Read the attributes of a portrait from its pixels, to measure generated pictures with.

A small convolutional classifier with one head per attribute. It is trained on real renders only: never on
anything the model generated, and never on the held-out combinations it is judged by.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from training import attributes as a
from training.attributes import IGNORE, Portrait, held_out
from training.compose import LIGHTS, BackgroundBank
from training.corpus import FigureStore
from training.latents import Shot, random_background, random_light, read_records, shoot
from training.loop import Budget, Checkpoint, arithmetic, cosine
from training.presets import Preset
from training.scenes import BACKGROUNDS
from training.variety import recoloured, shifted, softened

NONE = "none"
CLASSES: dict[str, tuple[str, ...]] = {
    "style": tuple(a.STYLES),
    "haircut": tuple(a.HAIRCUTS),
    "hair_color": tuple(a.HAIR_COLORS),
    "skin": tuple(a.SKINS),
    "clothes": (NONE, *a.CLOTHES),
    "clothes_color": (NONE, *a.CLOTHES_COLORS),
    "expression": tuple(a.EXPRESSIONS),
    "glasses": ("False", "True"),
    "beard": ("False", "True"),
    "background": BACKGROUNDS,
    "light": LIGHTS,
}
SHIFT = 4
SOFT = 0.3
RECOLOURED = 0.5


def labels(p: Portrait) -> dict[str, int]:
    """Class index of every attribute; IGNORE where it cannot be seen."""
    out = {}
    for field, classes in CLASSES.items():
        value = NONE if getattr(p, field) is None else str(getattr(p, field))
        out[field] = classes.index(value) if value in classes else IGNORE  # a guest's style has no name
    if not p.shows_hair_color:
        out["hair_color"] = IGNORE
    if not p.shows_expression:
        out["expression"] = IGNORE
    return out


def heads(width: int) -> torch.nn.ModuleDict:
    """A linear head per attribute on features of this width."""
    return torch.nn.ModuleDict({f: torch.nn.Linear(width, len(c)) for f, c in CLASSES.items()})


class Truth:
    """The classes of many portraits, looked up by index."""

    def __init__(self, portraits: list[Portrait], device: str = "cpu") -> None:
        each = [labels(p) for p in portraits]
        self.classes = {f: torch.tensor([one[f] for one in each], device=device) for f in CLASSES}

    def of(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """The class (B,) of each attribute of the portraits at these indices (B,)."""
        return {field: values[rows] for field, values in self.classes.items()}

    def only(self, rows: torch.Tensor, kept: torch.Tensor) -> dict[str, torch.Tensor]:
        """As `of`, with `IGNORE` for all but the fields that `kept` (see `marked`) has of each portrait."""
        return {
            field: torch.where(kept[:, i], values, IGNORE)
            for i, (field, values) in enumerate(self.of(rows).items())
        }


def marked(fields: Sequence[set[str] | None]) -> torch.Tensor:
    """Which attributes these sets name: booleans (B, attributes), in `CLASSES`' order; None names all."""
    return torch.tensor([[kept is None or f in kept for f in CLASSES] for kept in fields])


class Reader(torch.nn.Module):
    """Pictures (B, 3, px, px) in [-1, 1] to logits for each attribute."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 6 * width, 6 * width)
        layers: list[torch.nn.Module] = []
        inputs = 3
        for w in widths:
            layers += [
                torch.nn.Conv2d(inputs, w, 3, stride=2, padding=1),
                torch.nn.BatchNorm2d(w),
                torch.nn.ReLU(),
            ]
            inputs = w
        self.body = torch.nn.Sequential(*layers)
        self.mix = torch.nn.Sequential(torch.nn.LazyLinear(320), torch.nn.ReLU(), torch.nn.Dropout(0.1))
        self.heads = heads(320)

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """What all attributes are told by: (B, 320)."""
        return self.mix(self.body(pictures).flatten(1))

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits per attribute, each (B, classes)."""
        features = self.features(pictures)
        return {field: head(features) for field, head in self.heads.items()}

    @torch.no_grad()
    def read(self, pictures: torch.Tensor) -> list[dict[str, str]]:
        """The most likely value of every attribute, one dict per picture."""
        self.eval()
        logits = self(pictures)
        rows = {f: logits[f].argmax(1).tolist() for f in CLASSES}
        return [{f: CLASSES[f][rows[f][i]] for f in CLASSES} for i in range(len(pictures))]


class RealRenders:
    """Freshly composed real renders with their attributes, from training or from held-out combinations."""

    def __init__(self, preset: Preset, work: Path, held: bool, seed: int, device: str = "cpu") -> None:
        self.records = read_records(work / "corpus")
        self.index = [
            i for i, r in enumerate(self.records) if r["style"] in preset.styles and held_out(r) == held
        ]
        self.device = device
        self.store = FigureStore(work / "corpus" / f"figures{preset.px}.npy", preset.px, device)
        self.bank = BackgroundBank(preset.px, cache=work / f"grounds{preset.px}.npy").to(device)
        self.rng = random.Random(seed)

    def shot(self, figure: int | None = None) -> tuple[Shot, Portrait]:
        """A random shot (of `figure`, or of any) and its attributes."""
        figure = self.rng.choice(self.index) if figure is None else figure
        background, light = random_background(self.rng), random_light(self.rng)
        shot = Shot(figure, background, self.rng.choice(self.bank.rows(background)), light)
        return shot, Portrait.of(self.records[figure], background, light)

    def batch(self, n: int) -> tuple[torch.Tensor, list[Portrait]]:
        """n pictures (n, 3, px, px) in [-1, 1] with their attributes."""
        drawn = [self.shot() for _ in range(n)]
        return shoot([s for s, _ in drawn], self.store, self.bank, self.device), [p for _, p in drawn]


def varied(
    pictures: torch.Tensor, shown: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Pictures (B, 3, px, px) and classes as the reader learns them: moved, some soft, some recoloured.

    A haircut must be told by its shape, in colours it was never seen in, and a face also where it is soft.
    """
    pictures = softened(shifted(pictures, SHIFT), SOFT).flip(0)
    pictures, shown = recoloured(pictures, {f: classes.flip(0) for f, classes in shown.items()}, RECOLOURED)
    return pictures + 0.03 * torch.randn_like(pictures), shown


def train(preset: Preset, work: Path, device: str) -> Reader:
    """Train (or load, or continue) the reader; writes `reader.pt` and `reader.jsonl` under `work`."""
    p = preset.reader
    torch.manual_seed(preset.seed)
    reader = Reader().to(device)
    reader(torch.zeros(2, 3, preset.px, preset.px, device=device))
    optimizer = torch.optim.AdamW(reader.parameters(), lr=p.lr, weight_decay=1e-2)
    budget = Budget(p.steps, p.minutes)
    checkpoint = Checkpoint(
        work / "reader.pt", {"model": reader, "optimizer": optimizer, "budget": budget}, {}
    )
    step = checkpoint.load()
    source, clock = RealRenders(preset, work, held=False, seed=step, device=device), time.monotonic()
    with (work / "reader.jsonl").open("a") as log:
        while (progress := budget.progress(step)) < 1:
            for group in optimizer.param_groups:
                group["lr"] = cosine(progress, step, p.lr, p.warmup)
            pictures, portraits = source.batch(p.batch)
            pictures, wanted = varied(
                pictures, Truth(portraits, device).of(torch.arange(p.batch, device=device))
            )
            with arithmetic(device, preset.bf16):
                logits = reader.train()(pictures.to(device))
                loss = torch.stack([
                    F.cross_entropy(logits[f].float(), wanted[f].to(device), ignore_index=IGNORE)
                    for f in CLASSES
                ]).sum()  # fmt: skip
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            if step % 50 == 0:
                log.write(json.dumps({"step": step, "loss": round(float(loss.detach()), 4)}) + "\n")
                log.flush()
            if time.monotonic() - clock > preset.checkpoint_seconds:
                checkpoint.save(step)
                clock = time.monotonic()
    checkpoint.save(step)
    return reader.eval()


def accuracy(reader: Reader, source: RealRenders, n: int) -> dict[str, float]:
    """Share of attributes read rightly on n real renders, per attribute."""
    hits: dict[str, list[bool]] = {f: [] for f in CLASSES}
    for _ in range(max(1, n // 50)):
        pictures, portraits = source.batch(min(n, 50))
        for got, p in zip(reader.read(pictures), portraits, strict=True):
            for field, index in labels(p).items():
                if index != IGNORE:
                    hits[field].append(got[field] == CLASSES[field][index])
    return {f: sum(h) / len(h) for f, h in hits.items() if h}
