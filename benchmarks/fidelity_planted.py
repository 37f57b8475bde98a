"""What a return step finds of faults that were put in on purpose: shifts, zooms, tones; and what it costs."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage.color import deltaE_ciede2000, rgb2lab

from benchmarks.fidelity_cases import PX, Made
from benchmarks.growth import Growth
from benchmarks.upscale import MEGA
from pipelines.returning.geometry import stretched
from pipelines.returning.registration import register
from pipelines.returning.step import bring_back
from pipelines.returning.views import Views

MARGIN = 16
SHIFT, ZOOM = 20.0, 0.03
_SOFT = 2
"""What an autoencoder does to a picture, roughly: it makes it soft by so many px."""


def softened(picture: np.ndarray) -> np.ndarray:
    """A picture as it comes out of an autoencoder."""
    small = Image.fromarray(picture).resize((PX // _SOFT,) * 2, Image.Resampling.BOX)
    return np.asarray(small.resize((PX, PX), Image.Resampling.BICUBIC))


def displaced(rng: random.Random) -> np.ndarray:
    """(2, 3): from where in a picture each of its pixels (x, y, 1) comes, after a shift and a zoom."""
    zoom = 1 + rng.uniform(-ZOOM, ZOOM)
    x, y = (rng.uniform(-SHIFT, SHIFT) for _ in range(2))
    middle = PX / 2
    return np.array([[zoom, 0, middle * (1 - zoom) + x], [0, zoom, middle * (1 - zoom) + y]])


def left_over(cases: Sequence[Made], seed: int = 5) -> list[float]:
    """Per case: by how many px the farthest corner is off after registration."""
    rng, corners = random.Random(seed), np.array([[0, PX, 0, PX], [0, 0, PX, PX], [1, 1, 1, 1]])
    found = []
    for made in cases:
        there = displaced(rng)
        back = np.linalg.inv(np.vstack([there, [0, 0, 1]]))
        drawn = Image.fromarray(softened(made.truth)).transform(
            (PX, PX), Image.Transform.AFFINE, there.ravel().tolist(), Image.Resampling.BICUBIC
        )
        got = register(softened(made.source), np.asarray(drawn)).matrix
        found.append(float(np.hypot(*(got @ corners - (back @ corners)[:2])).max()))
    return found


def tones_left(cases: Sequence[Made], seed: int = 6) -> list[float]:
    """Per case: mean ΔE 2000 outside the true change that is left of a planted tone."""
    rng = np.random.default_rng(seed)
    found = []
    for made in cases:
        gain, offset = rng.uniform(0.93, 1.07, 3), rng.uniform(-10, 10, 3)
        drawn = np.clip(softened(made.truth) * gain + offset, 0, 255).astype(np.uint8)
        views = Views(made.source, softened(made.source), drawn, stretched((PX, PX), (PX, PX)))
        far = outside(made.source, made.truth)
        if far.any():
            labs = [rgb2lab(p[far][None]) for p in (bring_back(views).picture, made.source)]
            found.append(float(deltaE_ciede2000(*labs).mean()))
    return found


def outside(source: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(H, W): the pixels more than MARGIN px from any that truly changed."""
    changed = np.abs(source.astype(np.int16) - truth).max(axis=2) > 2
    return distance_transform_edt(~changed) > MARGIN if changed.any() else ~changed


def costs(made: Made, sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[str, float, float, float]]:
    """(size, seconds by the clock, of all processors, MB more) of a source of so many px, a model of 1 MP."""
    seen, drawn = softened(made.source), softened(made.truth)
    for size in sizes:
        source = np.asarray(Image.fromarray(made.source).resize(size, Image.Resampling.BICUBIC))
        views = Views(source, seen, drawn, stretched(size, (PX, PX)))
        clock, processor = float("inf"), float("inf")
        with Growth() as growth:
            for _ in range(3):
                start, spent = time.perf_counter(), time.process_time()
                bring_back(views)
                clock = min(clock, time.perf_counter() - start)
                processor = min(processor, time.process_time() - spent)
        yield f"{size[0]}×{size[1]}", clock, processor, growth.most / MEGA
