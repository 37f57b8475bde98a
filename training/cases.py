"""Tasks of every mode on combinations held out of training: what the model is told, and what is true.

`target` is the picture that the data itself would show for the task, so a set of targets is what a perfect
model's pictures would be taken for.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from itertools import count as count_up

from training.attributes import Portrait
from training.captions import brief, caption, instruction
from training.latents import Shot, random_background
from training.reader import RealRenders

WHO = ("haircut", "hair_color", "skin", "expression", "clothes_color")


@dataclass(frozen=True)
class Case:
    """One task: the prompt, the picture it begins with (if any), and the true picture of what is asked."""

    prompt: str
    target: Shot
    given: Shot | None = None


@dataclass(frozen=True)
class Change:
    """A source, the same picture with one attribute changed, and which attribute it is."""

    source: Shot
    before: Portrait
    target: Shot
    after: Portrait
    field: str


def changes(real: RealRenders, rng: random.Random, count: int, pool: int) -> list[Change]:
    """`count` held-out sources, each with one exact change: in every third, another background.

    They are found among `pool` of the figures, then among all: the first ones depend on it, not on `count`.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for i, r in enumerate(real.records):
        groups[r["identity"]].append(i)
    out: list[Change] = []
    once = rng.sample(real.index, min(len(real.index), pool))
    again = (rng.choice(real.index) for _ in count_up())
    for k, figure in enumerate(chain(once, again)):
        if len(out) == count:
            break
        shot, p = real.shot(figure)
        if k % 3 == 0:
            ground = random_background(rng)
            other = replace(shot, background=ground, ground=rng.choice(real.bank.rows(ground)))
            q = replace(p, background=ground)
        else:
            other = replace(shot, figure=rng.choice(groups[real.records[figure]["identity"]]))
            q = Portrait.of(real.records[other.figure], p.background, p.light)
        if len(p.differences(q)) == 1:
            out.append(Change(shot, p, other, q, p.differences(q)[0]))
    return out


def _told(real: RealRenders, rng: random.Random, count: int) -> list[Case]:
    drawn = [real.shot() for _ in range(count)]
    return [Case(caption(p, rng), shot) for shot, p in drawn]


def _edited(real: RealRenders, rng: random.Random, count: int) -> list[Case]:
    found = changes(real, rng, count, pool=len(real.index))
    return [Case(instruction(c.before, c.after, rng), c.target, c.source) for c in found]


def _same_person(real: RealRenders, rng: random.Random, count: int) -> list[Case]:
    """A person of a reference before a background that the prompt names."""
    out = []
    for given, _ in [real.shot() for _ in range(count)]:
        ground = random_background(rng)
        target = replace(given, background=ground, ground=rng.choice(real.bank.rows(ground)))
        out.append(Case(f"portrait of a person, {ground} background", target, given))
    return out


def _same_look(real: RealRenders, rng: random.Random, count: int) -> list[Case]:
    """Another person, told in words, in the style, light and place of a reference."""
    of_style: dict[str, list[int]] = defaultdict(list)
    for i in real.index:
        of_style[real.records[i]["style"]].append(i)
    out = []
    for given, p in [real.shot() for _ in range(count)]:
        target = replace(given, figure=rng.choice(of_style[p.style]))
        person = Portrait.of(real.records[target.figure], p.background, p.light)
        out.append(Case(brief(person, WHO, rng), target, given))
    return out


def _same_outlines(real: RealRenders, rng: random.Random, count: int) -> list[Case]:
    return [replace(case, given=case.target) for case in _told(real, rng, count)]


MODES: dict[str, Callable[[RealRenders, random.Random, int], list[Case]]] = {
    "text_to_image": _told,
    "smart_edit": _edited,
    "character": _same_person,
    "style": _same_look,
    "controlnet": _same_outlines,
}
"""What makes the cases of each mode, the same ones for the same seeds."""


def cases(real: RealRenders, mode: str, count: int, seed: int) -> list[Case]:
    """Cases of `mode`: the first ones are the same for any `count`."""
    real.rng.seed(seed)
    return MODES[mode](real, random.Random(seed), count)
