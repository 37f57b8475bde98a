"""The values typed into a drawn node, by name.

The drawn graph keeps them as a bare list. Newer ones name every field among the node's inputs; of older ones
the names are known here for common nodes, and guessed for the rest from what the node gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from studio.json_values import is_list, is_object, objects

_EASY = ("ckpt_name", "vae_name", "clip_skip", "lora_name", "lora_model_strength", "lora_clip_strength")
_EASY_SIZE = ("resolution", "empty_latent_width", "empty_latent_height")
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
    "easy a1111Loader": (*_EASY, *_EASY_SIZE, "positive", "negative"),
    "easy comfyLoader": (*_EASY, *_EASY_SIZE, "positive", "negative"),
    "easy fullLoader": (
        "ckpt_name", "config_name", *_EASY[1:], *_EASY_SIZE, "positive", "normalization",
        "interpretation", "negative",
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
_SAMPLERS = (
    "euler", "heun", "dpm", "lms", "ddim", "ddpm", "uni_pc", "ipndm", "deis", "res_multistep", "lcm",
    "er_sde", "gradient_estimation", "seeds_", "sa_solver",
)  # fmt: skip
_FILES = (".safetensors", ".ckpt", ".gguf", ".sft", ".pt", ".pth")


def values(node: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed or chosen, as far as the names are known."""
    given, kind = node.get("widgets_values"), str(node.get("type"))
    if is_object(given):
        return {str(name): value for name, value in given.items()}
    if not is_list(given):
        return {}
    if kind in _KNOWN:
        return dict(aligned(_KNOWN[kind], given))
    names = field_names(node)
    named = dict(aligned(names, given))
    objects = {f"lora_{n}": value for n, value in enumerate(given) if is_object(value) and "lora" in value}
    plain = [value for value in given if value is not None and value not in _AFTER_NUMBERS]
    if objects or not names or len(plain) > len(names) + 1:
        return objects or dict(_guessed(node, given))
    return named


def field_names(node: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that can be typed into."""
    found: list[str] = []
    for slot in objects(node.get("inputs")):
        widget = slot.get("widget")
        if is_object(widget):
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
    """By what the node gives: words, or a model out of a file; and by how samplers order their numbers."""
    gives, takes = _kinds(node, "outputs"), _kinds(node, "inputs")
    texts = [value for value in given if isinstance(value, str) and value not in _AFTER_NUMBERS]
    files = [text for text in texts if text.lower().endswith(_FILES)]
    words = [text for text in texts if text not in files]
    kind = str(node.get("type")).lower()
    if (
        "MODEL" in gives
        and (files or ("load" in kind and texts))
        and ("lora" in kind or "MODEL" not in takes)
    ):
        numbers = [value for value in given if isinstance(value, int | float)]
        yield ("lora_name" if "lora" in kind else "ckpt_name"), (files or texts)[0]
        yield from [("strength_model", numbers[0])] if numbers and "lora" in kind else []
    elif "STRING" in gives or ("CONDITIONING" in gives and "CONDITIONING" not in takes):
        yield from [("text", max(words, key=len))] if words else []
    elif {"INT", "FLOAT"} & gives and given:
        yield "value", given[0]
    yield from _sampling(given)


def _kinds(node: Mapping[str, Any], side: str) -> set[str]:
    return {str(slot.get("type")) for slot in objects(node.get(side))}


def _sampling(given: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Steps and guidance stand before the sampler's name, schedule and denoise behind it."""
    for value, after in pairwise(given):
        if isinstance(value, int) and isinstance(after, str) and after in _AFTER_NUMBERS:
            yield "seed", value
    names = [at for at, value in enumerate(given) if isinstance(value, str) and value.startswith(_SAMPLERS)]
    at = names[0] if names else 0
    if at >= 2 and isinstance(given[at - 2], int) and isinstance(given[at - 1], int | float):
        yield from zip(("steps", "cfg", "sampler_name"), given[at - 2 : at + 1], strict=True)
        yield from [("scheduler", value) for value in given[at + 1 : at + 2] if isinstance(value, str)]
        denoise = given[at + 2] if at + 2 < len(given) else None
        if isinstance(denoise, int | float) and 0 <= denoise <= 1:
            yield "denoise", denoise
