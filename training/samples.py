"""Mix the training batches: captions and edits for the network, references for the adapters.

Every sample names a target picture and what is told about it: text, maybe a source picture (edit), maybe a
character reference (same identity), maybe a style reference (same style, background and light, other person).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import CLIPTokenizer

from training.attributes import FIELDS, USUAL, Portrait
from training.captions import asked, brief, caption, instruction, unwanted
from training.latents import Notes
from training.reader import marked

EDIT_SHARE = 0.45
BACKGROUND_EDITS = 0.2
EXPRESSION_EDITS = 0.35
STYLE_EDITS = 0.15
EMPTY_TEXT = 0.1
UNWANTED = 0.4
BRIEF = 0.3
NAMED = 0.7
PERSON = (
    "haircut", "hair_color", "skin", "glasses", "beard", "clothes", "clothes_color", "style", "expression",
)  # fmt: skip
LOOK = ("style", "background", "light")
ZERO_REFERENCE = 0.1


@dataclass
class Sample:
    """Indices into the latent set, None where that input is absent; `zero_*` feeds an empty reference.

    `says_nothing`: the text, if there is any, has nothing to do with the picture.
    """

    target: int
    text: str
    source: int | None = None
    character: int | None = None
    style: int | None = None
    zero_character: bool = False
    zero_style: bool = False
    says_nothing: bool = False


class Mixer:
    """Draws samples from the notes of a latent set, the same for the same seed; edits alone if wanted."""

    def __init__(self, data: Notes, seed: int, edits_only: bool = False) -> None:
        self.data, self.rng = data, random.Random(seed)
        self.edit_share = 1.0 if edits_only else EDIT_SHARE
        self.same_look: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        self.same_style: dict[str, list[int]] = defaultdict(list)
        for i, p in enumerate(data.portraits):
            self.same_look[p.style, p.background, p.light].append(i)
            self.same_style[p.style].append(i)

    def draw(self) -> Sample:
        """One sample of the mix.

        What a negative prompt is full of must mean the same as no words: guidance leads away from it.
        """
        sample = self._edit() if self.rng.random() < self.edit_share else self._picture()
        if self.rng.random() < EMPTY_TEXT:
            sample.text = unwanted(self.rng) if self.rng.random() < UNWANTED else ""
            sample.says_nothing = True
        return sample

    def _edit(self) -> Sample:
        rng, portraits = self.rng, self.data.portraits
        span = rng.choice(self.data.groups)
        one = span[0] if rng.random() < 0.75 else rng.choice(span)
        grounds = list(span[-3:])
        which = rng.random()
        wanted: list[int] = []
        if which < EXPRESSION_EDITS:
            wanted = [i for i in span if portraits[i].differences(portraits[one]) == ("expression",)]
        elif which > 1 - STYLE_EDITS:
            wanted = [i for i in span if "style" in portraits[i].differences(portraits[one])]
        if wanted:
            two = rng.choice(wanted)
        elif which < EXPRESSION_EDITS + BACKGROUND_EDITS:
            two = rng.choice([i for i in grounds if i != one])
        else:
            two = rng.choice([i for i in span if i != one])
        source, target = (one, two) if rng.random() < 0.6 else (two, one)
        return Sample(target, instruction(portraits[source], portraits[target], rng), source=source)

    def _picture(self) -> Sample:
        rng, portraits = self.rng, self.data.portraits
        target = rng.randrange(len(portraits))
        if rng.random() >= BRIEF:
            return Sample(target, caption(portraits[target], rng))
        unusual = portraits[target].expression != USUAL
        kept = [f for f in FIELDS if rng.random() < NAMED or (f == "expression" and unusual)]
        return Sample(target, brief(portraits[target], kept, rng))

    def refer(self, sample: Sample) -> None:
        """Give the sample a character reference, a style reference, or both."""
        which = self.rng.random()
        if which < 0.65:
            span = self.data.groups[self.data.group_of[sample.target]]
            sample.character = self.rng.choice([i for i in span if i != sample.target])
        if which > 0.4:
            sample.style = self._style_reference(sample.target)

    def told(self, sample: Sample) -> set[str]:
        """What the sample's references show of its target."""
        target, portraits = self.data.portraits[sample.target], self.data.portraits
        out: set[str] = set()
        if sample.character is not None and not sample.zero_character:
            out.update(f for f in PERSON if f not in portraits[sample.character].differences(target))
        if sample.style is not None and not sample.zero_style:
            out.update(f for f in LOOK if f not in portraits[sample.style].differences(target))
        return out

    def _style_reference(self, target: int) -> int:
        rng, p = self.rng, self.data.portraits[target]
        group = self.data.group_of[target]
        pools = (self.same_look[p.style, p.background, p.light], self.same_style[p.style])
        for pool in pools if rng.random() < 0.75 else pools[1:]:
            for _ in range(8):
                pick = rng.choice(pool)
                if self.data.group_of[pick] != group:
                    return pick
        return rng.choice(pools[1])


def named(sample: Sample, target: Portrait) -> set[str] | None:
    """The attributes of the target that must show: all that follow from source and instruction, or the words.

    What a caption leaves open does not count; None means all of them.
    """
    if sample.says_nothing or not sample.text:
        return set()
    return None if sample.source is not None else set(asked(target, sample.text))


@dataclass
class Tensors:
    """Tensors that a loader's worker has made ready."""

    def to(self, device: str) -> Self:
        """The same on `device`."""
        return type(self)(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))


def places(indices: Sequence[int | None]) -> torch.Tensor:
    """Indices into a latent set, -1 for none."""
    return torch.tensor([-1 if index is None else index for index in indices])


@dataclass
class Batch(Tensors):
    """What the network learns from at once, as tensors that a loader's worker has made ready.

    `target` and `source`: indices (B,) into the latent set, -1 where there is no source; `ids`: token ids
    (B, 77); `told`: the attributes (B, attributes) that must show, as `reader.marked` has them.
    """

    target: torch.Tensor
    source: torch.Tensor
    ids: torch.Tensor
    told: torch.Tensor

    @classmethod
    def of(cls, samples: list[Sample], data: Notes, tokenizer: CLIPTokenizer) -> Batch:
        """These samples of `data`."""
        return cls(
            torch.tensor([s.target for s in samples]),
            places([s.source for s in samples]),
            tokens(tokenizer, [s.text for s in samples]),
            marked([named(s, data.portraits[s.target]) for s in samples]),
        )


def tokens(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """The token ids (B, 77) of these texts."""
    return tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids


class Endless(IterableDataset):
    """Endless batches that `draw(seed)` makes, in a loader's workers if wanted, each with its own seeds."""

    def __init__(self, draw: Callable[[int], Iterator[Any]], seed: int) -> None:
        self.draw, self.seed = draw, seed

    def __iter__(self) -> Iterator[Any]:
        """Yield batches; every loader worker draws its own."""
        worker = get_worker_info()
        yield from self.draw(self.seed * 1009 + (worker.id if worker else 0))


def loader(draw: Callable[[int], Iterator[Any]], seed: int, loaders: int) -> Iterator[Any]:
    """Batches that `draw` (which can be pickled) makes in so many processes, or here where there are none."""
    return iter(DataLoader(Endless(draw, seed), batch_size=None, num_workers=loaders))


def batches(data: Notes, tokenizer: CLIPTokenizer, size: int, edits_only: bool, seed: int) -> Iterator[Batch]:
    """Endless batches of `size` from `data`."""
    mixer = Mixer(data, seed, edits_only)
    while True:
        yield Batch.of([mixer.draw() for _ in range(size)], data, tokenizer)
