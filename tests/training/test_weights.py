"""What counts more in training: noise, the cells an edit changes, the face; and how depth is grown."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.models import build_scheduler
from training.presets import AutoencoderPreset
from training.train_autoencoder import build_autoencoder, make_certain, take_over
from training.train_unet import change_weights, face_weights, stratified_timesteps

SHALLOW = AutoencoderPreset(channels=(4, 8), latent_channels=4, groups=1, px=32)


def test_noisy_timesteps_come_up_more_often_and_none_is_left_out() -> None:
    torch.manual_seed(0)
    t = stratified_timesteps(build_scheduler(), 4000, "cpu")
    assert t.min() < 60
    assert t.max() == 999
    assert (t >= 500).float().mean() > 0.6


def test_what_an_edit_changes_counts_as_much_as_all_the_rest_and_the_mean_stays_one() -> None:
    source = torch.zeros(2, 3, 4, 4)
    clean = source.clone()
    clean[0, :, 0, 0] = 1
    weights = change_weights(clean, source)
    assert weights.shape == (2, 1, 4, 4)
    assert weights.mean(dim=(1, 2, 3)).tolist() == pytest.approx([1, 1])
    assert (weights[0, 0, 0, 0] / weights[0, 0, 1, 1]).item() == pytest.approx(16)
    assert torch.equal(weights[1], torch.ones(1, 4, 4))


def test_the_face_counts_three_times() -> None:
    weights = face_weights(torch.zeros(1, 4, 16, 16))
    assert weights.mean().item() == pytest.approx(1)
    assert (weights[0, 0, 8, 8] / weights[0, 0, 0, 0]).item() == pytest.approx(3)


def test_a_deeper_autoencoder_takes_over_the_outer_levels() -> None:
    shallow = build_autoencoder(SHALLOW)
    deep = build_autoencoder(replace(SHALLOW, channels=(4, 8, 16), latent_channels=6))
    take_over(deep, shallow.state_dict(), levels=2)
    assert torch.equal(deep.encoder.conv_in.weight, shallow.encoder.conv_in.weight)
    ours, theirs = deep.encoder.down_blocks[1], shallow.encoder.down_blocks[1]
    assert torch.equal(ours.resnets[0].conv1.weight, theirs.resnets[0].conv1.weight)
    ours, theirs = deep.decoder.up_blocks[2], shallow.decoder.up_blocks[1]
    assert torch.equal(ours.resnets[1].conv1.weight, theirs.resnets[1].conv1.weight)
    assert torch.equal(deep.decoder.conv_out.weight, shallow.decoder.conv_out.weight)
    picture = torch.zeros(1, 3, 32, 32)
    assert deep.decode(deep.encode(picture).latent_dist.mode()).sample.shape == picture.shape


def test_what_is_drawn_from_an_encoded_picture_is_that_picture() -> None:
    torch.manual_seed(0)
    vae = build_autoencoder(SHALLOW)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    mean = vae.encode(picture).latent_dist.mode()
    make_certain(vae)
    encoded = vae.encode(picture).latent_dist
    assert torch.equal(encoded.mode(), mean)
    assert (encoded.sample() - mean).abs().max().item() < 0.01
