"""ComfyUI's drawn graph as an executed one: links by name, and the values of the nodes known here.

The drawn graph keeps a node's values as a bare list; only who knows the node knows their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_VALUES: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": ("", "noise_seed", "", "cfg"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "Flux2Scheduler": ("steps", "width", "height"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "TextEncodeQwenImageEdit": ("prompt",),
    "TextEncodeQwenImageEditPlus": ("prompt",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "UnetLoaderGGUF": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "EmptyFlux2LatentImage": ("width", "height", "batch_size"),
    "PrimitiveNode": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveFloat": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
}


def as_prompt(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """The graph by node ids, as ComfyUI would execute it, as far as it can be known."""
    nodes, links = drawn.get("nodes"), drawn.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list):
        return {}
    sources = {
        link[0]: [link[1], link[2]]
        for link in links
        if isinstance(link, list) and len(link) >= 3 and all(isinstance(part, str | int) for part in link[:3])
    }
    return {
        str(node["id"]): {"class_type": node["type"], "inputs": _inputs(node, sources)}
        for node in nodes
        if isinstance(node, dict) and isinstance(node.get("type"), str) and "id" in node
    }


def _inputs(node: Mapping[str, Any], sources: Mapping[Any, list[Any]]) -> dict[str, Any]:
    values = node.get("widgets_values")
    named: dict[str, Any] = {}
    if isinstance(values, dict):
        named.update(values)
    elif isinstance(values, list):
        names = _VALUES.get(str(node["type"]), ())
        named.update({name: value for name, value in zip(names, values, strict=False) if name})
    slots = node.get("inputs")
    for slot in slots if isinstance(slots, list) else ():
        link = slot.get("link") if isinstance(slot, dict) else None
        if isinstance(link, str | int) and link in sources:
            named[str(slot.get("name"))] = sources[link]
    return named
