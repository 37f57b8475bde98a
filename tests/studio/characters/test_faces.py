"""What stands out from a picture's margins."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np

from studio.characters import faces
from tests.studio.fixtures import noise


def test_the_distance_is_that_to_the_nearest_colour() -> None:
    rng = np.random.default_rng(3)
    colours, known = (rng.uniform(-100, 100, (n, 3)).astype(np.float32) for n in (40, 70))
    apart = ((colours[:, None] - known[None]) ** 2).sum(axis=-1).min(axis=1)
    assert np.allclose(faces._nearest(colours, known), apart, atol=0.05)


def test_looking_for_the_subject_of_noise_is_bounded(tmp_path: Path) -> None:
    picture = tmp_path / "noise.png"
    noise(5, 700, 700).save(picture)
    faces.subject(picture)  # what it imports is not meant
    tracemalloc.start()
    faces.subject(picture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 2**20
