"""A tiny, seeded, random JoyAI-Image-Edit-Plus model: real classes, a few channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny_models_flow import _wake
from tests.tiny_models_flux import flow_scheduler
from tests.tiny_models_qwen import _save, _tokenizer, qwen3vl

ENTRY = """\
  - id: tiny-joyimage
    label: Tiny JoyAI Image
    family: joyimage
    source: {folder}
    licence: none
    resolution: 64
    modes: [smart_edit, character_reference, style_reference, controlnet]
"""


def make(folder: Path, seed: int = 0) -> Path:
    """JoyAI-Image-Edit-Plus: its references stand beside the noise, each at a size of its own."""
    import torch
    from diffusers import JoyImageEditPlusPipeline

    torch.manual_seed(seed)
    parts = {
        "vae": _vae(),
        "transformer": _transformer(),
        "text_encoder": qwen3vl(),
        "tokenizer": _tokenizer(),
    }
    _save(JoyImageEditPlusPipeline, folder, **parts, scheduler=flow_scheduler(shifting=False))
    return folder


def _transformer() -> Any:
    from diffusers import JoyImageEditPlusTransformer3DModel

    network = JoyImageEditPlusTransformer3DModel(
        in_channels=4,
        hidden_size=32,
        num_attention_heads=2,
        text_dim=16,
        num_layers=2,
        rope_dim_list=[4, 6, 6],
    )
    return _wake(network)


def _vae() -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.1] * 4,
        latents_std=[1.2] * 4,
    ).eval()
