"""Mix the training batches: captions and edits for the network, references for the adapters.

Every sample names a target picture and what is told about it: text, maybe a source picture (edit), maybe a
character reference (same identity), maybe a style reference (same style, background and light, other person).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import IterableDataset, get_worker_info
from transformers import CLIPTokenizer

from training.attributes import FIELDS, USUAL
from training.captions import brief, caption, instruction, unwanted
from training.latents import LatentSet

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
    """Draws samples from a latent set, the same ones for the same seed."""

    def __init__(self, data: LatentSet, seed: int) -> None:
        self.data, self.rng = data, random.Random(seed)
        self.same_look: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        self.same_style: dict[str, list[int]] = defaultdict(list)
        for i, p in enumerate(data.portraits):
            self.same_look[p.style, p.background, p.light].append(i)
            self.same_style[p.style].append(i)

    def draw(self) -> Sample:
        """One sample of the mix.

        What a negative prompt is full of must mean the same as no words: guidance leads away from it.
        """
        sample = self._edit() if self.rng.random() < EDIT_SHARE else self._picture()
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
        named = [f for f in FIELDS if rng.random() < NAMED or (f == "expression" and unusual)]
        return Sample(target, brief(portraits[target], named, rng))

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


class Batches(IterableDataset):
    """Endless batches of samples with token ids (B, 77), made ahead by a data loader's workers if wanted."""

    def __init__(self, data: LatentSet, tokenizer: CLIPTokenizer, size: int, seed: int) -> None:
        self.data, self.tokenizer, self.size, self.seed = data, tokenizer, size, seed

    def __iter__(self) -> Iterator[tuple[list[Sample], torch.Tensor]]:
        """Yield batches; every loader worker draws its own."""
        worker = get_worker_info()
        mixer = Mixer(self.data, self.seed * 1009 + (worker.id if worker else 0))
        while True:
            batch = [mixer.draw() for _ in range(self.size)]
            texts = [s.text for s in batch]
            ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
            yield batch, ids
