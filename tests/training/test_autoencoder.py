"""The decoder goes on by itself, and the latents it reads stay what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from training.presets import CPU, AutoencoderPreset
from training.train_autoencoder import build_autoencoder, train, train_decoder, trained_vae

SHAPE = AutoencoderPreset(
    channels=(4, 8), latent_channels=4, px=16, figures="figures.npy", held_out=2, crop=8, crop_batch=2,
    batch=2, steps=3, minutes=1.0, warmup=1,
)  # fmt: skip
TINY = replace(CPU, px=16, workers=1, autoencoder=SHAPE)


def test_training_the_decoder_alone_moves_no_latent(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "figures.npy", rng.integers(0, 255, (6, 16, 16, 4), dtype=np.uint8))
    train(TINY, tmp_path, "cpu")
    before = trained_vae(TINY, tmp_path)
    assert before.config.block_out_channels == build_autoencoder(SHAPE).config.block_out_channels
    train_decoder(replace(TINY, autoencoder=replace(SHAPE, steps=6)), tmp_path, "cpu")
    after = trained_vae(TINY, tmp_path)
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    latents = before.encode(picture).latent_dist.mode()
    assert torch.equal(latents, after.encode(picture).latent_dist.mode())
    assert not torch.equal(before.decode(latents).sample, after.decode(latents).sample)
