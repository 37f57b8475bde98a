"""`python -m benchmarks.coach --corpus .training/corpus`: how often the coach is right about a picture.

Truth is known, since the portraits are drawn for it: the same person edited (another expression, glasses,
beard, hair colour, sometimes another background), another person of the same style, and a face destroyed
(painted over, blurred, noise, shuffled). The figures come from `python -m training corpus render`; seeds are
fixed. Exits with 1 where more than 2 in 100 of the others are praised, or more than 10 in 100 of the edited
are doubted.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from pipelines.request import GenerationRequest, Mode, Reference
from studio.characters import faces
from studio.coach import after
from studio.coach.facts import Result
from studio.coach.source_change import measure
from training import scenes

PX = 128
MOST_PRAISED, MOST_ALARMED = 0.02, 0.10
KINDS = ("edited", "another person", "face destroyed")
SAID = ("praised", "doubted", "left open")
_OPAQUE = 128
_NEW_BACKGROUND = 0.4
_WORDS: dict[str, Callable[[Any], str]] = {
    "expression": lambda value: f"change the expression to {value}",
    "glasses": lambda value: "add glasses" if value else "remove the glasses",
    "beard": lambda value: "add a beard" if value else "remove the beard",
    "hair_color": lambda value: f"make the hair {value}",
    "haircut": lambda value: f"change the hair to {value}",
    "clothes": lambda value: f"change the outfit to a {value}",
    "clothes_color": lambda value: f"make the clothes {value}",
    "skin": lambda value: f"make the skin {value}",
}
"""How an artist asks for what differs between two portraits of one person."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Case:
    """A picture, the one it was made from, what was asked for, and what is true of it."""

    kind: str
    source: Pixels
    result: Pixels
    prompt: str


class Portraits:
    """Figures of the corpus before backgrounds; (PX, PX, 3) uint8."""

    def __init__(self, corpus: Path) -> None:
        with (corpus / "records.jsonl").open(encoding="utf-8") as lines:
            self.records = [json.loads(line) for line in lines]
        self._figures = np.load(corpus / f"figures{PX}.npy", mmap_mode="r")
        self.of_person: defaultdict[int, list[int]] = defaultdict(list)
        self.of_style: defaultdict[str, set[int]] = defaultdict(set)
        for number, record in enumerate(self.records):
            self.of_person[record["identity"]].append(number)
            self.of_style[record["style"]].add(record["identity"])

    def draw(self, figure: int, background: str) -> Pixels:
        """The figure before a background."""
        pixels = np.asarray(self._figures[figure], np.float32)
        share = pixels[..., 3:] / 255
        behind = scenes.draw(background, PX, 1)
        return (pixels[..., :3] * share + behind * (1 - share)).round().astype(np.uint8)

    def face(self, figure: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where the face is: an ellipse in the figure's head."""
        head = faces.head_of(np.asarray(self._figures[figure])[..., 3] > _OPAQUE)
        down, across = np.mgrid[:PX, :PX] / PX
        rows = (down - head.y - 0.58 * head.height) / (0.34 * head.height)
        columns = (across - head.x - 0.5 * head.width) / (0.36 * head.width)
        return rows**2 + columns**2 < 1


def cases(portraits: Portraits, each: int, seed: int) -> Iterator[Case]:
    """`each` of every kind, the same ones for the same seed."""
    rng = random.Random(seed)
    for _ in range(each):
        yield _edited(portraits, rng)
    for _ in range(each):
        yield _another(portraits, rng)
    for number in range(each):
        yield _destroyed(portraits, rng, number)


def _edited(portraits: Portraits, rng: random.Random) -> Case:
    before, after_ = rng.sample(portraits.of_person[_person(portraits, rng)], 2)
    here = _background(rng)
    there = _background(rng) if rng.random() < _NEW_BACKGROUND else here
    records = portraits.records[before], portraits.records[after_]
    asked = [say(records[1][name]) for name, say in _WORDS.items() if records[0][name] != records[1][name]]
    asked += [f"change the background to {there}"] if there != here else []
    return Case(KINDS[0], portraits.draw(before, here), portraits.draw(after_, there), ", ".join(asked))


def _another(portraits: Portraits, rng: random.Random) -> Case:
    person = _person(portraits, rng)
    before = rng.choice(portraits.of_person[person])
    others = sorted(portraits.of_style[portraits.records[before]["style"]] - {person})
    after_ = rng.choice(portraits.of_person[rng.choice(others)])
    here = _background(rng)
    return Case(KINDS[1], portraits.draw(before, here), portraits.draw(after_, here), "make her smile")


def _destroyed(portraits: Portraits, rng: random.Random, number: int) -> Case:
    figure = rng.choice(portraits.of_person[_person(portraits, rng)])
    whole = portraits.draw(figure, _background(rng))
    broken, face = whole.copy(), portraits.face(figure)
    noise = np.random.default_rng(rng.randrange(1 << 30))
    match number % 4:
        case 0:
            broken[face] = np.median(whole[face], axis=0)
        case 1:
            broken[face] = np.asarray(Image.fromarray(whole).filter(ImageFilter.GaussianBlur(6)))[face]
        case 2:
            broken[face] = noise.integers(0, 256, (int(face.sum()), 3))
        case _:
            broken[face] = noise.permutation(whole[face])
    return Case(KINDS[2], whole, broken, "make her smile")


def _person(portraits: Portraits, rng: random.Random) -> int:
    return rng.randrange(len(portraits.of_person))


def _background(rng: random.Random) -> str:
    return rng.choice(sorted(scenes.BACKGROUNDS))


def said(case: Case, folder: Path) -> str:
    """What the coach says of it, as one of SAID: nothing that it says is praise but a verdict of “closer”."""
    files = [folder / f"{uuid.uuid4().hex}.png" for _ in range(2)]  # what is measured is remembered by name
    for file, pixels in zip(files, (case.result, case.source), strict=True):
        Image.fromarray(pixels).save(file)
    request = GenerationRequest(
        mode=Mode.SMART_EDIT, prompt=case.prompt, references=(Reference(image_id="source"),)
    )
    judgement = after.judge(Result(image_id="result", request=request, change=measure(*files)))
    if judgement.verdict is not None:
        return SAID[0]
    return SAID[2] if judgement.doubt is None else SAID[1]


def confusion(portraits: Portraits, each: int, seed: int) -> Counter[tuple[str, str]]:
    """How often what was said of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        return Counter((case.kind, said(case, Path(folder))) for case in cases(portraits, each, seed))


def table(found: Counter[tuple[str, str]], each: int) -> str:
    """As Markdown, in parts of a hundred."""
    lines = [f"| of 100 | {' | '.join(SAID)} |", "|---|" + "---|" * len(SAID)]
    for kind in KINDS:
        shares = (f"{100 * found[kind, words] / each:.0f}" for words in SAID)
        lines.append(f"| {kind} | {' | '.join(shares)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coach", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(".training/corpus"))
    parser.add_argument("--each", type=int, default=100, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if not (options.corpus / f"figures{PX}.npy").exists():
        print(f"No figures in {options.corpus}. Make them with `python -m training corpus render`.")
        return 2
    found = confusion(Portraits(options.corpus), options.each, options.seed)
    print(table(found, options.each))
    praised = sum(found[kind, SAID[0]] for kind in KINDS[1:]) / (2 * options.each)
    alarmed = found[KINDS[0], SAID[1]] / options.each
    print(f"wrong praise {praised:.1%} (at most {MOST_PRAISED:.0%}), ", end="")
    print(f"wrong alarm {alarmed:.1%} (at most {MOST_ALARMED:.0%})")
    return int(praised > MOST_PRAISED or alarmed > MOST_ALARMED)


if __name__ == "__main__":
    sys.exit(main())
