"""`python -m benchmarks.fidelity --corpus …`: what an edit costs the picture that was not asked for.

Held-out characters drawn at 1024 px with one attribute changed are the truth; the bundled model edits them
at its own size. *Before* is what the studio gave back until it brought edits back to their source, enlarged
to the same size. Prints the tables of docs/performance.md. The corpus is what `python -m training corpus`
makes; what the model makes is kept in a temporary folder, so that a second run needs no model.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks import fidelity_planted as planted
from benchmarks.fidelity_cases import MODEL_PX, PX, Case, Corpus, Made, Studio, made, small
from pipelines.returning.geometry import stretched
from pipelines.returning.step import bring_back
from pipelines.returning.views import Views
from pipelines.running.source_pixels import UnchangedCompositor

SEED = 1
CASES, CHAINS, LENGTH, PLANTED = 60, 6, 10, 40
SHEET_CASES, SHEET_PX = 12, 192
MEASURES = ("equal", "outside", "sharpness", "inside", "whole")
WORDS = {
    "equal": "pixels outside the true change that are the source's own",
    "outside": "PSNR outside the change, dB",
    "sharpness": "gradient energy against the truth's",
    "inside": "PSNR inside the change, dB",
    "whole": "PSNR of the whole picture, dB",
}
Row = dict[str, float]


def before(case: Made) -> np.ndarray:
    """What the studio gave back, enlarged."""
    source, seen, drawn = (Image.fromarray(p) for p in (case.small, case.seen, case.drawn))
    under = UnchangedCompositor(source, seen).under(drawn)
    return np.asarray(under.resize((PX, PX), Image.Resampling.LANCZOS))


def after(source: np.ndarray, seen: np.ndarray, drawn: np.ndarray, studio: Studio) -> np.ndarray:
    """What it gives back now."""
    views = Views(source, seen, drawn, stretched((PX, PX), (MODEL_PX, MODEL_PX)))
    return bring_back(views, enlarge=studio.enlarge).picture


def psnr(picture: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    """In dB, of the pixels `where`; at most 100; NaN where there are none."""
    error = np.square(picture[where].astype(np.float32) - truth[where])
    return float(10 * np.log10(255**2 / max(float(error.mean()), 6.5e-6))) if error.size else float("nan")


def gradient_energy(picture: np.ndarray) -> float:
    """Mean squared difference of neighbouring pixels, across and down."""
    values = picture.astype(np.float32)
    return sum(float(np.square(np.diff(values, axis=axis)).mean()) for axis in (0, 1))


def measured(picture: np.ndarray, source: np.ndarray, truth: np.ndarray) -> Row:
    """All measures of one picture."""
    far = planted.outside(source, truth)
    changed = np.abs(source.astype(np.int16) - truth).max(axis=2) > 2
    equal = (picture == source).all(axis=2)[far]
    return {
        "equal": float(equal.mean()) if equal.size else float("nan"),
        "outside": psnr(picture, truth, far),
        "sharpness": gradient_energy(picture) / gradient_energy(truth),
        "inside": psnr(picture, truth, changed),
        "whole": psnr(picture, truth, np.ones_like(changed)),
    }


Edit = Callable[[np.ndarray, np.ndarray, Case], tuple[np.ndarray, np.ndarray]]
"""The picture so far, what it should become, and the case → the source as seen, and what is drawn."""


def kept_in_chain(chain: Sequence[Case], studio: Studio, edit: Edit) -> float:
    """Share of the pixels that no edit of a chain truly touches that are still the first picture's."""
    first = picture = np.asarray(chain[0].before.draw())
    untouched = np.ones((PX, PX), bool)
    there = first
    for case in chain:
        truth = np.asarray(case.after.draw())
        untouched &= planted.outside(there, truth)
        asked = np.where((there != truth).any(axis=2, keepdims=True), truth, picture)
        there = truth
        seen, drawn = edit(picture, asked, case)
        picture = after(picture, seen, drawn, studio)
    return float((picture == first).all(axis=2)[untouched].mean())


def by_the_model(studio: Studio, cache: Path) -> Edit:
    """The bundled model's edits; they are kept in `cache`."""

    def edit(picture: np.ndarray, _: np.ndarray, case: Case) -> tuple[np.ndarray, np.ndarray]:
        shown = small(Image.fromarray(picture))
        name = hashlib.sha256(shown.tobytes() + case.words.encode()).hexdigest()[:24]
        file = cache / f"chain-{name}.npz"
        if not file.exists():
            seen, drawn = studio.edit([shown], [case])[0]
            np.savez_compressed(file, seen=seen, drawn=drawn)
        with np.load(file) as kept:
            return kept["seen"], kept["drawn"]

    return edit


def as_asked(studio: Studio) -> Edit:
    """Edits of a model that changes just what was asked, at the bundled model's size and softness."""

    def edit(picture: np.ndarray, asked: np.ndarray, _: Case) -> tuple[np.ndarray, np.ndarray]:
        seen, drawn = studio.seen([small(Image.fromarray(each)) for each in (picture, asked)])
        return seen, drawn

    return edit


def sheet(rows: Sequence[Sequence[np.ndarray]]) -> Image.Image:
    """Cases in two columns: source, truth, before, after."""
    half = (len(rows) + 1) // 2
    out = Image.new("RGB", (8 * SHEET_PX + 12, half * SHEET_PX), "white")
    for number, row in enumerate(rows):
        left, top = (4 * SHEET_PX + 12) * (number // half), SHEET_PX * (number % half)
        for column, picture in enumerate(row):
            tile = Image.fromarray(picture).resize((SHEET_PX, SHEET_PX), Image.Resampling.BOX)
            out.paste(tile, (left + column * SHEET_PX, top))
    return out


def table(first: Mapping[str, list[float]], second: Mapping[str, list[float]]) -> str:
    """Medians of both, a line for each measure."""
    lines = ["| measure (median) | before | now |", "|---|---|---|"]
    for name in MEASURES:
        old, new = (float(np.nanmedian(values[name])) for values in (first, second))
        lines.append(f"| {WORDS[name]} | {old:.3f} | {new:.3f} |")
    return "\n".join(lines)


def edits(
    corpus: Corpus, studio: Studio, cache: Path, picture: Path | None, every: Path | None
) -> list[Made]:
    """Measure all cases; draw the first ones, and all of them where `every` names a folder."""
    old: dict[str, list[float]] = defaultdict(list)
    new: dict[str, list[float]] = defaultdict(list)
    kinds: dict[str, list[tuple[float, float]]] = defaultdict(list)
    cases, rows = [], []
    for case in made(corpus.cases(CASES, SEED), studio, cache):
        pictures = before(case), after(case.source, case.seen, case.drawn, studio)
        both = [measured(each, case.source, case.truth) for each in pictures]
        for into, row in zip((old, new), both, strict=True):
            for name, value in row.items():
                into[name].append(value)
        kinds[case.case.kind].append((both[0]["inside"], both[1]["inside"]))
        cases.append(case)
        rows.append((case.source, case.truth, *pictures))
    print(table(old, new))
    print("\n| inside the change, dB (mean) | before | now |\n|---|---|---|")
    for kind, values in kinds.items():
        was, now = np.mean(values, axis=0)
        print(f"| {kind.replace('_', ' ')} | {was:.1f} | {now:.1f} |")
    if picture is not None:
        sheet(rows[:SHEET_CASES]).save(picture, quality=80, method=6)
    if every is not None:
        every.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(rows), SHEET_CASES):
            sheet(rows[start : start + SHEET_CASES]).save(every / f"cases-{start:02}.webp", quality=90)
    return cases


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(".training/corpus.jsonl.gz"))
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "likeness-fidelity")
    parser.add_argument("--sheet", type=Path, help="draw the first cases into this WebP")
    parser.add_argument("--every", type=Path, help="draw all cases into WebPs of this folder")
    parser.add_argument("--only", choices=("edits", "chains", "planted", "costs"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    corpus, studio = Corpus(args.corpus), Studio()

    def wanted(part: str) -> bool:
        return args.only in (None, part)

    cases = list(made(corpus.cases(CASES, SEED), studio, args.cache)) if not wanted("edits") else []
    if wanted("edits"):
        cases = edits(corpus, studio, args.cache, args.sheet, args.every)
    if wanted("chains"):
        for who, edit in (("the model", by_the_model(studio, args.cache)), ("as asked", as_asked(studio))):
            kept = [kept_in_chain(c, studio, edit) for c in corpus.chains(CHAINS, LENGTH, SEED)]
            print(f"\nchains of {LENGTH}, {who}: untouched pixels equal {min(kept):.4f} to {max(kept):.4f}")
    if wanted("planted"):
        left, tones = planted.left_over(cases[:PLANTED]), planted.tones_left(cases[:PLANTED])
        within = float(np.mean(np.asarray(left) <= 1))
        print(f"\nshift and zoom: within 1 px in {within:.0%}, median {np.median(left):.2f} px")
        print(f"tone: ΔE 2000 outside the change, median {np.median(tones):.3f}, most {max(tones):.3f}")
    if wanted("costs"):
        print("\n| source | s | processor s | MB more |\n|---|---|---|---|")
        for size, clock, processor, more in planted.costs(cases[1], ((1024, 1024), (4000, 3000))):
            print(f"| {size} | {clock:.2f} | {processor:.2f} | {more:.0f} |")


if __name__ == "__main__":
    main()
