"""What a folder of models is for, by the names that other tools give to them: ComfyUI, AUTOMATIC1111, Forge,
InvokeAI, SwarmUI and Fooocus. Names only; nothing is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Meaning = Literal[
    "checkpoints", "networks", "text_encoders", "vaes", "loras", "controlnets", "ip_adapters",
    "image_encoders", "enlargers", "embeddings", "diffusers", "nothing",
]  # fmt: skip
"""`networks`: a diffusion model without text encoder and VAE. `nothing`: the studio has no use for it."""

_NAMES: dict[Meaning, str] = {
    "checkpoints": "checkpoints stablediffusion main",
    "networks": "diffusionmodels unet",
    "text_encoders": "textencoders textencoder clip clipembed t5encoder qwen3encoder",
    "vaes": "vae vaes",
    "loras": "loras lora lycoris",
    "controlnets": "controlnet controlnets t2iadapter t2iadapters modelpatches",
    "ip_adapters": "ipadapter ipadapters ipadapters15 ipadaptersxl",
    "image_encoders": "clipvision siglip invokeclipvision invokeipadapters15",
    "enlargers": (
        "upscalemodels upscalers esrgan realesrgan swinir dat bsrgan scunet hat spandrelimagetoimage"
    ),
    "embeddings": "embeddings embedding textualinversion",
    "diffusers": "diffusers",
    "nothing": (
        "configs vaeapprox approxvae hypernetworks hypernetwork photomaker gligen customnodes insightface "
        "ultralytics yolov8 sams sam adetailer facerestoremodels facedetection codeformer gfpgan "
        "deepbooru deepdanbooru torchdeepdanbooru karlo blip ldsr rembg controlnetpreprocessor classifiers "
        "audioencoders latentupscalemodels promptexpansion safetychecker inpaint llm tensorrt wildcards "
        "animatediffmodels animatediffmotionlora venv nodemodules sitepackages pycache llavaonevision"
    ),
}
_MEANINGS: dict[str, Meaning] = {name: what for what, names in _NAMES.items() for name in names.split()}
_DEPTH = 4
"""A name says what a folder is for so far below the top; further down it is an artist's own word."""


def of_name(name: str) -> Meaning | None:
    """What a folder of this name is for, in whatever way it is written; None where it says nothing."""
    return _MEANINGS.get(re.sub(r"[\W_]+", "", name).lower())


def of_path(parts: Iterable[str]) -> Meaning | None:
    """The same of the folders on the way to a file: the first of them that says something."""
    return next((found for name in list(parts)[:_DEPTH] if (found := of_name(name))), None)
