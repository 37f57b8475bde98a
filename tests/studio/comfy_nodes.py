"""How executed graphs of ComfyUI are written down in the tests.

A node is `kind(name, inputs…)`; a link is an `@` with the node's id, and `#` with the output if it is not 0.
"""

from __future__ import annotations

from typing import Any

PROMPT, NEGATIVE = "a lighthouse in fog, oil painting", "blurry, text"
Graph = dict[str, dict[str, Any]]
Expected = dict[str, Any]
FULL: Expected = {
    "prompt": PROMPT,
    "negative_prompt": NEGATIVE,
    "seed": 77,
    "steps": 22,
    "guidance": 6.5,
    "model": "base.safetensors",
    "loras": [],
    "width": 832,
    "height": 1216,
}
INK, OIL = ("ink.safetensors", 0.8), ("oil.safetensors", 0.5)


def kind(name: str, **inputs: Any) -> dict[str, Any]:
    """A node; `_` behind an input's name stands for nothing, so that words of Python can be names."""
    return {"class_type": name, "inputs": {key.rstrip("_"): _plain(value) for key, value in inputs.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("@"):
        key, _, output = value[1:].partition("#")
        return [key, int(output or 0)]
    return value


def texts(inputs: dict[str, Any], name: str) -> dict[str, Any]:
    """A node whose inputs have names that Python does not allow."""
    return {"class_type": name, "inputs": {key: _plain(value) for key, value in inputs.items()}}


def sampler(name: str = "KSampler", **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "seed": 77, "steps": 22, "cfg": 6.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        "model": "@1", "positive": "@2", "negative": "@3", "latent_image": "@4",
    }  # fmt: skip
    return kind(name, **{**given, **changes})


def advanced(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "add_noise": "enable", "noise_seed": 77, "steps": 22, "cfg": 6.5, "sampler_name": "euler",
        "scheduler": "normal", "start_at_step": 0, "end_at_step": 16,
            "return_with_leftover_noise": "enable",
        "model": "@1", "positive": "@2", "negative": "@3", "latent_image": "@4",
    }  # fmt: skip
    return kind("KSamplerAdvanced", **{**given, **changes})


def encode(text: Any, clip: str = "@1#1") -> dict[str, Any]:
    return kind("CLIPTextEncode", text=text, clip=clip)


def base(**nodes: Any) -> Graph:
    """A plain graph; `n5=…` puts another node in the place of 5, None takes it out."""
    graph: Graph = {
        "1": kind("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        "2": encode(PROMPT),
        "3": encode(NEGATIVE),
        "4": kind("EmptyLatentImage", width=832, height=1216, batch_size=1),
        "5": sampler(),
        "6": kind("VAEDecode", samples="@5", vae="@1#2"),
        "7": kind("SaveImage", images="@6", filename_prefix="x"),
    }
    for name, node in nodes.items():
        key = name.removeprefix("n")
        graph.pop(key) if node is None else graph.update({key: node})
    return graph


def custom(guider: dict[str, Any], **nodes: Any) -> Graph:
    """A graph whose sampler is put together of nodes."""
    parts: Graph = {
        "n1": kind("UNETLoader", unet_name="base.safetensors", weight_dtype="default"),
        "n5": kind(
            "SamplerCustomAdvanced", noise="@20", guider="@21", sampler="@22", sigmas="@23", latent_image="@4"
        ),
        "n20": kind("RandomNoise", noise_seed=77),
        "n21": guider,
        "n22": kind("KSamplerSelect", sampler_name="euler"),
        "n23": kind("BasicScheduler", model="@1", scheduler="simple", steps=22, denoise=1.0),
    }
    return base(**{**parts, **nodes})


CFG = kind("CFGGuider", model="@1", positive="@2", negative="@3", cfg=6.5)
BASIC = kind("BasicGuider", model="@1", conditioning="@8")
FLUX = kind("FluxGuidance", conditioning="@2", guidance=6.5)
BARE: Expected = {**FULL, "negative_prompt": ""}


def lora(name: tuple[str, float], model: str = "@1", **more: Any) -> dict[str, Any]:
    return kind(
        "LoraLoader",
        lora_name=name[0],
        strength_model=name[1],
        strength_clip=1.0,
        model=model,
        clip="@1#1",
        **more,
    )


def inked(*loras: tuple[str, float]) -> Expected:
    return {**FULL, "loras": list(loras)}
