"""A tiny, seeded, random model in the bundled model's folder format, of real diffusers classes.

Pictures from it mean nothing; sizes, seeds, steps, errors and cancelling behave as with any model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TOKENS = 77
LATENT_CHANNELS = 8
MODELS_YAML = """\
models:
  - id: tiny
    label: Tiny Portrait
    family: stable-diffusion
    source: {source}
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
  - id: tiny-plain
    label: Tiny Plain
    family: stable-diffusion
    source: {plain}
    licence: none
    resolution: 64
    modes: [text_to_image, img2img]
  - id: not-here
    label: Not Here
    family: stable-diffusion
    source: missing/not/here
    licence: none
    modes: [text_to_image, img2img]
"""


def write_models_yaml(path: Path, portrait: Path, plain: Path) -> Path:
    """A catalogue with the two tiny models and one whose folder is missing."""
    path.write_text(MODELS_YAML.format(source=portrait, plain=plain), encoding="utf-8")
    return path


def make_tiny_portrait_model(folder: Path, seed: int = 0) -> Path:
    """All six modes: edit UNet, ControlNet, image encoder, two IP-Adapters."""
    import torch
    from diffusers import ControlNetModel, StableDiffusionInstructPix2PixPipeline
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    parts = _base_parts(in_channels=2 * LATENT_CHANNELS)
    StableDiffusionInstructPix2PixPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    ).save_pretrained(folder)
    plain = _unet(LATENT_CHANNELS)
    control = ControlNetModel.from_unet(plain, conditioning_embedding_out_channels=(8, 8, 8, 16))
    for block in (*control.controlnet_down_blocks, control.controlnet_mid_block):
        torch.nn.init.normal_(block.weight, std=0.2)
    torch.nn.init.normal_(control.controlnet_cond_embedding.conv_out.weight, std=0.2)
    control.save_pretrained(folder / "controlnet")
    _save_image_encoder(folder)
    (folder / "ip_adapter").mkdir()
    for name in ("character", "style"):
        save_file(_adapter(parts["unet"]), folder / "ip_adapter" / f"{name}.safetensors")
    factors = {"latent_rgb_factors": torch.randn(LATENT_CHANNELS, 3).tolist(), "bias": [0.0, 0.0, 0.0]}
    (folder / "preview.json").write_text(json.dumps(factors))
    return folder


def make_tiny_plain_model(folder: Path, seed: int = 1) -> Path:
    """The common layout: a UNet that reads noise alone, no preview.json, no adapters."""
    import torch
    from diffusers import StableDiffusionPipeline

    torch.manual_seed(seed)
    StableDiffusionPipeline(
        **_base_parts(in_channels=LATENT_CHANNELS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def _base_parts(in_channels: int) -> dict[str, Any]:
    from diffusers import AutoencoderKL, DDIMScheduler
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = _tokenizer()
    text = CLIPTextConfig(
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
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=64,
    )
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        set_alpha_to_one=False,
        steps_offset=1,
        clip_sample=False,
    )
    return {
        "vae": vae.eval(),
        "text_encoder": CLIPTextModel(text).eval(),
        "tokenizer": tokenizer,
        "unet": _unet(in_channels).eval(),
        "scheduler": scheduler,
    }


def _unet(in_channels: int) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(16, 32),
        layers_per_block=1,
        sample_size=8,
        in_channels=in_channels,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
    )


def _tokenizer() -> Any:
    """One token a character, so that any text has one."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=TOKENS)


def _save_image_encoder(folder: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        projection_dim=24,
    )
    CLIPVisionModelWithProjection(config).eval().save_pretrained(folder / "image_encoder")
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder / "feature_extractor"
    )


def _adapter(unet: Any) -> dict[str, Any]:
    """An IP-Adapter's weights in the format of its authors: image_proj.* and ip_adapter.<odd number>.*"""
    import torch

    width = unet.config.cross_attention_dim
    weights = {
        "image_proj.proj.weight": torch.randn(4 * width, 24) * 0.3,
        "image_proj.proj.bias": torch.zeros(4 * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    cross = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for i, name in enumerate(cross):
        attention = unet.get_submodule(name.removesuffix(".processor"))
        for key in ("to_k_ip", "to_v_ip"):
            weights[f"ip_adapter.{2 * i + 1}.{key}.weight"] = torch.randn(attention.inner_dim, width) * 0.3
    return weights
