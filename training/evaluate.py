"""Measure an exported folder on combinations it never saw, with fixed seeds; writes its `metrics.json`.

Every number comes from stock pipelines, used as the studio uses them, and from first seeds; the reader that
judges the pictures has only ever seen real renders.
"""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import binary_dilation
from scipy.stats import spearmanr

from training import fidelity
from training.attributes import IGNORE, Portrait
from training.captions import asked, caption, instruction
from training.cases import changes
from training.latents import Shot, random_background, shoot
from training.pipes import EDIT, SCALES, TEXT, Pipes, to_pictures, to_tensor
from training.presets import Preset
from training.reader import CLASSES, Reader, RealRenders, accuracy, labels
from training.reader import train as train_reader
from training.train_autoencoder import psnr
from training.train_controlnet import edges

PERSON = ("haircut", "hair_color", "skin", "glasses", "beard")


def full_caption(p: Portrait, rng: random.Random) -> str:
    """A caption that names everything that can be asked for (redrawn until it does)."""
    for _ in range(60):
        text = caption(p, rng)
        if len(text.split()) >= 17:
            return text
    return text


def _matches(reading: dict[str, str], p: Portrait, fields: list[str] | tuple[str, ...]) -> dict[str, bool]:
    truth = labels(p)
    return {f: reading[f] == CLASSES[f][truth[f]] for f in fields if truth[f] != IGNORE}


class Bench:
    """The things every measure needs: pipelines, reader, held-out renders, and how many cases to try."""

    def __init__(self, pipes: Pipes, reader: Reader | None, real: RealRenders, cases: int) -> None:
        self.pipes, self.reader, self.real, self.cases = pipes, reader, real, cases

    def picture(self, shots: list[Shot]) -> torch.Tensor:
        """Compose shots: (N, 3, px, px) in [-1, 1]."""
        return shoot(shots, self.real.store, self.real.bank, "cpu")

    def text_to_image(self) -> dict[str, Any]:
        """Share of named attributes that the reader finds, per attribute and on average."""
        rng, hits = random.Random(11), defaultdict(list)
        portraits = [self.real.shot()[1] for _ in range(self.cases)]
        prompts = [full_caption(p, rng) for p in portraits]
        for i in range(0, self.cases, 8):
            images = self.pipes.draw(self.pipes.text, prompts[i : i + 8], 1000 + i, **TEXT)
            for reading, p, text in zip(
                self.reader.read(to_tensor(images)), portraits[i : i + 8], prompts[i : i + 8], strict=True
            ):
                for field, hit in _matches(reading, p, asked(p, text)).items():
                    hits[field].append(hit)
        each = {f: float(np.mean(h)) for f, h in hits.items()}
        return {"mean": float(np.mean(list(each.values()))), "worst": min(each.values()), "each": each}

    def smart_edit(self) -> dict[str, Any]:
        """How edits turn out as the studio makes them, and `alone`: as the stock pipeline leaves them."""
        rng, cases = random.Random(17), changes(self.real, random.Random(13), self.cases, 6 * self.cases)
        studio, alone = Edits(self.reader), Edits(self.reader)
        for i in range(0, len(cases), 8):
            part = cases[i : i + 8]
            before, after = (
                self.picture([getattr(c, which) for c in part]) for which in ("source", "target")
            )
            prompts = [instruction(c.before, c.after, rng) for c in part]
            sources = to_pictures(before)
            drawn = self.pipes.draw(self.pipes.edit, prompts, 2000 + i, image=sources, **EDIT)
            asked_for = [(c.after, c.field) for c in part]
            alone.add(asked_for, before, after, to_tensor(drawn))
            studio.add(asked_for, before, after, to_tensor(self.pipes.unchanged(sources, drawn)))
        return {**studio.summary(), "alone": alone.summary()}

    def character(self) -> dict[str, Any]:
        """Person attributes kept when the reference's person is put into a scene that the prompt names."""
        rng = random.Random(19)
        n = max(4, self.cases // 2)
        drawn = [self.real.shot() for _ in range(n)]
        references = to_pictures(self.picture([s for s, _ in drawn]))
        scenes = [random_background(rng) for _ in range(n)]
        prompts = [f"portrait of a person, {b} background" for b in scenes]
        images = self.pipes.adapted_batch(prompts, 3000, references, None, SCALES, **TEXT)
        hits, scene = defaultdict(list), []
        for reading, (_, p), b in zip(self.reader.read(to_tensor(images)), drawn, scenes, strict=True):
            for field, hit in _matches(reading, p, PERSON).items():
                hits[field].append(hit)
            scene.append(reading["background"] == b)
        each = {f: float(np.mean(h)) for f, h in hits.items()}
        return {"kept": float(np.mean(list(each.values()))), "each": each, "scene": float(np.mean(scene))}

    def style(self) -> dict[str, Any]:
        """Style taken from a reference; how often the reference's person slips in, against chance."""
        rng = random.Random(23)
        n = max(4, self.cases // 2)
        drawn = [self.real.shot() for _ in range(n)]
        references = to_pictures(self.picture([s for s, _ in drawn]))
        prompts = [f"portrait of {rng.choice(('a man', 'a woman', 'a person'))}" for _ in range(n)]
        images = self.pipes.adapted_batch(prompts, 4000, None, references, SCALES, **TEXT)
        taken, leak, chance = [], [], []
        readings = self.reader.read(to_tensor(images))
        for i, (reading, (_, p)) in enumerate(zip(readings, drawn, strict=True)):
            taken.append(reading["style"] == p.style)
            leak += list(_matches(reading, p, ("hair_color", "skin")).values())
            for j, (_, q) in enumerate(drawn):
                if j != i:
                    chance += list(_matches(reading, q, ("hair_color", "skin")).values())
        return {
            "taken": float(np.mean(taken)),
            "identity": float(np.mean(leak)),
            "identity_chance": float(np.mean(chance)),
        }

    def controlnet(self) -> dict[str, float]:
        """Edge F1 against the reference with and without the ControlNet, same prompts and seeds."""
        rng = random.Random(29)
        n = max(4, self.cases // 3)
        drawn = [self.real.shot() for _ in range(n)]
        maps = edges(self.picture([s for s, _ in drawn]))
        hints = to_pictures(maps.float().unsqueeze(1).expand(-1, 3, -1, -1) * 2 - 1)
        prompts = [caption(p, rng) for _, p in drawn]
        scores: dict[str, list[float]] = {"with": [], "without": []}
        for i in range(0, n, 4):
            part = slice(i, i + 4)
            got = self.pipes.draw(self.pipes.control, prompts[part], 5000 + i, image=hints[part], **TEXT)
            plain = self.pipes.draw(self.pipes.text, prompts[part], 5000 + i, **TEXT)
            for name, images in (("with", got), ("without", plain)):
                for found, wanted in zip(edges(to_tensor(images)), maps[part], strict=True):
                    scores[name].append(edge_f1(found.numpy() > 0, wanted.numpy() > 0))
        return {name: float(np.mean(s)) for name, s in scores.items()}

    def image_to_image(self) -> dict[str, float]:
        """Spearman correlation of influence (1 - strength) and likeness to the source, over nine levels.

        Prompt and seed stay the same from level to level: what is measured is what influence does.
        """
        rng, values = random.Random(31), []
        for k in range(max(2, self.cases // 12)):
            shot, p = self.real.shot()
            source, words = self.picture([shot]), caption(p, rng)
            levels = [i / 10 for i in range(1, 10)]
            likeness = []
            for level in levels:
                options = {"image": to_pictures(source), "strength": 1 - level, **TEXT}
                image = self.pipes.draw(self.pipes.image, [words], 6000 + k, **options)
                likeness.append(-float((to_tensor(image) - source).abs().mean()))
            values.append(float(spearmanr(levels, likeness).statistic))
        return {"spearman": float(np.mean(values))}

    def autoencoder(self) -> dict[str, float]:
        """Reconstruction PSNR (dB) on held-out renders."""
        return {"psnr": psnr(self.pipes.edit.vae, self.real.batch(48)[0], 8)}

    def speed(self) -> dict[str, float]:
        """Seconds for one picture with guidance, 20 steps, after one to warm up."""
        self.pipes.draw(self.pipes.text, ["portrait of a woman"], 0, num_inference_steps=2, **TEXT)
        start = time.monotonic()
        self.pipes.draw(self.pipes.text, ["portrait of a woman"], 0, **TEXT)
        return {"seconds": time.monotonic() - start, "threads": torch.get_num_threads()}


class Edits:
    """Was the asked change made, all else kept, and how close are the pixels that should not change.

    `moved` needs no reader: how far from source to true target the changed pixels went (1 = all the way).
    """

    def __init__(self, reader: Reader | None) -> None:
        self.reader = reader
        self.outside: list[float] = []
        self.kept: list[bool] = []
        self.moved: dict[str, list[float]] = defaultdict(list)
        self.done: dict[str, list[bool]] = defaultdict(list)

    def add(
        self,
        asked_for: list[tuple[Portrait, str]],
        before: torch.Tensor,
        after: torch.Tensor,
        result: torch.Tensor,
    ) -> None:
        """Judge a batch: what each should show and which attribute of it is new; (N, 3, px, px) each."""
        for (_, field), b, t, r in zip(asked_for, before, after, result, strict=True):
            self.outside.append(_psnr_outside(b, t, r))
            self.moved[field].append(_moved(b, t, r))
        readings = self.reader.read(result) if self.reader else []
        for reading, (target, field) in zip(readings, asked_for, strict=bool(readings)):
            match = _matches(reading, target, tuple(CLASSES))
            if field in match:  # some targets cannot show what was asked: a wink behind drawn glasses
                self.done[field].append(match.pop(field))
            self.kept += match.values()

    def summary(self) -> dict[str, Any]:
        """Means over all that was added."""
        out: dict[str, Any] = {"psnr_outside": float(np.nanmean(self.outside)), "moved": _means(self.moved)}
        if self.kept:
            total = [hit for hits in self.done.values() for hit in hits]
            out.update(changed=float(np.mean(total)), each=_means(self.done), kept=float(np.mean(self.kept)))
        return out


def _means(table: dict[str, list[Any]]) -> dict[str, float]:
    return {k: float(np.nanmean(v)) for k, v in table.items()}


def _moved(before: torch.Tensor, after: torch.Tensor, result: torch.Tensor) -> float:
    """How far from source to true target the changed pixels went: 1 all the way, 0 not, below 0 away."""
    region = (before - after).abs().amax(0) > 0.06
    if not region.any():
        return float("nan")
    left, asked_for = ((x - after).abs().mean(0)[region].mean() for x in (result, before))
    return float(1 - left / asked_for)


def _psnr_outside(before: torch.Tensor, after: torch.Tensor, result: torch.Tensor) -> float:
    """PSNR (dB) of result against source where source and true target agree (change dilated by 4 px)."""
    region = binary_dilation(((before - after).abs().amax(0) > 0.06).numpy(), iterations=4)
    keep = torch.from_numpy(~region)
    if keep.float().mean() < 0.02:
        return float("nan")
    mse = (((result - before) / 2) ** 2)[:, keep].mean()
    return float(-10 * torch.log10(mse.clamp(min=1e-8)))


def edge_f1(found: np.ndarray, wanted: np.ndarray, tolerance: int = 2) -> float:
    """F1 of two boolean edge maps, an edge counting as met within `tolerance` pixels."""
    if not found.any() or not wanted.any():
        return 0.0
    near = [binary_dilation(x, iterations=tolerance) for x in (found, wanted)]
    precision, recall = (found & near[1]).sum() / found.sum(), (wanted & near[0]).sum() / wanted.sum()
    return float(2 * precision * recall / max(1e-9, precision + recall))


def main(preset: Preset, work: Path, device: str, folder: Path, read: bool = True) -> dict[str, Any]:
    """Run the measures on the exported `folder` and write the numbers to `metrics.json` in it.

    Without `read`, only those that compare pixels with the true render (no attribute reader is trained).
    """
    reader = train_reader(preset, work, device).to("cpu").eval() if read else None
    real = RealRenders(preset, work, held=True, seed=101)
    bench = Bench(Pipes(folder), reader, real, preset.cases)
    measures: dict[str, Callable[[], Any]] = {
        "autoencoder": bench.autoencoder,
        "smart_edit": bench.smart_edit,
        "controlnet": bench.controlnet,
        "image_to_image": bench.image_to_image,
        "speed": bench.speed,
    }
    if reader is not None:
        measures["reader"] = lambda: accuracy(reader, RealRenders(preset, work, held=True, seed=5), 500)
        measures |= {"text_to_image": bench.text_to_image, "character": bench.character, "style": bench.style}
    results: dict[str, Any] = {"cases": preset.cases, "px": preset.px}
    for name, measure in measures.items():
        real.rng.seed(101)
        start = time.monotonic()
        results[name] = measure()
        print(f"{name} ({time.monotonic() - start:.0f} s): {json.dumps(results[name])}", flush=True)
        (folder / "metrics.json").write_text(json.dumps(_rounded(results), indent=1) + "\n")
    if reader is not None:
        results["fidelity"] = fidelity.measure(preset, bench.pipes, real, reader, folder)
    return results


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value
