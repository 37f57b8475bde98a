"""Stable Diffusion 1.5, SDXL and FLUX.2-klein-4B with seeded random weights, at full or tiny size.

Pictures from them mean nothing; time, memory and traffic are those of the real models, because sizes and
layers are. Nothing is downloaded: tokenizers know single bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

FAMILY = {
    "sd15": ("stable-diffusion", "{}"),
    "sdxl": ("sdxl", "{}"),
    "klein": ("flux2", "{checkpoint: klein}"),
}
"""Family and options of an entry, by the names that `make` knows."""
CHAT = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
_CLIP = {
    "full": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "projection_dim": 768,
    },
    "tiny": {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "projection_dim": 16,
    },
}  # fmt: skip
_CLIP_2 = {
    "full": {
        "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
        "projection_dim": 1280, "hidden_act": "gelu",
    },
    "tiny": {**_CLIP["tiny"], "hidden_size": 24, "projection_dim": 24, "hidden_act": "gelu"},
}  # fmt: skip
_UNET = {
    "full": {
        "block_out_channels": (320, 640, 1280), "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "transformer_layers_per_block": (1, 2, 10), "projection_class_embeddings_input_dim": 2816,
        "addition_time_embed_dim": 256, "sample_size": 128,
    },
    "tiny": {
        "block_out_channels": (8, 16, 16), "cross_attention_dim": 40, "attention_head_dim": 4,
        "transformer_layers_per_block": 1, "projection_class_embeddings_input_dim": 24 + 6 * 8,
        "addition_time_embed_dim": 8, "sample_size": 16, "norm_num_groups": 4,
    },
}  # fmt: skip
_UNET_1 = {
    "full": {"cross_attention_dim": 768, "attention_head_dim": 8, "sample_size": 64},
    "tiny": {
        "block_out_channels": (8, 16, 16, 16), "cross_attention_dim": 16, "attention_head_dim": 4,
        "layers_per_block": 1, "sample_size": 8, "norm_num_groups": 4,
    },
}  # fmt: skip
"""At full size, diffusers' own defaults are those of Stable Diffusion 1."""
_VAE = {
    "full": {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "sample_size": 1024},
    "tiny": {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4},
}
_KLEIN = {
    "full": {
        "num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24, "joint_attention_dim": 7680,
        "guidance_embeds": False,
    },
    "tiny": {
        "num_layers": 1, "num_single_layers": 1, "num_attention_heads": 2, "joint_attention_dim": 48,
        "attention_head_dim": 16, "axes_dims_rope": (4, 4, 4, 4), "in_channels": 16,
        "timestep_guidance_channels": 16, "guidance_embeds": False,
    },
}  # fmt: skip
_QWEN3 = {
    "full": {
        "vocab_size": 151936, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    },
    "tiny": {
        "vocab_size": 300, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 28,
        "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
    },
}  # fmt: skip
_KLEIN_VAE = {"full": {}, "tiny": {**_VAE["tiny"], "latent_channels": 4, "mid_block_add_attention": False}}


def make(name: str, size: str, folder: Path, device: str, dtype: Any) -> Path:
    """The model `name` ('sd15', 'sdxl', 'klein') in `folder`; one that is there already is used again."""
    if not (folder / "model_index.json").is_file():
        {"sd15": _sd15, "sdxl": _sdxl, "klein": _klein}[name](size, device, dtype).save_pretrained(folder)
    return folder


def materialize(cls: Any, config: Any, device: str, dtype: Any) -> Any:
    """A network of random weights; `config`: arguments (diffusers) or a configuration (transformers).

    Its parameters are never made in float32 first, so that it takes no more memory than it weighs.
    """
    import torch
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        network = cls(**config) if isinstance(config, dict) else cls(config)
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                module._parameters[name] = torch.nn.Parameter(
                    _numbers(name, parameter.shape, device, dtype), requires_grad=False
                )
    return network.to(device).eval()


def _numbers(name: str, shape: Any, device: str, dtype: Any) -> Any:
    """Small noise for matrices, one for the scales of norms, nothing for offsets: finite at any depth."""
    import torch

    tensor = torch.empty(shape, dtype=dtype, device=device)
    if name == "bias":
        return tensor.zero_()
    return tensor.fill_(1.0) if tensor.ndim == 1 else tensor.normal_(0, 0.02)


def _sd15(size: str, device: str, dtype: Any) -> Any:
    import torch
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    tokenizer = _clip_tokenizer()
    clip = _clip_config(_CLIP, size, tokenizer)
    return StableDiffusionPipeline(
        vae=materialize(AutoencoderKL, {**_kl_blocks(), **_VAE[size]}, device, dtype),
        text_encoder=materialize(CLIPTextModel, clip, device, dtype),
        tokenizer=tokenizer,
        unet=materialize(UNet2DConditionModel, _UNET_1[size], device, dtype),
        scheduler=PNDMScheduler(
            beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, skip_prk_steps=True,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip


def _sdxl(size: str, device: str, dtype: Any) -> Any:
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer = _clip_tokenizer()
    clip, clip_2 = (_clip_config(table, size, tokenizer) for table in (_CLIP, _CLIP_2))
    unet = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "addition_embed_type": "text_time",
        "use_linear_projection": True,
        **_UNET[size],
    }
    return StableDiffusionXLPipeline(
        vae=materialize(
            AutoencoderKL, {**_kl_blocks(), **_VAE[size], "scaling_factor": 0.13025}, device, dtype
        ),
        text_encoder=materialize(CLIPTextModel, clip, device, dtype),
        text_encoder_2=materialize(CLIPTextModelWithProjection, clip_2, device, dtype),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=materialize(UNet2DConditionModel, unet, device, dtype),
        scheduler=EulerDiscreteScheduler(
            beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1
        ),
        add_watermarker=False,
    )


def _klein(size: str, device: str, dtype: Any) -> Any:
    import torch
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    qwen = Qwen3Config(max_position_embeddings=2048, tie_word_embeddings=False, **_QWEN3[size])
    return Flux2KleinPipeline(
        vae=materialize(AutoencoderKLFlux2, _KLEIN_VAE[size], device, dtype),
        text_encoder=materialize(Qwen3ForCausalLM, qwen, device, dtype),
        tokenizer=_qwen_tokenizer(),
        transformer=materialize(Flux2Transformer2DModel, _KLEIN[size], device, dtype),
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        is_distilled=True,
    )


def _kl_blocks() -> dict[str, Any]:
    return {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}


def _clip_config(table: dict[str, Any], size: str, tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig

    vocabulary = 49408 if size == "full" else len(tokenizer)
    ids = {"bos_token_id": 0, "eos_token_id": len(tokenizer) - 1, "max_position_embeddings": 77}
    return CLIPTextConfig(vocab_size=vocabulary, **ids, **table[size])


def _clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = ["<|startoftext|>", *letters, *(f"{letter}</w>" for letter in letters), "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77)


def _qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    words = [*bytes_to_unicode().values(), "<|endoftext|>"]
    tokenizer = Qwen2Tokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = CHAT
    return tokenizer
