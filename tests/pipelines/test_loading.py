from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from pipelines import loading


@pytest.fixture(scope="module")
def unet(tiny_model_dir: Path) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(tiny_model_dir / "unet").eval()


def test_a_sibling_has_the_same_tensors_in_another_module(unet: UNet2DConditionModel) -> None:
    twin = loading.sibling_unet(unet)
    assert twin is not unet
    own = dict(unet.named_parameters())
    for name, tensor in twin.named_parameters():
        assert tensor.data_ptr() == own[name].data_ptr(), name


def test_a_narrow_sibling_shares_all_but_the_first_convolution(unet: UNet2DConditionModel) -> None:
    narrow = loading.sibling_unet(unet, in_channels=8)
    own = dict(unet.named_parameters())
    apart = [n for n, t in narrow.named_parameters() if t.data_ptr() != own[n].data_ptr()]
    assert apart == ["conv_in.weight"]
    assert narrow.config.in_channels == 8


def test_a_narrow_sibling_computes_what_the_whole_does_without_a_source(unet: UNet2DConditionModel) -> None:
    narrow = loading.sibling_unet(unet, in_channels=8)
    noise, words = torch.randn(2, 8, 8, 8), torch.randn(2, 7, 32)
    with torch.no_grad():
        whole = unet(torch.cat([noise, torch.zeros_like(noise)], dim=1), 500, words).sample
        part = narrow(noise, 500, words).sample
    assert torch.allclose(whole, part, atol=1e-5)


def test_a_copied_scheduler_has_a_state_of_its_own() -> None:
    scheduler = DDIMScheduler(prediction_type="v_prediction", timestep_spacing="trailing")
    copy = loading.copy_scheduler(scheduler)
    copy.set_timesteps(7)
    assert copy.config == scheduler.config
    assert scheduler.num_inference_steps is None


def test_a_fingerprint_follows_the_weights_and_not_the_place(tiny_model_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model_dir, tmp_path / "moved")
    original = loading.fingerprint(tiny_model_dir)
    assert loading.fingerprint(copy) == original
    weights = copy / "ip_adapter" / "style.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert loading.fingerprint(copy) != original
