"""Which model a LoRA was made for, told by the layers it changes: their names, widths and number.

Several models share names and widths; where what is there fits more than one, all of them are given. Sources
of the numbers: the classes of diffusers and their defaults, and the releases' own configurations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pipelines.disk.labels import BASE_BY_CONTEXT
from pipelines.disk.lora_layers import Layer

Layers = Mapping[str, Layer]

_FOREIGN: tuple[tuple[str, str], ...] = (
    (r"motion_modules|temporal_transformer_blocks_\d+_attn|time_stack", "animatediff"),
    (r"kv_mapper|clip_txt_mapper|clip_txt_pooled_mapper|effnet_mapper", "cascade"),
    (r"joint_transformer_blocks_|double_layers_\d|single_layers_\d", "auraflow"),
    (r"joint_blocks_", "sd3"),
    (r"double_stream_blocks_|single_stream_blocks_", "hidream"),
    (r"distilled_guidance_layer", "chroma"),
    (r"double_blocks_\d+_attn_to_qkv|double_blocks_\d+_attn_to_", "joyimage"),
    (
        r"(double|single)_blocks_\d+_.*(mod_linear|modulation_linear|img_mlp_fc\d|txt_mlp_fc\d)",
        "hunyuan-video",
    ),
    (r"visual_transformer_blocks_|text_transformer_blocks_", "kandinsky"),
    (r"^(net_)?blocks_\d+_(cross_attn|self_attn)_(q|k|v|output)_proj", "cosmos"),
    (r"^(net_)?blocks_\d+_(cross_attn|self_attn)_[qkvo]$|^blocks_\d+_ffn_(0|2|net)", "wan"),
    (r"^blocks_\d+_attn[12]_to_", "wan"),
    (r"transformer_blocks_\d+_attn1_add_[qkv]_proj", "mochi"),
    (r"^layers_\d+_self_attn_qkv_proj", "omnigen"),
    (r"^layers_\d+_self_attention_", "ernie"),
    (r"adaln_single|caption_projection", "pixart"),
)
"""A part of a layer's name that only one model has, none of which the studio runs."""

_UNET = re.compile(r"^(down_blocks|up_blocks|mid_block|input_blocks|output_blocks|middle_block)_")
_WORDS = re.compile(r"attn2_to_[kv]$")
_DEEP = re.compile(r"transformer_blocks_[1-9]\d*_")
_TEXT = re.compile(r"(^|_)(text_model|text_encoder|te\d?)_")

_DOUBLE = re.compile(r"^(?:transformer_blocks|double_blocks)_(\d+)_")
_SINGLE = re.compile(r"^(?:single_transformer_blocks|single_blocks)_(\d+)_")
_QWEN_ONLY = re.compile(r"transformer_blocks_\d+_(img_mlp|txt_mlp|img_mod|txt_mod)")
_FLUX2_ONLY = re.compile(
    r"to_qkv_mlp_proj|_ff(_context)?_linear_(in|out)|double_stream_modulation|single_stream_modulation"
)
_READS = re.compile(r"(to_[qkv]|_qkv|add_[qkv]_proj|linear1|qkv_lora\d?)$")
_GIVES = re.compile(r"(to_out_0|attn_proj|to_add_out|linear2|proj_out)$")
"""Layers as wide as the stream of pictures, on the side where they read or give."""
_MODULATION = re.compile(r"_mod_lin$|modulation_lin$|norm1(_context)?_linear$|_norm_linear$")
_FLUX3 = re.compile(
    r"^((content_|txt_)?mode_blocks_|early_stream_modulations_|single_stream_modulations_)"
    r"|^single_blocks_\d+_([qkv]_proj|attn_out|mlp_in|mlp_out)$|^single_transformer_blocks_\d+_ff_linear_"
)
"""Layers of FLUX.3 that no other model has; FLUX.2 has one layer for the whole of a single block."""
_DEPTHS: dict[tuple[int, int], str] = {
    (19, 38): "flux1",
    (8, 28): "bria",
    (10, 20): "longcat",
    (6, 27): "ovis",
    (20, 40): "hunyuan-video",
    (5, 20): "flux2",
    (8, 24): "flux2",
    (8, 48): "flux2",
    (60, 0): "qwen-image",
}
"""Number of double and of single blocks → the only model that has so many."""
_DOUBLE_BLOCKS = {double: base for (double, _), base in _DEPTHS.items() if double != 8} | {8: "bria"}


def bases(layers: Layers) -> tuple[str, ...]:
    """All models the layers fit, the likeliest first; none where nothing is known of them."""
    lines = "\n".join(layers)
    for sign, base in _FOREIGN:
        if re.search(sign, lines, re.MULTILINE):
            return (base,)
    if any("_processor_qkv_lora" in name or "_processor_proj_lora" in name for name in layers):
        return ("flux1",)  # XLabs' own layout
    if any(_FLUX3.match(name) for name in layers):
        return ("flux3",)
    if any(_UNET.match(name) for name in layers):
        return _unet(layers)
    if any(name.startswith(("layers_", "noise_refiner_", "context_refiner_")) for name in layers):
        return _layered(layers)
    if any(_DOUBLE.match(name) or _SINGLE.match(name) for name in layers):
        return _two_streams(layers)
    if any(_WORDS.search(name) for name in layers):
        return _unet(layers)
    return _words_alone(layers)


def _unet(layers: Layers) -> tuple[str, ...]:
    heard = (each.inputs for name, each in layers.items() if _WORDS.search(name))
    listens = next(filter(None, heard), None)
    if listens is not None:
        base = BASE_BY_CONTEXT.get(listens)
        return (base,) if base else ()
    if any(_DEEP.search(name) for name in layers) or any("_te2_" in f"_{name}" for name in layers):
        return ("sdxl",)
    inside = {n: each for n, each in layers.items() if "attn1_to_" in n or "proj_in" in n or "proj_out" in n}
    if 320 in {each.inputs for each in inside.values()}:  # SDXL has no attention at its first width
        convolved = [each.convolution for name, each in inside.items() if "proj_" in name]
        return (("sd1",) if any(convolved) else ("sd2",)) if convolved else ("sd1", "sd2")
    return ("sdxl", "sd1", "sd2")


def _layered(layers: Layers) -> tuple[str, ...]:
    """Models of one kind of block, called `layers`: told apart by their width."""
    widths = {each.inputs for name, each in layers.items() if "attention" in name or "attn" in name}
    return {3840: ("z-image",), 2304: ("lumina2",)}.get(_only(widths) or 0, ())


def _two_streams(layers: Layers) -> tuple[str, ...]:
    """FLUX and its relatives: double blocks for picture and words, single blocks for both together."""
    if any(_QWEN_ONLY.search(name) for name in layers):
        return ("qwen-image",)
    if any("_attn2_to_" in name or "_attn1_to_" in name for name in layers):
        return _cross_attending(layers)
    width = _width(layers)
    if any(_FLUX2_ONLY.search(name) for name in layers) or _is_gated(layers, width):
        return ("flux2",)
    if width in (1536, 2432):
        return ("sd3",)
    if width in (4096, 6144):
        return ("flux2",)
    if width == 3584:
        return ("hunyuan-image",)
    return _of_3072(layers) if width in (3072, None) else ()


def _cross_attending(layers: Layers) -> tuple[str, ...]:
    """Blocks that listen to words by an attention of its own, each model at its own widths."""
    width = next((each.inputs for name, each in layers.items() if "attn1_to_q" in name), None)
    words = next((each.inputs for name, each in layers.items() if "attn2_to_k" in name), None)
    known = {1152: "pixart", 2240: "sana", 1920: "cogvideox", 1408: "hunyuan-dit", 2048: "ltx", 4096: "ltx"}
    known |= {1536: "sd3", 2432: "sd3", 3072: "cogvideox"}
    base = known.get(width or 0) or known.get(words or 0)
    return (base,) if base else ()


def _of_3072(layers: Layers) -> tuple[str, ...]:
    double, single = _numbers(_DOUBLE, layers), _numbers(_SINGLE, layers)
    whole = (len(double), len(single))
    if double == set(range(whole[0])) and single == set(range(whole[1])) and whole in _DEPTHS:
        base = _DEPTHS[whole]
        return ("flux1", "chroma") if base == "flux1" and _could_be_chroma(layers) else (base,)
    if single:
        return ("flux1",) if max(single) < 38 and max(double, default=0) < 19 else ("hunyuan-video",)
    if any(name.startswith("double_blocks") for name in layers):
        return _double_alone(double, makers=True)
    return _double_alone(double, makers=False)


def _double_alone(double: set[int], *, makers: bool) -> tuple[str, ...]:
    """Double blocks only. `makers`: named as FLUX's makers do, which Qwen-Image's are never."""
    if double == set(range(len(double))) and len(double) in _DOUBLE_BLOCKS:
        return (_DOUBLE_BLOCKS[len(double)],)
    fitting = [("flux1", 19), ("qwen-image", 60 if not makers else 0), ("flux2", 5)]
    return tuple(base for base, depth in fitting if max(double) < depth)


def _could_be_chroma(layers: Layers) -> bool:
    """Chroma is FLUX.1 without modulation: a LoRA of all layers that has none may be for either."""
    feeds = any("mlp" in name or "_ff_" in name for name in layers)
    return feeds and not any(_MODULATION.search(name) for name in layers)


def _is_gated(layers: Layers, width: int | None) -> bool:
    """FLUX.2's feed-forward is gated: its layers are wider than those of FLUX.1 of the same width."""
    for name, each in layers.items():
        if width and re.search(r"single_blocks_\d+_linear1$", name) and each.outputs == 9 * width:
            return True
        if width and re.search(r"double_blocks_\d+_(img|txt)_mlp_0$", name) and each.outputs == 6 * width:
            return True
        if width and re.search(r"single_blocks_\d+_linear2$", name) and each.inputs == 4 * width:
            return True
    return False


def _width(layers: Layers) -> int | None:
    """How wide the stream of pictures is: what attention reads and gives back."""
    reads = [each.inputs for name, each in layers.items() if _READS.search(name)]
    gives = [each.outputs for name, each in layers.items() if _GIVES.search(name)]
    known = [width for width in (*reads, *gives) if width]
    return max(set(known), key=known.count) if known else None


def _words_alone(layers: Layers) -> tuple[str, ...]:
    """Only text encoders: their widths leave some models open."""
    if not any(_TEXT.search(f"_{name}") for name in layers):
        return ()
    widths = {each.inputs for name, each in layers.items() if "q_proj" in name}
    if 1280 in widths:
        return ("sdxl", "sd3")
    if 1024 in widths:
        return ("sd2",)
    numbered = any(name.startswith(("lora_te1_", "te1_")) for name in layers)
    return ("sdxl", "flux1") if numbered else ("sd1",)


def _numbers(pattern: re.Pattern[str], layers: Iterable[str]) -> set[int]:
    return {int(match[1]) for name in layers if (match := pattern.match(name))}


def _only(widths: set[int | None]) -> int | None:
    """The width that all agree on, of those that tell theirs."""
    known = widths - {None}
    return next(iter(known)) if len(known) == 1 else None
