"""The exported folder: stock classes load it offline; adapters, ControlNet and plain network fit it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from training.export import export, preview_factors
from training.models import PortraitModel, build_controlnet, plain_unet
from training.pipes import Pipes
from training.presets import CPU, AutoencoderPreset
from training.tokenizer import build
from training.train_autoencoder import build_autoencoder

TINY = replace(
    CPU,
    px=32,
    autoencoder=AutoencoderPreset(channels=(4, 8), latent_channels=4, groups=1, px=32),
    unet=replace(
        CPU.unet, channels=(8, 16), attention=(1,), groups=4, text_width=32, image_width=32, image_px=16
    ),
    controlnet=replace(CPU.controlnet, hint_channels=(4, 8)),
)


def export_tiny(out: Path) -> PortraitModel:
    """Export a model of random weights into `out`; returns what was exported."""
    model = PortraitModel(TINY, build(out / "tokenizer"))
    vae = build_autoencoder(TINY.autoencoder)
    vae.register_to_config(scaling_factor=0.5)
    preview = preview_factors(torch.randn(2, 4, 16, 16), torch.rand(2, 3, 32, 32) * 2 - 1)
    export(TINY, out, vae, model, build_controlnet(TINY, model.unet), preview)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    out = tmp_path_factory.mktemp("model")
    export_tiny(out)
    return out


def test_it_loads_as_an_editing_pipeline_of_safetensors_only(folder: Path):
    pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    assert type(pipe).__name__ == "StableDiffusionInstructPix2PixPipeline"
    assert pipe.unet.config.in_channels == 2 * pipe.unet.config.out_channels
    assert pipe.vae.config.scaling_factor == 0.5
    assert not [p for p in folder.rglob("*") if p.suffix in (".bin", ".pt", ".ckpt", ".pkl")]


def test_every_mode_draws(folder: Path):
    pipes = Pipes(folder)
    source = Image.new("RGB", (32, 32), "red")
    two = {"num_inference_steps": 2, "guidance_scale": 2.0, "height": 32, "width": 32}
    images = [
        *pipes.draw(pipes.text, ["portrait of a woman"], 0, **two),
        *pipes.edited(["add glasses"], [source], 0, num_inference_steps=2),
        *pipes.draw(pipes.image, ["a man"], 0, image=source, strength=0.5, num_inference_steps=2),
        *pipes.draw(pipes.control, ["a man"], 0, image=source, **two),
        *pipes.adapted_batch(["a man"], 0, [source], [source], (0.8, 0.8), **two),
    ]
    assert [x.size for x in images] == [(32, 32)] * 5


def test_plain_network_shares_weights_and_equals_editing_without_a_source(folder: Path):
    unet = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32).unet
    plain = plain_unet(unet)
    x, t, text = torch.randn(1, 4, 16, 16), torch.tensor([500]), torch.randn(1, 7, 32)
    both = torch.cat([x, torch.zeros_like(x)], dim=1)
    with torch.no_grad():
        assert torch.allclose(plain(x, t, text).sample, unet(both, t, text).sample, atol=1e-5)
    one, two = (net.mid_block.resnets[0].conv1.weight for net in (plain, unet))
    assert one.data_ptr() == two.data_ptr()
