"""What a network without its encoders listens to, what a text encoder is, and weights that nothing reads.

Told by names and shapes of tensors, other tools' prefixes left out. Knows the layouts of the models' makers,
of diffusers and of ComfyUI; nothing of folders and catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]

_PREFIX = re.compile(r"^(?:model\.diffusion_model\.|diffusion_model\.)")
_WIDTHS: dict[str, tuple[str, ...]] = {
    "flux1": ("txt_in.weight", "context_embedder.weight"),
    "flux2": ("txt_in.weight", "context_embedder.weight"),
    "qwen-image": ("txt_norm.weight",),
    "z-image": ("cap_embedder.0.weight",),
}
"""Tensors whose last side is as wide as the words that a network listens to."""
_POOLED = ("vector_in.in_layer.weight", "time_text_embed.text_embedder.linear_1.weight")
_GUIDED = ("guidance_in.", "time_text_embed.guidance_embedder.")
_ENTERS = ("img_in.weight", "x_embedder.weight")
_FILL = 6
"""How many times as many channels FLUX.1 Fill reads: the noise, a masked picture and its mask."""
_LAYERS_OF_WORDS = 3
"""FLUX.2 listens to so many layers of its encoder at once."""
_ZERO_TIME = "__index_timestep_zero__"
"""How ComfyUI marks editing models of Qwen that see their references at the time zero."""
_UNREADABLE: tuple[tuple[str, str], ...] = (
    (r"\.(absmax|quant_map|nested_absmax)$|\.quant_state\.", "4-bit numbers of bitsandbytes"),
    (r"\.weight_scale_2$", "4-bit numbers in NVIDIA's NVFP4"),
    (
        r"\.(wscales|wtscale|smooth_factor|lora_down_quant)$|\.qweight$",
        "4-bit numbers of Nunchaku (SVDQuant)",
    ),
    (r"\.(qzeros|g_idx|scales_and_zeros)$", "numbers of GPTQ or AWQ"),
    (r"\.(SCB|weight_format)$", "8-bit numbers of bitsandbytes"),
)
"""Names of tensors beside packed weights → what those are."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """A text encoder: its kind, and how wide its words are."""

    kind: str
    width: int


def plain(shapes: Shapes) -> Shapes:
    """The tensors by the names their makers gave."""
    return {_PREFIX.sub("", name): shape for name, shape in shapes.items()}


def width(base: str | None, shapes: Shapes) -> int | None:
    """How wide the words are that a network listens to; None where that is not known."""
    said = next((shapes[name] for name in _WIDTHS.get(base or "", ()) if name in shapes), None)
    if not said:
        return None
    return said[-1] // _LAYERS_OF_WORDS if base == "flux2" else said[-1]


def pooled(shapes: Shapes) -> int | None:
    """The same of the one summary of all words that FLUX.1 is told, too."""
    return next((shapes[name][-1] for name in _POOLED if shapes.get(name)), None)


def variant(base: str | None, shapes: Shapes) -> str | None:
    """Which of several networks of a kind it is, as far as its shapes say."""
    if base == "flux1":
        enters = next((shapes[name] for name in _ENTERS if name in shapes), ())
        leaves = next(
            (shapes[name] for name in ("final_layer.linear.weight", "proj_out.weight") if name in shapes), ()
        )
        if len(enters) == 2 and leaves and enters[1] == _FILL * leaves[0]:
            return "fill"
        return "dev" if any(name.startswith(_GUIDED) for name in shapes) else "schnell"
    if base == "qwen-image" and _ZERO_TIME in shapes:
        return "edit"
    return None


def unreadable(shapes: Shapes) -> str | None:
    """What kind of packed numbers it holds that cannot be read here; None where it can be."""
    for pattern, words in _UNREADABLE:
        sign = re.compile(pattern)
        if any(sign.search(name) for name in shapes):
            return words
    return None


def text_encoder(shapes: Shapes) -> Encoder | None:
    """Which text encoder it is; None where it is none."""
    if "encoder.block.0.layer.0.SelfAttention.q.weight" in shapes:
        words = next(
            (shapes[name] for name in ("shared.weight", "encoder.embed_tokens.weight") if name in shapes), ()
        )
        return (
            Encoder("t5", words[-1])
            if words and words[0] < 100_000
            else Encoder("other", words[-1] if words else 0)
        )
    for prefix in ("text_model.", "transformer.text_model.", ""):
        first = shapes.get(f"{prefix}encoder.layers.0.self_attn.q_proj.weight")
        if first and f"{prefix}embeddings.token_embedding.weight" in shapes:
            return Encoder("clip", first[-1])
    return _language_model(shapes)


def _language_model(shapes: Shapes) -> Encoder | None:
    sees = any(name.startswith(("visual.", "model.visual.", "vision_tower.")) for name in shapes)
    for prefix in ("model.", "model.language_model.", "language_model.model.", ""):
        words, first = shapes.get(f"{prefix}embed_tokens.weight"), f"{prefix}layers.0.self_attn."
        if not words or f"{first}q_proj.weight" not in shapes:
            continue
        if f"{prefix}layers.0.pre_feedforward_layernorm.weight" in shapes:
            return Encoder("other", words[-1])  # Gemma
        if f"{first}q_norm.weight" in shapes:
            return Encoder("qwen3-vl" if sees else "qwen3", words[-1])
        if f"{first}q_proj.bias" in shapes:
            return Encoder("qwen2.5-vl" if sees else "other", words[-1])
        return Encoder("other", words[-1])
    return None
