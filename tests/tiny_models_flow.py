"""Tiny, seeded, random Z-Image and FLUX.1 models: real classes, a few channels."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from tests.tiny_models import _save_image_encoder as save_image_encoder
from tests.tiny_models_flux import flow_scheduler, qwen3, qwen_tokenizer
from tests.tiny_models_sdxl import _text_encoder
from tests.tiny_models_sdxl import _tokenizer as clip_tokenizer

_CONTROLS = "controlnets: {{canny: controlnet, soft_edge: controlnet}}"
_ADAPTERS = (
    "image_encoder: image_encoder, feature_extractor: feature_extractor, "
    "ip_adapters: {{character: character.safetensors, style: style.safetensors}}"
)
Z_IMAGE = f"""\
  - id: tiny-z-image
    label: Tiny Z
    family: z-image
    source: {{folder}}
    licence: none
    resolution: 64
    modes: [text_to_image, img2img, inpaint, controlnet]
    options: {{{{checkpoint: base, {_CONTROLS}}}}}
"""
Z_TURBO = """\
  - id: tiny-z-turbo
    label: Tiny Z Turbo
    family: z-image
    source: {folder}
    licence: none
    resolution: 64
    modes: [text_to_image, inpaint]
"""
FLUX1 = f"""\
  - id: tiny-flux1
    label: Tiny One
    family: flux1
    source: {{folder}}
    licence: none
    resolution: 64
    modes: [text_to_image, img2img, character_reference, style_reference, inpaint, controlnet]
    options: {{{{checkpoint: dev, {_CONTROLS}, {_ADAPTERS}}}}}
"""
KONTEXT = """\
  - id: tiny-kontext
    label: Tiny Kontext
    family: flux1
    source: {folder}
    licence: none
    resolution: 64
    modes: [text_to_image, smart_edit, inpaint]
    options: {{checkpoint: kontext}}
"""
FILL = """\
  - id: tiny-fill
    label: Tiny Fill
    family: flux1
    source: {folder}
    licence: none
    resolution: 64
    modes: [inpaint]
    options: {{checkpoint: fill}}
"""
_HEAD = {"n_heads": 2, "n_kv_heads": 2, "dim": 32, "n_refiner_layers": 1}


def make_z_image(folder: Path, seed: int = 0) -> Path:
    """Z-Image with a ControlNet."""
    import torch
    from diffusers import ZImageControlNetModel, ZImagePipeline, ZImageTransformer2DModel

    torch.manual_seed(seed)
    transformer = ZImageTransformer2DModel(
        **_HEAD, in_channels=4, n_layers=2, cap_feat_dim=16, axes_dims=[4, 6, 6], axes_lens=[1024, 512, 512]
    )
    for token in (transformer.x_pad_token, transformer.cap_pad_token):
        torch.nn.init.normal_(token, std=0.02)
    ZImagePipeline(
        vae=vae(),
        text_encoder=qwen3(layers=2),
        tokenizer=qwen_tokenizer(),
        transformer=transformer.eval(),
        scheduler=flow_scheduler(shifting=False),
    ).save_pretrained(folder)
    control = ZImageControlNetModel(**_HEAD, control_layers_places=[0], control_in_dim=4)
    _wake(control).save_pretrained(folder / "controlnet")
    return folder


def make_flux1(folder: Path, seed: int = 0, kind: str = "FluxPipeline") -> Path:
    """FLUX.1 dev and its kin, with a ControlNet."""
    import diffusers
    import torch

    torch.manual_seed(seed)
    shape = {
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 32,
        "pooled_projection_dim": 32,
        "axes_dims_rope": (4, 6, 6),
        "guidance_embeds": True,
    }
    channels = 288 if kind == "FluxFillPipeline" else 16
    getattr(diffusers, kind)(
        vae=vae(),
        text_encoder=_text_encoder(projection=False),
        tokenizer=clip_tokenizer(),
        text_encoder_2=_t5(),
        tokenizer_2=_t5_tokenizer(),
        transformer=diffusers.FluxTransformer2DModel(**shape, in_channels=channels, out_channels=16).eval(),
        scheduler=flow_scheduler(),
    ).save_pretrained(folder)
    control = diffusers.FluxControlNetModel(**shape, in_channels=16)
    _wake(control).save_pretrained(folder / "controlnet")
    save_image_encoder(folder)
    for name in ("character", "style"):
        save_file(_adapter(width=32), folder / f"{name}.safetensors")
    return folder


def _adapter(width: int) -> dict[str, Any]:
    """An IP-Adapter for one double block, under the names its authors gave."""
    import torch

    project, speak = "ip_adapter_proj_model", "double_blocks.0.processor.ip_adapter_double_stream"
    tensors = {
        f"{project}.proj.weight": torch.randn(4 * width, 24) * 0.3,
        f"{project}.proj.bias": torch.zeros(4 * width),
        f"{project}.norm.weight": torch.ones(width),
        f"{project}.norm.bias": torch.zeros(width),
    }
    for key in ("k_proj", "v_proj"):
        tensors[f"{speak}_{key}.weight"] = torch.randn(width, width) * 0.3
        tensors[f"{speak}_{key}.bias"] = torch.zeros(width)
    return tensors


def make_kontext(folder: Path) -> Path:
    """FLUX.1 Kontext."""
    return make_flux1(folder, kind="FluxKontextPipeline")


def make_fill(folder: Path) -> Path:
    """FLUX.1 Fill: reads mask and masked source beside the noise."""
    return make_flux1(folder, kind="FluxFillPipeline")


def vae() -> Any:
    """Four latent channels, scaled and shifted; 8 px each."""
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
        scaling_factor=0.36,
        shift_factor=0.11,
    ).eval()


def _wake(network: Any) -> Any:
    """ControlNets begin with zeros, and would do nothing."""
    import torch

    for parameter in network.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def _t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=len(_t5_tokenizer()), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    return T5EncoderModel(config).eval()


def _t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    letters = [*string.ascii_letters, *string.digits, *string.punctuation, "▁"]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((letter, -1.0) for letter in letters)]
    return T5Tokenizer(vocab=vocab, extra_ids=0)
