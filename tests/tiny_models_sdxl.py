"""A tiny, seeded, random Stable Diffusion XL model with a union ControlNet and IP-Adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny_models import TOKENS, _adapter, _save_image_encoder, _tokenizer

ENTRY = """\
  - id: tiny-sdxl
    label: Tiny XL
    family: sdxl
    source: {folder}
    licence: none
    resolution: 64
    modes: [text_to_image, smart_edit, img2img, character_reference, style_reference, controlnet, inpaint]
    options:
      edit_unet: true
      controlnets: {{canny: controlnet, soft_edge: controlnet}}
      image_encoder: image_encoder
      feature_extractor: feature_extractor
      ip_adapters:
        character: ip_adapter/character.safetensors
        style: ip_adapter/style.safetensors
"""


def make(folder: Path, seed: int = 0) -> Path:
    """All seven modes; the layout and blocks of the real model at a few channels."""
    import torch
    from diffusers import ControlNetUnionModel, StableDiffusionXLPipeline
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    unet = _unet(8)
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_text_encoder(projection=False),
        text_encoder_2=_text_encoder(projection=True),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        unet=unet,
        scheduler=_scheduler(),
    ).save_pretrained(folder)
    control = _control(ControlNetUnionModel)
    control.save_pretrained(folder / "controlnet")
    _save_image_encoder(folder)
    (folder / "ip_adapter").mkdir()
    for name in ("character", "style"):
        save_file(_adapter(unet), folder / "ip_adapter" / f"{name}.safetensors")
    return folder


_UNET: dict[str, Any] = {
    "block_out_channels": (8, 16, 16),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "cross_attention_dim": 64,
    "transformer_layers_per_block": (1, 1, 1),
    "attention_head_dim": (2, 4, 4),
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 80,
    "use_linear_projection": True,
    "norm_num_groups": 4,
}


def _unet(in_channels: int) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **_UNET,
        in_channels=in_channels,
        out_channels=4,
        sample_size=8,
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    ).eval()


def _control(cls: Any) -> Any:
    import torch

    control = cls(
        **_UNET,
        in_channels=4,
        conditioning_embedding_out_channels=(8, 8, 8, 16),
        num_trans_channel=8,
        num_trans_head=2,
        num_proj_channel=8,
    )
    for name, tensor in control.named_parameters():
        if not tensor.any() and tensor.ndim > 1:
            torch.nn.init.normal_(control.get_parameter(name), std=0.3)
    return control


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=64,
    ).eval()


def _text_encoder(*, projection: bool) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = _tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def _scheduler() -> Any:
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, timestep_spacing="leading"
    )
