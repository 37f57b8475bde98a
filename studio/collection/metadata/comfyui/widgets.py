"""The values typed into a drawn node, by name.

The drawn graph keeps them as a bare list. Newer ones name every field among the node's inputs; of older ones
the names are known here for common nodes, and guessed for the rest from what the node gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_KNOWN: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "start_at_step",
        "end_at_step",
    ),
    "KSampler (Efficient)": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "SamplerCustom": ("add_noise", "noise_seed", "cfg"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "Flux2Scheduler": ("steps", "width", "height"),
    "SDTurboScheduler": ("steps", "denoise"),
    "AlignYourStepsScheduler": ("model_type", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "DualCFGGuider": ("cfg_conds", "cfg_cond2_negative"),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPTextEncodeSDXL": (
        "width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l",
    ),
    "TextEncodeQwenImageEdit": ("prompt",),
    "TextEncodeQwenImageEditPlus": ("prompt",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CheckpointLoader": ("config_name", "ckpt_name"),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "UnetLoaderGGUF": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "EmptyFlux2LatentImage": ("width", "height", "batch_size"),
    "FaceDetailer": (
        "guide_size", "guide_size_for", "max_size", "seed", "steps", "cfg", "sampler_name", "scheduler",
        "denoise",
    ),
    "UltimateSDUpscale": ("upscale_by", "seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "Efficient Loader": (
        "ckpt_name", "vae_name", "clip_skip", "lora_name", "lora_model_strength", "lora_clip_strength",
        "positive", "negative", "token_normalization", "weight_interpretation", "empty_latent_width",
        "empty_latent_height",
    ),
    "PrimitiveNode": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveFloat": ("value",),
    "PrimitiveBoolean": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "StringConcatenate": ("string_a", "string_b", "delimiter"),
    "ComfySwitchNode": ("switch",),
    "Seed (rgthree)": ("seed",),
    "Seed Everywhere": ("seed",),
    "ImpactWildcardProcessor": ("wildcard_text", "populated_text", "mode", "seed"),
    "CR LoRA Stack": tuple(
        f"{name}_{n}" for n in (1, 2, 3) for name in ("switch", "lora_name", "model_weight", "clip_weight")
    ),
    "Lora Loader Stack (rgthree)": tuple(
        f"{name}_0{n}" for n in (1, 2, 3, 4) for name in ("lora", "strength")
    ),
}  # fmt: skip
_AFTER_NUMBERS = ("fixed", "increment", "decrement", "randomize")
"""What shall become of a seed after each picture: stands behind it without a field of its own."""
_FILES = (".safetensors", ".ckpt", ".gguf", ".sft", ".pt")


def values(node: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed or chosen, as far as the names are known."""
    given, kind = node.get("widgets_values"), str(node.get("type"))
    if isinstance(given, dict):
        return {str(name): value for name, value in given.items()}
    if not isinstance(given, list):
        return {}
    if kind in _KNOWN:
        return dict(aligned(_KNOWN[kind], given))
    names = field_names(node)
    named = dict(aligned(names, given))
    objects = {
        f"lora_{n}": value for n, value in enumerate(given) if isinstance(value, dict) and "lora" in value
    }
    plain = [value for value in given if value is not None and value not in _AFTER_NUMBERS]
    if objects or not names or len(plain) > len(names) + 1:
        return objects or dict(_guessed(node, given))
    return named


def field_names(node: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that can be typed into."""
    slots = node.get("inputs")
    found: list[str] = []
    for slot in slots if isinstance(slots, list) else ():
        widget = slot.get("widget") if isinstance(slot, dict) else None
        if isinstance(widget, dict):
            found.append(str(widget.get("name", slot.get("name"))))
    return found


def aligned(names: Sequence[str], given: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Names beside values, in order."""
    at = 0
    for name in names:
        if at >= len(given):
            return
        yield name, given[at]
        number = isinstance(given[at], int | float)
        at += 1
        if number and at < len(given) and _is_no_field(name, given[at]):
            at += 1


def _is_no_field(name: str, value: Any) -> bool:
    """What stands behind a seed."""
    return value in _AFTER_NUMBERS or (value is None and name.endswith("seed"))


def _guessed(node: Mapping[str, Any], given: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """By what the node gives: words, or a model out of a file."""
    outputs = node.get("outputs")
    gives = (
        [slot.get("type") for slot in outputs if isinstance(slot, dict)] if isinstance(outputs, list) else []
    )
    texts = [value for value in given if isinstance(value, str) and value not in _AFTER_NUMBERS]
    files = [text for text in texts if text.lower().endswith(_FILES)]
    if "MODEL" in gives and files:
        yield ("lora_name" if "lora" in str(node.get("type")).lower() else "ckpt_name"), files[0]
        numbers = [value for value in given if isinstance(value, int | float)]
        yield from [("strength_model", numbers[0])] if numbers else []
    elif ("CONDITIONING" in gives or "STRING" in gives) and texts:
        yield "text", max(texts, key=len)
    elif {"INT", "FLOAT"} & set(map(str, gives)) and given:
        yield "value", given[0]
