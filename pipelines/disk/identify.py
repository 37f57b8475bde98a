"""What a single .safetensors file is, told by the names and shapes in its header alone.

Reads no weights and imports no torch. Knows the layouts that diffusers and the common training tools write;
nothing of folders, catalogues or families' loaders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines.disk.headers import contents
from pipelines.disk.json_files import parse, read_object

Kind = Literal[
    "checkpoint", "network", "lora", "controlnet", "ip_adapter", "vae", "image_encoder", "foreign", "unknown"
]
"""`foreign`: a ControlNet in a layout that diffusers does not read."""
Shapes = Mapping[str, tuple[int, ...]]

BASE_LABEL: dict[str, str] = {
    "sd": "Stable Diffusion 1.x or XL",
    "sd1": "Stable Diffusion 1.x",
    "sd2": "Stable Diffusion 2.x",
    "sdxl": "SDXL",
    "sdxl-refiner": "SDXL Refiner",
    "sd3": "Stable Diffusion 3",
    "flux1": "FLUX.1",
    "flux2": "FLUX.2",
    "qwen-image": "Qwen-Image",
    "z-image": "Z-Image",
}
"""What a file was made for, as artists know it."""

_CLASS_TOKEN = "vision_model.embeddings.class_embedding"
_PROJECTION = "visual_projection.weight"
_CONTROL = ("controlnet_", "control_model.", "control_all_")
_ADAPTER = ("image_proj.", "ip_adapter.", "ip_adapter_proj_model.")
_NETWORK = "model.diffusion_model."
_FIRST = f"{_NETWORK}input_blocks.0.0.weight"
_SIGNS: tuple[tuple[str, str], ...] = (
    ("single_stream_modulation.", "flux2"),
    ("to_qkv_mlp_proj", "flux2"),
    ("double_blocks.0.img_attn.norm.key_norm.scale", "flux1"),
    ("single_transformer_blocks.0.attn.norm_k.weight", "flux1"),
    ("joint_blocks.0.", "sd3"),
    ("txt_norm.weight", "qwen-image"),
    ("cap_embedder.0.weight", "z-image"),
)
"""Part of a tensor's name → what has such tensors."""
_LORA = re.compile(
    r"\.(lora_down|lora_up|lora_A|lora_B|lora\.down|lora\.up|hada_w1_a|lokr_w1)(\.|$)|_lora\d\.(down|up)\."
)
_LORA_SIGNS: tuple[tuple[str, str], ...] = (
    ("to_qkv_mlp_proj", "flux2"),
    ("single_transformer_blocks", "flux1"),
    ("double_blocks", "flux1"),
    ("lora_te2_", "sdxl"),
    ("img_mod", "qwen-image"),
    ("add_q_proj", "qwen-image"),
    ("attention.to_q", "z-image"),
    ("attention_to_q", "z-image"),
)
_METADATA_SIGNS: tuple[tuple[str, str], ...] = (
    ("flux-2", "flux2"),
    ("flux2", "flux2"),
    ("flux", "flux1"),
    ("xl", "sdxl"),
    ("qwen", "qwen-image"),
    ("z-image", "z-image"),
    ("zimage", "z-image"),
    ("stable-diffusion-v1", "sd1"),
    ("sd_v1", "sd1"),
    ("sd_1", "sd1"),
    ("stable-diffusion-v2", "sd2"),
    ("sd_v2", "sd2"),
)
_CONTROL_SIGNS: tuple[tuple[str, str], ...] = (
    ("txt_norm.weight", "qwen-image"),
    ("control_all_x_embedder.", "z-image"),
    ("pos_embed_input.", "sd3"),
    ("controlnet_x_embedder.weight", "flux1"),
)
_VAE_BASE = {4: "sd", 16: "flux1", 32: "flux2"}
"""By the channels of its latents; those of Stable Diffusion 1.x and XL look alike."""
_PATCHES = {1024: "CLIP ViT-L", 1280: "CLIP ViT-H", 1664: "CLIP ViT-bigG"}
_SUMMARY = {768: "CLIP ViT-L", 1024: "CLIP ViT-H", 1280: "CLIP ViT-bigG"}
_CONTEXT = {768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
"""Width of the words a UNet listens to."""
_LISTENS = re.compile(r"attn2[._]to_[kv][._].*weight$")
_MOST_TRIGGERS = 5


@dataclass(frozen=True, slots=True)
class Sight:
    """An image encoder, by the widths of what it tells of a picture; None: not known, or not read."""

    patches: int | None = None
    summary: int | None = None

    def serves(self, adapter: Sight) -> bool:
        """Whether an IP-Adapter that reads `adapter` can read what this encoder tells."""
        pairs = zip(adapter.widths, self.widths, strict=True)
        return all(wanted is None or own in (None, wanted) for wanted, own in pairs)

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """Of the patches, and of the summary of a picture."""
        return self.patches, self.summary

    @property
    def label(self) -> str:
        """For sentences: "CLIP ViT-H"."""
        known = _PATCHES.get(self.patches or 0) or _SUMMARY.get(self.summary or 0)
        return known or f"of width {self.patches or self.summary}"


@dataclass(frozen=True, slots=True)
class Identified:
    """A file's kind and what it was made for; `channels`: what a UNet's first layer reads.

    `sight`: what an image encoder tells, or an IP-Adapter reads of one.
    """

    kind: Kind
    base: str | None = None
    channels: int | None = None
    triggers: tuple[str, ...] = ()
    weight: float = 1.0
    sight: Sight | None = None

    @property
    def base_label(self) -> str:
        """For sentences."""
        return BASE_LABEL.get(self.base or "", "an unknown model")


def identify(path: Path) -> Identified:
    """Read the header. Raises ValueError where it is no safetensors file, and OSError."""
    tensors, words = contents(path)
    shapes = {name: tuple(tensor["shape"]) for name, tensor in tensors.items()}
    if any(_LORA.search(name) for name in shapes):
        aside = _sidecar(path)
        base = _lora_base(shapes, words)
        return Identified("lora", base, None, _triggers(words, aside), _advised(aside))
    if _is_adapter(shapes):
        return Identified("ip_adapter", _adapter_base(shapes), sight=_adapter_sight(shapes))
    if _CLASS_TOKEN in shapes and _PROJECTION in shapes:
        return Identified("image_encoder", sight=_encoder_sight(shapes))
    if any(name.startswith(_CONTROL) for name in shapes):
        foreign = any(name.startswith(("double_blocks.", "input_hint_block.")) for name in shapes)
        return Identified("foreign" if foreign else "controlnet", _control_base(shapes))
    if _FIRST in shapes:
        whole = any(name.startswith("first_stage_model.") for name in shapes) and any(
            name.startswith(("cond_stage_model.", "conditioner.")) for name in shapes
        )
        kind: Kind = "checkpoint" if whole else "network"
        return Identified(kind, _unet_base(shapes), _side(shapes[_FIRST], 1))
    if base := _by_signs(shapes, _SIGNS):
        return Identified("network", base)
    if any(name.endswith("decoder.conv_in.weight") for name in shapes):
        return Identified("vae", _metadata_base(words) or _vae_base(shapes))
    return Identified("unknown")


def _by_signs(shapes: Shapes, signs: tuple[tuple[str, str], ...]) -> str | None:
    return next((base for sign, base in signs if any(sign in name for name in shapes)), None)


def _unet_base(shapes: Shapes) -> str | None:
    widths = (shape[1] for name, shape in shapes.items() if _LISTENS.search(name) and len(shape) == 2)
    return next((_CONTEXT[width] for width in widths if width in _CONTEXT), None)


def _control_base(shapes: Shapes) -> str | None:
    return _unet_base(shapes) or _by_signs(shapes, _SIGNS) or _by_signs(shapes, _CONTROL_SIGNS)


def _vae_base(shapes: Shapes) -> str | None:
    """By its latents; an autoencoder that knows films is Qwen-Image's."""
    shape = next(shape for name, shape in shapes.items() if name.endswith("decoder.conv_in.weight"))
    return "qwen-image" if len(shape) == 5 else _VAE_BASE.get(_side(shape, 1) or 0)


def _is_adapter(shapes: Shapes) -> bool:
    return any(name.startswith(_ADAPTER) for name in shapes) and all(
        name.startswith((*_ADAPTER, "double_blocks.")) for name in shapes
    )


def _adapter_base(shapes: Shapes) -> str | None:
    """By its layout, or by the width of the words beside which the adapter speaks."""
    if any(name.startswith("ip_adapter_proj_model.") for name in shapes):
        return "flux1"
    widths = [_side(shape, 1) for name, shape in shapes.items() if name.endswith("to_k_ip.weight")]
    return _CONTEXT.get(widths[0] or 0) if widths else None


def _adapter_sight(shapes: Shapes) -> Sight | None:
    """What it reads of an image encoder: all patches of a picture ("plus"), or one summary of it."""
    for project in ("image_proj", "ip_adapter_proj_model"):
        if whole := shapes.get(f"{project}.proj_in.weight"):
            return Sight(patches=_side(whole, 1))
        if summary := shapes.get(f"{project}.proj.weight"):
            return Sight(summary=_side(summary, 1))
    return None


def _encoder_sight(shapes: Shapes) -> Sight:
    return Sight(patches=_side(shapes[_CLASS_TOKEN], -1), summary=_side(shapes[_PROJECTION], 0))


def _side(shape: tuple[int, ...], axis: int) -> int | None:
    """The length of an axis; None where the tensor has no such axis."""
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def _metadata_base(words: Mapping[str, str]) -> str | None:
    said = " ".join(
        str(words.get(key, "")).lower()
        for key in ("modelspec.architecture", "ss_base_model_version", "ss_sd_model_name")
    )
    return next((base for sign, base in _METADATA_SIGNS if sign in said), None)


def _lora_base(shapes: Shapes, words: Mapping[str, str]) -> str | None:
    """The words of its maker first: small networks of different models look alike."""
    downs = {
        name: shape
        for name, shape in shapes.items()
        if "lora_down" in name or "lora_A" in name or ".lora.down" in name
    }
    return _metadata_base(words) or _by_signs(shapes, _LORA_SIGNS) or _unet_base(downs)


def _sidecar(path: Path) -> Mapping[str, Any]:
    """The notes that other tools keep beside a LoRA: `name.json`."""
    try:
        return read_object(path.with_suffix(".json"))
    except (OSError, ValueError):
        return {}


def _advised(aside: Mapping[str, Any]) -> float:
    given = aside.get("preferred weight")
    return float(given) if isinstance(given, int | float) and 0 < given <= 2 else 1.0


def _triggers(words: Mapping[str, str], aside: Mapping[str, Any]) -> tuple[str, ...]:
    """Words that call a LoRA up: as its maker says, else what every picture it learned from was tagged."""
    said = aside.get("activation text") or words.get("modelspec.trigger_phrase") or words.get("trigger_words")
    if isinstance(said, str) and said.strip():
        return tuple(word.strip() for word in said.split(",") if word.strip())[:_MOST_TRIGGERS]
    try:
        folders = parse(words.get("ss_tag_frequency", "{}"), "ss_tag_frequency").values()
        tags = [(count, tag.strip()) for folder in folders for tag, count in folder.items() if tag.strip()]
    except (ValueError, AttributeError):
        return ()
    counts = [(count, tag) for count, tag in tags if isinstance(count, int)]
    most = max((count for count, _ in counts), default=0)
    return tuple(tag for count, tag in counts if count == most)[:_MOST_TRIGGERS]
