"""Tiny, seeded, random FLUX.2 models: real classes, a few channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_FLUX2_ENTRY = """\
  - id: tiny-{checkpoint}
    label: Tiny {checkpoint}
    family: flux2
    source: {{folder}}
    licence: none
    resolution: 64
    modes: [{modes}]
    options: {{{{checkpoint: {checkpoint}}}}}
"""
_REFERRING = "text_to_image, smart_edit, character_reference, style_reference, controlnet"
KLEIN = _FLUX2_ENTRY.format(checkpoint="klein", modes=f"{_REFERRING}, img2img, inpaint")
KLEIN_BASE = _FLUX2_ENTRY.format(checkpoint="klein-base", modes="text_to_image, smart_edit, inpaint")
KLEIN_KV = _FLUX2_ENTRY.format(checkpoint="klein-kv", modes=_REFERRING)
DEV = _FLUX2_ENTRY.format(checkpoint="dev", modes=_REFERRING)
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% set text = part['text'] %}"
    "{{ text[:12] if message['role'] == 'system' else text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
)
"""A letter is a token here, and all that the system says would leave no room for the words."""


def make_klein(folder: Path, seed: int = 0, *, distilled: bool = True, kv: bool = False) -> Path:
    """FLUX.2 klein and its kin."""
    import diffusers
    import torch

    torch.manual_seed(seed)
    cls = diffusers.Flux2KleinKVPipeline if kv else diffusers.Flux2KleinPipeline
    cls(
        vae=flux2_vae(),
        text_encoder=qwen3(layers=28),
        tokenizer=qwen_tokenizer(),
        transformer=_flux2_transformer(3 * 16, guidance=False),
        scheduler=flow_scheduler(),
        is_distilled=distilled,
    ).save_pretrained(folder)
    return folder


def make_klein_base(folder: Path) -> Path:
    """FLUX.2 klein as it is before distillation: with guidance."""
    return make_klein(folder, distilled=False)


def make_klein_kv(folder: Path) -> Path:
    """FLUX.2 klein with a cache of its references."""
    return make_klein(folder, kv=True)


def make_dev(folder: Path, seed: int = 0) -> Path:
    """FLUX.2 dev: another text encoder, guidance inside the transformer."""
    import torch
    from diffusers import Flux2Pipeline

    torch.manual_seed(seed)
    Flux2Pipeline(
        vae=flux2_vae(),
        text_encoder=_mistral(),
        tokenizer=qwen_tokenizer(),
        transformer=_flux2_transformer(3 * 16, guidance=True),
        scheduler=flow_scheduler(),
    ).save_pretrained(folder)
    return folder


def _flux2_transformer(joint: int, *, guidance: bool) -> Any:
    from diffusers import Flux2Transformer2DModel

    return Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=joint,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance,
    ).eval()


def flux2_vae() -> Any:
    """The autoencoder of FLUX.2 and FLUX.3."""
    from diffusers import AutoencoderKLFlux2

    return AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=64,
    ).eval()


def qwen3(layers: int) -> Any:
    """A text encoder of 16 channels."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(qwen_tokenizer()),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=2048,
    )
    return Qwen3ForCausalLM(config).eval()


def _mistral() -> Any:
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    config = Mistral3Config(
        text_config={
            "model_type": "mistral",
            "vocab_size": len(qwen_tokenizer()),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 31,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "max_position_embeddings": 2048,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "image_size": 28,
            "patch_size": 14,
        },
    )
    return Mistral3ForConditionalGeneration(config).eval()


def qwen_tokenizer(*extra: str) -> Any:
    """One token a byte, with the special tokens that pipelines write into prompts."""
    from transformers import Qwen2Tokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    words = [*bytes_to_unicode().values(), "<|endoftext|>"]
    tokenizer = Qwen2Tokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", *extra]})
    tokenizer.chat_template = CHAT
    return tokenizer


def flow_scheduler(*, shifting: bool = True) -> Any:
    """The scheduler all flow models come with."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=shifting)
