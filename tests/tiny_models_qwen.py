"""Tiny, seeded, random Qwen-Image models: real classes, a few channels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny_models_flow import _wake
from tests.tiny_models_flux import flow_scheduler, qwen_tokenizer

_ENTRY = """\
  - id: tiny-qwen-{name}
    label: Tiny Qwen {name}
    family: qwen-image
    source: {{folder}}
    licence: none
    resolution: 64
    modes: [{modes}]
    options: {{{{checkpoint: "{checkpoint}"{more}}}}}
"""
_REFERRING = "smart_edit, character_reference, style_reference, controlnet"
EDIT = _ENTRY.format(name="edit", checkpoint="edit", modes=_REFERRING, more="")
IMAGE = _ENTRY.format(
    name="image",
    checkpoint="image",
    modes="text_to_image, img2img, inpaint, controlnet",
    more=", controlnets: {{canny: controlnet, soft_edge: controlnet}}",
)
WHOLE = _ENTRY.format(name="whole", checkpoint="2.1", modes=f"text_to_image, {_REFERRING}", more="")
_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
_TEXT: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 4096,
    "rope_parameters": _ROPE,
}


def make_edit(folder: Path, seed: int = 0) -> Path:
    """Qwen-Image-Edit: sees its references twice, in the words and beside the noise."""
    import torch
    from diffusers import QwenImageEditPlusPipeline

    torch.manual_seed(seed)
    parts = {"tokenizer": _tokenizer(), "text_encoder": _qwen25()}
    _save(QwenImageEditPlusPipeline, folder, vae=_vae(), transformer=_transformer(), **parts)
    return folder


def make_image(folder: Path, seed: int = 0) -> Path:
    """Qwen-Image, with a ControlNet."""
    import torch
    from diffusers import QwenImageControlNetModel, QwenImagePipeline

    torch.manual_seed(seed)
    QwenImagePipeline(
        vae=_vae(),
        transformer=_transformer(),
        tokenizer=_tokenizer(),
        text_encoder=_qwen25(),
        scheduler=flow_scheduler(),
    ).save_pretrained(folder)
    control = QwenImageControlNetModel(**_SHAPE, in_channels=16, out_channels=4)
    _wake(control).save_pretrained(folder / "controlnet")
    return folder


def make_whole(folder: Path, seed: int = 0) -> Path:
    """Qwen-Image 2.1."""
    import torch
    from diffusers import AutoencoderKLQwenImage21, QwenImage21Pipeline, QwenImage21Transformer2DModel

    torch.manual_seed(seed)
    transformer = QwenImage21Transformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=16,
        axes_dims_rope=(4, 6, 6),
    )
    vae = AutoencoderKLQwenImage21(
        base_dim=8,
        decoder_base_dim=8,
        dim_mult=[1, 1, 1, 2, 2],
        num_res_blocks=1,
        z_dim=4,
        latents_mean=[0.1] * 4,
        latents_std=[1.2] * 4,
    )
    parts = {"vae": vae.eval(), "transformer": transformer.eval(), "text_encoder": qwen3vl()}
    _save(QwenImage21Pipeline, folder, **parts)
    return folder


_SHAPE: dict[str, Any] = {
    "num_layers": 2,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 16,
    "axes_dims_rope": (4, 6, 6),
}


def _save(cls: Any, folder: Path, **parts: Any) -> None:
    """Write a pipeline part by part: its processor can't be made without torchvision, only read."""
    index: dict[str, Any] = {"_class_name": cls.__name__, "_diffusers_version": "0.42.1"}
    for name, part in {"scheduler": flow_scheduler(), **parts}.items():
        part.save_pretrained(folder / name)
        library = type(part).__module__.split(".")[0]
        index[name] = [library, type(part).__name__]
    _image_processor().save_pretrained(folder / "processor")
    _tokenizer().save_pretrained(folder / "processor")
    index["processor"] = ["transformers", "Qwen2VLProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index))


def _transformer() -> Any:
    from diffusers import QwenImageTransformer2DModel

    return QwenImageTransformer2DModel(**_SHAPE, in_channels=16, out_channels=4).eval()


def _vae() -> Any:
    from diffusers import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, num_res_blocks=1, latents_mean=[0.1] * 4, latents_std=[1.2] * 4
    ).eval()


def _tokenizer() -> Any:
    return qwen_tokenizer(*_TOKENS)


def _ids() -> dict[str, int]:
    tokenizer = _tokenizer()
    names = ("vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id")
    return dict(zip(names, tokenizer.convert_tokens_to_ids(list(_TOKENS)), strict=True))


def _qwen25() -> Any:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
        "fullatt_block_indexes": [0],
    }
    text = {**_TEXT, "vocab_size": len(_tokenizer())}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **_ids())
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def qwen3vl(layers: int = 2) -> Any:
    """A language model of 16 channels that also sees."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
        "patch_size": 14,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0],
    }
    text = {**_TEXT, "vocab_size": len(_tokenizer()), "num_hidden_layers": layers}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **_ids())
    return Qwen3VLForConditionalGeneration(config).eval()


def _image_processor() -> Any:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    return Qwen2VLImageProcessorPil(
        min_pixels=28 * 28, max_pixels=56 * 56, patch_size=14, merge_size=2, temporal_patch_size=2
    )
