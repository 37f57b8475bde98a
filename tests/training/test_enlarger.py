"""The enlarger's training: pairs hold what they say, it starts as bicubic, the stage goes on and exports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from pipelines.running.enlarging import enlarge, load
from training.attributes import held_out
from training.enlarger_pairs import AREA, VERSIONS, Pairs, plan, small
from training.evaluate_enlarger import (
    WEIGHTS,
    bicubic,
    export_enlarger,
    gradient_energy,
    grid,
    measure,
    overshoot,
)
from training.presets import CPU, EnlargerPreset
from training.train_enlarger import Squares, build_enlarger, edge_energy, enlarging_loss, train

SHAPE = EnlargerPreset(width=32, layers=2, crop=8, batch=2, steps=3, minutes=1.0, warmup=1)
TINY = replace(CPU, px=16, workers=1, enlarger=SHAPE)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with a shard of every kind and part: random colours in blocks, 16 and 64 px."""
    rng, folder = np.random.default_rng(0), tmp_path / "pairs"
    folder.mkdir()
    for kind, versions in (("portraits", len(VERSIONS)), ("drawings", 2)):
        for part in ("train", "held"):
            low = rng.integers(0, 255, (14, 1, 16, 16, 3), dtype=np.uint8).repeat(versions, 1)
            np.save(folder / f"{kind}-{part}-0000-low.npy", low)
            np.save(folder / f"{kind}-{part}-0000-high.npy", low[:, 0].repeat(4, 1).repeat(4, 2))
    return tmp_path


def test_it_starts_as_bicubic_interpolation() -> None:
    pictures = torch.rand(2, 3, 16, 16)
    expected = F.interpolate(pictures, scale_factor=4, mode="bicubic", align_corners=False)
    out = build_enlarger(CPU.enlarger)(pictures)
    assert torch.allclose(out[..., 8:-8, 8:-8], expected[..., 8:-8, 8:-8], atol=1e-5)


def test_held_out_combinations_are_in_no_training_shard() -> None:
    records = [
        {"style": style, "haircut": cut, "hair_color": colour}
        for style in ("toon", "ink", "micah")
        for cut in ("short", "long", "bun", "bald")
        for colour in ("red", "black", "blonde", "green", "silver")
    ]
    jobs = plan(records, [{"design": "rings"}] * 70)
    parts = {part: [r for j in jobs if j.kind == "portraits" and j.part == part for r in j.records]
             for part in ("train", "held")}  # fmt: skip
    assert all(held_out(r) for r in parts["held"])
    assert not any(held_out(r) for r in parts["train"])
    assert len(parts["held"]) + len(parts["train"]) == len(records)
    assert parts["held"]
    assert sum(len(j.records) for j in jobs if j.kind == "drawings" and j.part == "held") == 60


def test_a_picture_made_small_by_area_is_its_mean() -> None:
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    mean = picture.view(1, 3, 4, 4, 4, 4).mean(dim=(3, 5))
    assert (small(picture, 4, AREA) - mean).abs().max() <= 0.5 / 127.5 + 1e-6


def test_a_square_is_the_same_place_at_both_sizes(work: Path) -> None:
    low, high = Squares(work / "pairs", 8, seed=3).batch(6)
    assert low.shape == (6, 3, 8, 8)
    assert torch.equal(F.interpolate(low, scale_factor=4.0), high)


def test_whole_pairs_are_found_by_index(work: Path) -> None:
    pairs = Pairs(work / "pairs", "drawings", "held")
    assert pairs.versions == VERSIONS[:2]
    assert len(pairs) == 14
    low, high = pairs.whole(13, AREA)
    assert (low.shape, high.shape) == ((16, 16, 3), (64, 64, 3))
    with pytest.raises(FileNotFoundError, match="pairs"):
        Pairs(work, "drawings", "held")


def test_blur_costs_sharpness_and_only_where_it_is_asked_for() -> None:
    target = torch.rand(1, 3, 32, 32)
    blurred = F.avg_pool2d(target, 3, 1, 1)
    assert (edge_energy(blurred) < edge_energy(target)).all()
    plain, lack = enlarging_loss(blurred, target, 0.0)
    assert torch.isclose(enlarging_loss(blurred, target, 2.0)[0], plain + 2 * lack)
    assert lack > 0


def test_the_stage_trains_goes_on_and_exports_what_loads(work: Path, tmp_path: Path) -> None:
    train(TINY, work, "cpu")
    train(replace(TINY, enlarger=replace(SHAPE, steps=5)), work, "cpu")
    assert torch.load(work / "enlarger.pt", weights_only=True)["step"] == 5
    export_enlarger(work, tmp_path / "out")
    net = load(tmp_path / "out" / WEIGHTS)
    assert (net.width, net.layers, net.factor) == (32, 2, 4)
    assert enlarge(net, Image.new("RGB", (7, 5), "navy")).size == (28, 20)


def test_measures_tell_ringing_and_a_grid_from_a_clean_picture() -> None:
    truth = np.full((32, 32, 3), 100, np.uint8)
    truth[:, 16:] = 200
    ringing, meshed = truth.copy(), truth.copy()
    ringing[:, 16:18] = 230
    meshed[::4, ::4] += 8
    assert overshoot(truth, truth) == grid(truth, truth) == 0
    assert overshoot(ringing, truth) == pytest.approx(30 * 2 / 32)
    assert grid(meshed, truth) == pytest.approx(8)
    assert gradient_energy(meshed) > gradient_energy(truth)
    low = truth.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3)).astype(np.uint8)
    assert measure([(low, truth)], bicubic)["sharpness"] < 0.7
