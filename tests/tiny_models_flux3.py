"""A tiny, seeded, random FLUX.3 Image Klein: real classes, a few channels, a folder as the hub has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny_models_flux import flux2_vae, qwen_tokenizer
from tests.tiny_models_qwen import qwen3vl

ENTRY = """\
  - id: tiny-flux3
    label: Tiny FLUX.3
    family: flux3
    source: {folder}
    licence: none
    resolution: 64
    modes: [text_to_image, smart_edit, character_reference, style_reference, controlnet]
"""
WIDTH = 16
"""Of the words' encoder; the transformer is told eight layers of it."""
HUB = "black-forest-labs/flux-3-image-klein"
UPSAMPLER = f"{HUB}-pup"
PARTS = {
    "prompt_upsampler": ("transformers", "Qwen3_5ForConditionalGeneration", UPSAMPLER),
    "prompt_upsampler_processor": ("transformers", "AutoProcessor", UPSAMPLER),
    "text_encoder": ("transformers", "Qwen3VLForConditionalGeneration", HUB),
    "tokenizer": ("transformers", "AutoProcessor", HUB),
    "transformer": ("diffusers", "Flux3Transformer2DModel", HUB),
    "vae": ("diffusers", "AutoencoderKLFlux2", HUB),
}


def index(**repositories: str) -> dict[str, Any]:
    """The index as diffusers writes it before anything is loaded; `repositories`: where parts are instead."""
    parts = {
        name: [None, None, _place(name, kind, repositories.get(name, at))]
        for name, (*kind, at) in PARTS.items()
    }
    return {
        "_blocks_class_name": "Flux3DistilledAutoBlocks",
        "_class_name": "Flux3DistilledModularPipeline",
        "_diffusers_version": "0.42.1",
        **parts,
    }


def _place(name: str, kind: list[str], repository: str) -> dict[str, Any]:
    folder = "" if repository == UPSAMPLER else name
    return {
        "pretrained_model_name_or_path": repository,
        "revision": None,
        "subfolder": folder,
        "type_hint": kind,
        "variant": None,
    }


def make(folder: Path, seed: int = 0) -> Path:
    """All parts but the prompt upsampler; the scheduler is the one that diffusers' blocks make."""
    import torch

    torch.manual_seed(seed)
    parts = {
        "text_encoder": qwen3vl(layers=32),
        "tokenizer": qwen_tokenizer(),
        "transformer": _transformer(),
        "vae": flux2_vae(),
    }
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    (folder / "modular_model_index.json").write_text(json.dumps(index()))
    return folder


def _transformer() -> Any:
    from diffusers import Flux3Transformer2DModel

    return Flux3Transformer2DModel(
        in_channels=16,
        cond_in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=8 * WIDTH,
        timestep_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        flow_map=True,
    ).eval()
