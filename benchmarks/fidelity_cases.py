"""Edits whose true result is known: one character drawn twice, one attribute apart, and an edit.

Held-out combinations of the training corpus, drawn at eight times the bundled model's size. What the model
makes is kept in a folder, so that what comes after it can be measured again without it.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines.returning.composing import EnlargedView
from pipelines.returning.geometry import Box
from pipelines.running.enlarging import enlarge, load
from training import scenes
from training.attributes import Portrait, held_out
from training.captions import instruction
from training.compose import LIGHTS, compose
from training.evaluate import EDIT
from training.latents import random_background, random_light
from training.pipes import Pipes, to_pictures, to_tensor
from training.render import rasterise

PX = 1024
MODEL_PX = 128
KINDS = (
    "expression", "hair_color", "clothes_color", "glasses", "background",
    "light", "haircut", "beard", "skin", "clothes",
)  # fmt: skip
LOCAL = ("expression", "glasses", "beard", "clothes_color", "hair_color")
"""Edits that leave most of a picture alone."""
BUNDLED = Path(__file__).parents[1] / "pipelines" / "bundled"
_BATCH = 8


@dataclass(frozen=True)
class View:
    """One picture: a figure's SVG, before which background (and which variant of it), in which light."""

    svg: str
    portrait: Portrait
    ground: int

    def draw(self, px: int = PX) -> Image.Image:
        """The picture, px wide."""
        figure = torch.from_numpy(rasterise((self.svg, px)).copy()).permute(2, 0, 1)[None]
        ground = torch.from_numpy(scenes.draw(self.portrait.background, px, self.ground).copy())
        light = torch.tensor([LIGHTS.index(self.portrait.light)])
        return to_pictures(compose(figure, ground.permute(2, 0, 1)[None], light))[0]


@dataclass(frozen=True)
class Case:
    """An edit: a picture, what is asked of it, and the same picture with that done."""

    kind: str
    before: View
    after: View
    words: str
    seed: int


@dataclass(frozen=True)
class Made:
    """What there is of a case, RGB (H, W, 3) uint8: source and truth at PX, the rest at MODEL_PX.

    `seen`: the source as the autoencoder gives it back; `drawn`: the model's edit.
    """

    case: Case
    source: np.ndarray
    truth: np.ndarray
    small: np.ndarray
    seen: np.ndarray
    drawn: np.ndarray


class Corpus:
    """The figures that no training saw, by identity."""

    def __init__(self, path: Path) -> None:
        self.identities: dict[int, list[dict[str, Any]]] = {}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                self.identities.setdefault(record["identity"], []).append(record)
        held = {i: group for i, group in self.identities.items() if held_out(group[0])}
        self.identities = held

    def cases(self, count: int, seed: int) -> list[Case]:
        """`count` edits, the kinds taking turns; no identity twice while there are others."""
        rng = random.Random(seed)
        order = rng.sample(sorted(self.identities), len(self.identities))
        found: list[Case] = []
        while len(found) < count:
            kind = KINDS[len(found) % len(KINDS)]
            place, case = next(
                (place, case)
                for place, identity in enumerate(order)
                if (case := self._case(identity, kind, rng, seed * 1000 + len(found)))
            )
            order.append(order.pop(place))
            found.append(case)
        return found

    def _case(self, identity: int, kind: str, rng: random.Random, seed: int) -> Case | None:
        records = self.identities[identity]
        before = _view(records[0], random_background(rng), rng.randrange(12), random_light(rng))
        after = _changed(before, records, kind, rng)
        if after is None or before.portrait.differences(after.portrait) != (kind,):
            return None
        return Case(kind, before, after, instruction(before.portrait, after.portrait, rng), seed)

    def chains(self, count: int, length: int, seed: int) -> list[list[Case]]:
        """Local edits in a row, each of what came before it."""
        rng = random.Random(seed)
        found: list[list[Case]] = []
        for identity in rng.sample(sorted(self.identities), len(self.identities)):
            if len(found) < count and len(chain := self._chain(identity, length, rng)) == length:
                found.append(chain)
        return found

    def _chain(self, identity: int, length: int, rng: random.Random) -> list[Case]:
        """From the character to a variant with one local change and back, again and again."""
        first, *others = self.identities[identity]
        ground, variant = random_background(rng), rng.randrange(12)
        home = _view(first, ground, variant, "none")
        local = [_view(record, ground, variant, "none") for record in others]
        local = [v for v in local if v.portrait.differences(home.portrait) in [(k,) for k in LOCAL]]
        chain: list[Case] = []
        for number in range(length if len({v.portrait for v in local}) > 1 else 0):
            away = local[number // 2 % len(local)]
            before, after = (home, away) if number % 2 == 0 else (away, home)
            kind = before.portrait.differences(after.portrait)[0]
            words = instruction(before.portrait, after.portrait, rng)
            chain.append(Case(kind, before, after, words, identity * 100 + number))
        return chain


def _view(record: dict[str, Any], background: str, ground: int, light: str) -> View:
    return View(record["svg"], Portrait.of(record, background, light), ground)


def _changed(before: View, records: Sequence[dict[str, Any]], kind: str, rng: random.Random) -> View | None:
    here = before.portrait
    if kind == "background":
        return replace(before, portrait=replace(here, background=random_background(rng)))
    if kind == "light":
        return replace(before, portrait=replace(here, light=rng.choice(LIGHTS)))
    views = [_view(record, here.background, before.ground, here.light) for record in records[1:]]
    return next((view for view in views if here.differences(view.portrait) == (kind,)), None)


class Studio:
    """The bundled model and the bundled enlarger."""

    @cached_property
    def pipes(self) -> Pipes:
        """The model as stock pipelines."""
        return Pipes(BUNDLED / "portrait-mini")

    @cached_property
    def _net(self) -> Any:
        return load(BUNDLED / "enlarger" / "enlarger.safetensors")

    def enlarge(self, picture: Image.Image, needed: Box) -> EnlargedView:
        """What is needed of a picture, four times larger."""
        return EnlargedView(enlarge(self._net, picture.crop(needed)), needed)

    @torch.no_grad()
    def edit(
        self, small: Sequence[Image.Image], cases: Sequence[Case]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """(the source as the autoencoder gives it back, the edit) of each."""
        words = [case.words for case in cases]
        drawn = self.pipes.draw(self.pipes.edit, words, cases[0].seed, image=list(small), **EDIT)
        return [(s, np.asarray(d)) for s, d in zip(self.seen(small), drawn, strict=True)]

    @torch.no_grad()
    def seen(self, small: Sequence[Image.Image]) -> list[np.ndarray]:
        """Each picture as the autoencoder gives it back."""
        vae = self.pipes.edit.vae
        latents = vae.encode(to_tensor(small)).latent_dist.mode()
        return [np.asarray(each) for each in to_pictures(vae.decode(latents).sample.clamp(-1, 1))]


def small(picture: Image.Image) -> Image.Image:
    """A picture at the size the model works at."""
    return picture.resize((MODEL_PX, MODEL_PX), Image.Resampling.LANCZOS)


def made(cases: Sequence[Case], studio: Studio, folder: Path) -> Iterator[Made]:
    """Each case with its pictures; those that are not in `folder` yet are made and kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(cases), _BATCH):
        batch = cases[start : start + _BATCH]
        files = [folder / f"{case.kind}-{case.seed}.npz" for case in batch]
        if not all(file.exists() for file in files):
            _make(batch, files, studio)
        for case, file in zip(batch, files, strict=True):
            with np.load(file) as kept:
                yield Made(case, **{name: kept[name] for name in kept.files})


def _make(cases: Sequence[Case], files: Sequence[Path], studio: Studio) -> None:
    sources = [case.before.draw() for case in cases]
    shrunk = [small(source) for source in sources]
    edits = studio.edit(shrunk, cases)
    for case, file, source, little, (seen, drawn) in zip(cases, files, sources, shrunk, edits, strict=True):
        truth = np.asarray(case.after.draw())
        np.savez_compressed(
            file, source=np.asarray(source), truth=truth, small=np.asarray(little), seen=seen, drawn=drawn
        )
