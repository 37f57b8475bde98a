"""The bundled enlarger itself, on held-out portraits: truer, sharper than bicubic, seamless, repeatable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from safetensors import safe_open

from pipelines.running.enlarging import Compact, enlarge, load
from training.evaluate_enlarger import WEIGHTS, bicubic, grid, measure, psnr

BUNDLED = Path(__file__).parents[2] / "pipelines" / "bundled"
FOLDER = BUNDLED / "enlarger"
PICTURES = sorted((Path(__file__).parent / "pictures").glob("*.webp"))
"""Full-size portraits of combinations that no training saw, one in each style."""

DECODED_GAIN = 1.5
PLAIN_GAIN = 7.5
SHARPNESS_DECODED = 0.77
SHARPNESS_PLAIN = 0.9
FLATNESS = 2
GRID = 0.5

Cases = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def net() -> Compact:
    return load(FOLDER / WEIGHTS)


@pytest.fixture(scope="module")
def plain() -> Cases:
    """Pairs of a picture made small by area, and the picture."""
    truths = [Image.open(path).convert("RGB") for path in PICTURES]
    return [(np.asarray(x.resize((128, 128), Image.Resampling.BOX)), np.asarray(x)) for x in truths]


@pytest.fixture(scope="module")
def decoded(plain: Cases) -> Cases:
    """The same, the small one as the bundled model's autoencoder gives it back."""
    vae: Any = AutoencoderKL.from_pretrained(
        BUNDLED / "portrait-mini", subfolder="vae", local_files_only=True
    )
    low = torch.from_numpy(np.stack([low for low, _ in plain])).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        seen = vae.decode(vae.encode(low).latent_dist.mode()).sample.clamp(-1, 1)
    pixels = ((seen + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [(pixels[i], truth) for i, (_, truth) in enumerate(plain)]


def test_there_is_a_portrait_of_every_style() -> None:
    assert len(PICTURES) == 6


def test_decoded_portraits_come_out_truer_and_sharper_than_by_bicubic(net: Compact, decoded: Cases) -> None:
    ours, theirs = measure(decoded, lambda x: enlarge(net, x)), measure(decoded, bicubic)
    assert ours["psnr"] >= theirs["psnr"] + DECODED_GAIN
    assert ours["sharpness"] >= SHARPNESS_DECODED
    assert ours["overshoot"] <= theirs["overshoot"] + 0.1


def test_clean_drawings_come_out_truer_and_sharper_than_by_bicubic(net: Compact, plain: Cases) -> None:
    ours, theirs = measure(plain, lambda x: enlarge(net, x)), measure(plain, bicubic)
    assert ours["psnr"] >= theirs["psnr"] + PLAIN_GAIN
    assert ours["sharpness"] >= SHARPNESS_PLAIN
    assert ours["grid"] <= GRID


def test_no_portrait_is_worse_than_by_bicubic(net: Compact, decoded: Cases, plain: Cases) -> None:
    for low, truth in (*decoded, *plain):
        picture = Image.fromarray(low)
        assert psnr(np.asarray(enlarge(net, picture)), truth) > psnr(np.asarray(bicubic(picture)), truth)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_colour_stays_plain(net: Compact, level: int) -> None:
    """Where there is nothing to see nothing is drawn: no grid, no rim at the picture's edge."""
    plain = Image.new("RGB", (40, 40), (level, 200, 40))
    out, truth = np.asarray(enlarge(net, plain)), np.asarray(bicubic(plain))
    assert np.abs(out.astype(np.int16) - truth).max() <= FLATNESS
    assert grid(out, truth) <= GRID


def test_tiles_show_no_seam_and_the_result_repeats(net: Compact, decoded: Cases) -> None:
    picture = Image.fromarray(decoded[0][0])
    whole = np.asarray(enlarge(net, picture), np.int16)
    assert np.array_equal(whole, np.asarray(enlarge(net, picture), np.int16))
    assert np.abs(np.asarray(enlarge(net, picture, tile=48), np.int16) - whole).max() <= 1


def test_files_are_few_and_small_and_the_keys_are_the_common_ones(net: Compact) -> None:
    assert {p.name for p in FOLDER.iterdir()} == {WEIGHTS, "README.md", "metrics.json"}
    assert (FOLDER / WEIGHTS).stat().st_size < 3_000_000
    with safe_open(FOLDER / WEIGHTS, "pt") as file:
        keys = set(file.keys())
    last = 2 * net.layers + 2
    weights = {f"body.{i}.weight" for i in range(last + 1)}
    assert keys == weights | {f"body.{i}.bias" for i in range(0, last + 1, 2)}


def test_the_card_tells_measures_credits_and_limits() -> None:
    card = (FOLDER / "README.md").read_text()
    for words in (
        "license: cc-by-4.0",
        "Lisa Wischofsky",
        "Ashley Seo",
        "## Limits",
        "| portraits, decoded",
    ):
        assert words in card
    measured = json.loads((FOLDER / "metrics.json").read_text())["measured"]
    for name, both in measured.items():
        least = -0.2 if name == "portraits, redrawn" else 0.9  # dB; redrawn, the truth is another picture
        assert both["enlarger"]["psnr"] >= both["bicubic"]["psnr"] + least
        assert both["enlarger"]["sharpness"] >= 3.5 * both["bicubic"]["sharpness"]
