"""What a single .safetensors file is, told by the names and shapes in its header alone.

Reads no weights and imports no torch. Knows the layouts that diffusers and the common training tools write;
nothing of folders, catalogues or families' loaders.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines.disk import gguf_headers, lora_bases, lora_notes, split_parts
from pipelines.disk.headers import contents
from pipelines.disk.labels import BASE_BY_CONTEXT, label_of, noted_base
from pipelines.disk.lora_layers import FORM_LABEL, form_of, is_lora, layers_of

Kind = Literal[
    "checkpoint", "network", "lora", "controlnet", "ip_adapter", "vae", "image_encoder", "text_encoder",
    "foreign", "unknown",
]  # fmt: skip
"""`foreign`: of a kind that cannot be used here; `Identified.reason` says why."""
Shapes = Mapping[str, tuple[int, ...]]

_CLASS_TOKEN = "vision_model.embeddings.class_embedding"
_PROJECTION = "visual_projection.weight"
_CONTROL = ("controlnet_", "control_model.", "control_all_")
_ADAPTER = ("image_proj.", "ip_adapter.", "ip_adapter_proj_model.")
_NETWORK = "model.diffusion_model."
_FIRST = f"{_NETWORK}input_blocks.0.0.weight"
_SIGNS: tuple[tuple[str, str], ...] = (
    ("early_stream_modulations.", "flux3"),
    ("distilled_guidance_layer.", "chroma"),
    ("double_stream_blocks.", "hidream"),
    ("img_mod.linear.", "hunyuan-video"),
    ("img_attn_k_norm.", "hunyuan-video"),
    ("joint_transformer_blocks.", "auraflow"),
    ("double_layers.", "auraflow"),
    ("single_stream_modulation.", "flux2"),
    ("to_qkv_mlp_proj", "flux2"),
    ("double_blocks.0.img_attn.norm.key_norm.scale", "flux1"),
    ("joint_blocks.0.", "sd3"),
    ("txt_norm.weight", "qwen-image"),
    ("patchify_proj.", "ltx"),
    ("adaln_single.", "pixart"),
    ("t_block.1.", "pixart"),
    ("clip_txt_mapper.", "cascade"),
    ("effnet_mapper.", "cascade"),
    ("motion_modules.", "animatediff"),
    ("blocks.0.self_attn.q.weight", "wan"),
    ("llm_adapter.", "anima"),
    ("blocks.0.self_attn.q_proj.weight", "cosmos"),
    ("blocks.block1.blocks.0.", "cosmos"),
    ("byt5_in.", "hunyuan-image"),
    ("individual_token_refiner.", "hunyuan-video"),
    ("text_embedding_padding", "hunyuan-dit"),
    ("ff.conv_inverted.", "sana"),
    ("attention_y_norm.", "sana"),
    ("attn.qkv_x.", "mochi"),
    ("visual_transformer_blocks.", "kandinsky"),
    ("encoder_hid_proj.image_embeds.", "kandinsky"),
    ("ref_image_patch_embedder.", "omnigen"),
    ("size_embedder.", "cogview"),
    ("patch_embed.text_proj.", "cogvideox"),
    ("layers.0.self_attention.to_q.", "ernie"),
)
"""Part of a tensor's name → what has such tensors."""
_SINGLE_BLOCK = re.compile(r"(?:^|\.)single_transformer_blocks\.(\d+)\.")
_SINGLE_BLOCKS = {38: "flux1", 28: "bria", 27: "ovis", 20: "longcat", 40: "hunyuan-video"}
_CAPTIONS = {2560: "z-image", 2304: "lumina2"}
"""Width of the words that a model of Lumina's kind is told."""
_CONTROL_SIGNS: tuple[tuple[str, str], ...] = (
    ("early_stream_modulations.", "flux3"),
    ("txt_norm.weight", "qwen-image"),
    ("control_all_x_embedder.", "z-image"),
    ("pos_embed_input.", "sd3"),
    ("controlnet_x_embedder.weight", "flux1"),
    ("add_embedding.", "sdxl"),
)
_FOREIGN: tuple[tuple[str, str], ...] = (
    ("lora_controlnet", "It is a Control-LoRA, which diffusers does not read. Look for a ControlNet."),
    ("lllite_", "It is a ControlNet-LLLite, which diffusers does not read. Look for a ControlNet."),
    ("base_to_ctrl", "It is a ControlNet-XS, which the studio does not use. Look for a ControlNet."),
    ("ctrl_to_base", "It is a ControlNet-XS, which the studio does not use. Look for a ControlNet."),
    ("adapter.body.", "It is a T2I-Adapter, which the studio does not use. Look for a ControlNet."),
    ("redux_up.", "It is FLUX.1 Redux, which the studio does not use. Look for an IP-Adapter."),
)
"""A part of a tensor's name → what such a file is, and what to do."""
_INVERSION = "It is a textual inversion, which the studio does not use. Write its words instead."
_SPARSE = "It is a SparseCtrl for animations, which the studio does not use. Look for a ControlNet."
_FACES = (
    "It is an IP-Adapter for faces (FaceID or InstantID), which needs a face recogniser that the studio does "
    "not have. Look for a plain IP-Adapter."
)
_FACE_WIDTH = 512
"""Numbers by which face recognisers describe a face; no CLIP gives so few."""
_ENCODED = frozenset({"emb_params", "clip_l", "clip_g"})
"""The tensors of a textual inversion."""
_STRANGE_ADAPTER = (
    "It is an IP-Adapter of a layout that the studio does not use. Look for one for its models."
)
_STRANGE_VAE = "It is a VAE of a kind that no model of the studio has. Leave it out: models bring their own."
_STRANGE_GGUF = (
    "It is a .gguf of something else than the network of a model that the studio knows. Text encoders are "
    "read as .safetensors."
)
_STRANGE_VAES = ("quantize.", "spatial_norm.", "condition_encoder.")
"""Parts of the names in autoencoders of other kinds with the first layer of Stable Diffusion's."""
_UP = re.compile(r"decoder\.up(?:_blocks)?\.(\d+)\.")
_UPS = 4
"""Stages of the decoders of all models here; those of upscalers have fewer."""
_BESIDE_A_VAE = (_NETWORK, "net.", "cond_stage_model.", "conditioner.", "text_encoders.")
_VAE_BASE = {4: "sd", 16: "flux1", 32: "flux2"}
"""By the channels of its latents; those of Stable Diffusion 1.x and XL look alike."""
_FILM_VAE = {48: "wan", 12: "mochi", 128: "ltx"}
"""Autoencoders of films, by the channels of their latents; any other is Qwen-Image's, from Wan 2.1."""
_PATCHES = {1024: "CLIP ViT-L", 1280: "CLIP ViT-H", 1664: "CLIP ViT-bigG"}
_SUMMARY = {768: "CLIP ViT-L", 1024: "CLIP ViT-H", 1280: "CLIP ViT-bigG"}
_LISTENS = re.compile(r"attn2[._]to_[kv][._].*weight$")
_LOKR = frozenset({"flux2", "z-image"})
"""Models whose LoKr diffusers reads."""


@dataclass(frozen=True, slots=True)
class EncoderWidths:
    """An image encoder, by the widths of what it tells of a picture; None: not known, or not read."""

    patches: int | None = None
    summary: int | None = None

    def serves(self, adapter: EncoderWidths) -> bool:
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

    `encoder_widths`: what an image encoder tells, or an IP-Adapter reads of one. `bases`: all models it fits,
    where it fits more than one. `reason`: why it cannot be used, and what to do. `has`: what a checkpoint
    brings beside its network.
    """

    kind: Kind
    base: str | None = None
    channels: int | None = None
    triggers: tuple[str, ...] = ()
    weight: float = 1.0
    encoder_widths: EncoderWidths | None = None
    bases: tuple[str, ...] = ()
    reason: str | None = None
    has: frozenset[str] = frozenset()
    width: int | None = None
    """Of the words that a text encoder gives, or that a network listens to."""
    pooled: int | None = None
    """Of the summary of all words that a network is told, too."""
    variant: str | None = None
    """Which of several networks of its base."""
    bits: int = 16
    """Of most of its numbers."""

    @property
    def base_label(self) -> str:
        """For sentences."""
        if len(self.bases) > 1:
            return " or ".join(map(label_of, self.bases))
        return label_of(self.base)


def identify(path: Path) -> Identified:
    """Read the header. Raises ValueError where it is no safetensors file, and OSError."""
    if path.suffix.lower() == gguf_headers.ENDING:
        return _gguf(path)
    tensors, notes = contents(path)
    shapes = {name: tuple(tensor["shape"]) for name, tensor in tensors.items()}
    names = "\n".join(shapes)  # quicker than name by name, of which there are thousands
    if reason := next((why for sign, why in _FOREIGN if sign in names), None):
        return Identified("foreign", reason=reason)
    if shapes and shapes.keys() <= _ENCODED:
        return Identified("foreign", reason=_INVERSION)
    if _is_adapter(shapes):
        return _adapter(shapes)
    if is_lora(shapes):
        return _lora(path, shapes, notes)
    if _CLASS_TOKEN in shapes and _PROJECTION in shapes:
        return Identified("image_encoder", encoder_widths=_encoder_widths(shapes))
    if any(name.startswith(_CONTROL) for name in shapes):
        return _control(shapes, notes)
    if _FIRST in shapes:
        has = _parts(shapes)
        kind: Kind = "checkpoint" if has >= {"vae", "text encoder"} else "network"
        return Identified(kind, _unet_base(shapes), _side(shapes[_FIRST], 1), has=has)
    bits = _bits(tensors)
    if base := _network_base(shapes, notes):
        return _network(base, shapes, bits)
    if (vae := _vae(shapes, notes)) is not None:
        return vae
    if encoder := split_parts.text_encoder(shapes):
        return Identified(
            "text_encoder", encoder.kind, width=encoder.width, bits=bits, reason=_packed(shapes)
        )
    return Identified("unknown")


def _gguf(path: Path) -> Identified:
    """A network in llama.cpp's format. Raises ValueError, also where the package that reads it is missing."""
    shapes = gguf_headers.shapes(path)
    base = _network_base(shapes, {})
    if base is None:
        return Identified("foreign", reason=_STRANGE_GGUF)
    return _network(base, shapes, 4)


def _network(base: str, shapes: Shapes, bits: int) -> Identified:
    own = split_parts.plain(shapes)
    return Identified(
        "network",
        base,
        reason=_packed(shapes),
        has=_parts(shapes),
        width=split_parts.width(base, own),
        pooled=split_parts.pooled(own),
        variant=split_parts.variant(base, own),
        bits=bits,
    )


def _packed(shapes: Shapes) -> str | None:
    """Why weights cannot be read that are packed in a way of their own."""
    packed = split_parts.unreadable(shapes)
    return (
        packed
        and f"It holds {packed}, which only other programs read. Look for it in bf16, fp16, fp8 or .gguf."
    )


def _bits(tensors: Mapping[str, Mapping[str, Any]]) -> int:
    """Of the numbers in most of its large tensors."""
    kinds = Counter(tensor["dtype"] for tensor in tensors.values() if len(tensor["shape"]) > 1)
    most = kinds.most_common(1)[0][0] if kinds else "BF16"
    return 8 if "8" in most else 32 if "32" in most else 16


def _lora(path: Path, shapes: Shapes, notes: Mapping[str, str]) -> Identified:
    """What its maker noted, first and exactly; else what its layers fit."""
    aside = lora_notes.beside(path)
    noted = noted_base(notes)
    fitting = (noted,) if noted else lora_bases.bases(layers_of(shapes))
    base = fitting[0] if len(fitting) == 1 else None
    form = form_of(shapes)
    if form != "lora" and not (form == "lokr" and base in _LOKR):
        reason = (
            f"It is a {FORM_LABEL[form]}, a relative of LoRAs that diffusers does not read"
            + (f" for {label_of(base)}" if form == "lokr" and base else "")
            + ". Look for the same as a plain LoRA."
        )
        return Identified("foreign", base, reason=reason)
    several = fitting if len(fitting) > 1 else ()
    return Identified(
        "lora", base, None, lora_notes.triggers(notes, aside), lora_notes.weight(aside), bases=several
    )


def _adapter(shapes: Shapes) -> Identified:
    widths, base = _adapter_widths(shapes), _adapter_base(shapes)
    if any("_lora." in name for name in shapes) or (widths is not None and _FACE_WIDTH in widths.widths):
        return Identified("foreign", base, reason=_FACES)
    if base is None and any(name.endswith("to_k_ip.weight") for name in shapes):
        return Identified("foreign", reason=_STRANGE_ADAPTER)
    return Identified("ip_adapter", base, encoder_widths=widths)


def _control(shapes: Shapes, notes: Mapping[str, str]) -> Identified:
    if any("motion_modules." in name for name in shapes) or "controlnet_cond_embedding.weight" in shapes:
        return Identified("foreign", "animatediff", reason=_SPARSE)
    base = _control_base(shapes) or noted_base(notes)
    if any(name.startswith(("double_blocks.", "input_hint_block.")) for name in shapes):
        reason = (
            f"It is a ControlNet for {label_of(base)} in a layout that diffusers does not read. "
            "Look for one in the diffusers layout."
        )
        return Identified("foreign", base, reason=reason)
    return Identified("controlnet", base)


def _parts(shapes: Shapes) -> frozenset[str]:
    """What a file of a whole model brings beside its network."""
    beginnings = {
        "vae": ("first_stage_model.", "vae."),
        "text encoder": ("cond_stage_model.", "conditioner.", "text_encoders."),
    }
    return frozenset(
        part for part, begins in beginnings.items() if any(name.startswith(begins) for name in shapes)
    )


def _network_base(shapes: Shapes, notes: Mapping[str, str]) -> str | None:
    """Which model's network it is, of those that are told by a layer's name."""
    captions = next((shape for name, shape in shapes.items() if name.endswith("cap_embedder.0.weight")), None)
    if captions is not None:
        return _CAPTIONS.get(captions[0]) or noted_base(notes)
    if base := _by_signs(shapes, _SIGNS):
        return base
    blocks = {int(match[1]) for name in shapes if (match := _SINGLE_BLOCK.search(name))}
    if not blocks:
        return None
    return noted_base(notes) or _SINGLE_BLOCKS.get(max(blocks) + 1, "flux1")


def _vae(shapes: Shapes, notes: Mapping[str, str]) -> Identified | None:
    """An autoencoder, one the studio has a use for or not; None where it is none."""
    ends = ("decoder.conv_in.weight", "decoder.conv1.weight")  # the second of Wan's and Qwen-Image's makers
    first = next((shape for name, shape in shapes.items() if name.endswith(ends)), None)
    if not first or any(name.startswith(_BESIDE_A_VAE) for name in shapes):
        return None
    moves = any("time_conv_out" in name or "time_stack" in name for name in shapes)
    base = "svd" if moves else noted_base(notes) or _vae_base(first)
    ups = {int(match[1]) for name in shapes if (match := _UP.search(name))}
    few = ups != set() and len(first) == 4 and max(ups) + 1 == _UPS - 1
    strange = any(sign in name for name in shapes for sign in _STRANGE_VAES)
    if base != "svd" and (base is None or strange or few):
        return Identified("foreign", reason=_STRANGE_VAE)
    return Identified("vae", base)


def _vae_base(first: tuple[int, ...]) -> str | None:
    """By the first layer of its decoder (width, channels, and the sides of its kernel)."""
    if len(first) == 5:
        return _FILM_VAE.get(first[1], "qwen-image")
    if len(first) != 4:
        return None
    return "sana" if first[:2] == (1024, 32) else _VAE_BASE.get(first[1])


def _by_signs(shapes: Shapes, signs: tuple[tuple[str, str], ...]) -> str | None:
    return next((base for sign, base in signs if any(sign in name for name in shapes)), None)


def _unet_base(shapes: Shapes) -> str | None:
    widths = (shape[1] for name, shape in shapes.items() if _LISTENS.search(name) and len(shape) == 2)
    return next((BASE_BY_CONTEXT[width] for width in widths if width in BASE_BY_CONTEXT), None)


def _control_base(shapes: Shapes) -> str | None:
    if "encoder_hid_proj.weight" in shapes:
        return "kolors"
    return _unet_base(shapes) or _by_signs(shapes, _SIGNS) or _by_signs(shapes, _CONTROL_SIGNS)


def _is_adapter(shapes: Shapes) -> bool:
    return any(name.startswith(_ADAPTER) for name in shapes) and all(
        name.startswith((*_ADAPTER, "double_blocks.")) for name in shapes
    )


def _adapter_base(shapes: Shapes) -> str | None:
    """By its layout, or by the width of the words beside which the adapter speaks."""
    if any(name.startswith("ip_adapter_proj_model.") for name in shapes):
        return "flux1"
    widths = [_side(shape, 1) for name, shape in shapes.items() if name.endswith("to_k_ip.weight")]
    return BASE_BY_CONTEXT.get(widths[0] or 0) if widths else None


def _adapter_widths(shapes: Shapes) -> EncoderWidths | None:
    """What it reads of an image encoder: all patches of a picture ("plus"), or one summary of it."""
    for project in ("image_proj", "ip_adapter_proj_model"):
        for name in ("proj_in", "proj.0"):  # the second of "full face", and of adapters for faces
            if whole := shapes.get(f"{project}.{name}.weight"):
                return EncoderWidths(patches=_side(whole, 1))
        if summary := shapes.get(f"{project}.proj.weight"):
            return EncoderWidths(summary=_side(summary, 1))
    return None


def _encoder_widths(shapes: Shapes) -> EncoderWidths:
    return EncoderWidths(patches=_side(shapes[_CLASS_TOKEN], -1), summary=_side(shapes[_PROJECTION], 0))


def _side(shape: tuple[int, ...], axis: int) -> int | None:
    """The length of an axis; None where the tensor has no such axis."""
    return shape[axis] if -len(shape) <= axis < len(shape) else None
