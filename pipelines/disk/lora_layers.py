"""The layers a LoRA changes, read from its tensors' names: which they are, how wide, and in which form.

LoRAs come with names of diffusers (`unet.down_blocks.0…`), of PEFT, of kohya's tools
(`lora_unet_down_blocks_0_…`) and of the models' makers (`diffusion_model.double_blocks.0…`). All become one
form here: `down_blocks_0_…`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Shapes = Mapping[str, tuple[int, ...]]
Form = Literal["lora", "loha", "lokr", "oft", "glora"]

FORM_LABEL: dict[Form, str] = {
    "lora": "LoRA",
    "loha": "LoHa",
    "lokr": "LoKr",
    "oft": "OFT",
    "glora": "GLoRA",
}

_SUFFIX = re.compile(
    r"\.(?:lora_down|lora_up|lora_A|lora_B|lora\.down|lora\.up|lora_linear_layer\.down|lora_linear_layer\.up)"
    r"(?:\.default)?(?:\.weight)?$"
    r"|\.processor\.(?P<processor>to_\w+?)_lora\.(?:down|up)\.weight$"
    r"|(?P<xlabs>_lora\d?)\.(?:down|up)\.weight$"
    r"|\.(?:hada_w[12]_[ab]|hada_t[12]|lokr_w[12](?:_[ab])?|lokr_t2|oft_blocks|oft_diag|oft_R\.weight"
    r"|diff|diff_b|[ab][12]\.weight)$"
)
_DOWN = re.compile(r"lora_down|lora_A|lora\.down|_lora\d?\.down|lora_linear_layer\.down")
_UP = re.compile(r"lora_up|lora_B|lora\.up|_lora\d?\.up|lora_linear_layer\.up")
_DOTTED_PREFIX = re.compile(
    r"^(?:base_model\.model\.|model\.diffusion_model\.|diffusion_model\.|transformer\.|unet\.)+"
)
_PREFIX = re.compile(r"^(?:lycoris_|lora_unet_|lora_transformer_|lora_prior_unet_)")
_FORMS: tuple[tuple[str, Form], ...] = (
    (".hada_", "loha"),
    (".lokr_", "lokr"),
    (".oft_", "oft"),
    (".a1.weight", "glora"),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer reads and gives, in numbers; None where its tensors do not tell."""

    inputs: int | None = None
    outputs: int | None = None
    convolution: bool = False


def is_lora(shapes: Shapes) -> bool:
    """Whether tensors are those of a LoRA or one of its relatives."""
    return any(_SUFFIX.search(name) and not name.endswith((".diff", ".diff_b")) for name in shapes)


def form_of(shapes: Shapes) -> Form:
    """In which of the forms a LoRA can have its tensors are written."""
    names = "\n".join(shapes)  # quicker than name by name, of which there are thousands
    for sign, form in _FORMS:
        if sign in names:
            return form
    return "lora"


def layers_of(shapes: Shapes) -> dict[str, Layer]:
    """Each layer by its name in one form: `transformer_blocks_0_attn_to_q`."""
    found: dict[str, Layer] = {}
    kronecker: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for name, shape in shapes.items():
        match = _SUFFIX.search(name)
        if not match:
            continue
        module = _module(name, match)
        if ".lokr_" in name:
            kronecker.setdefault(module, []).append((name.rsplit(".", 1)[1], shape))
            continue
        found[module] = _joined(found.get(module, Layer()), name, shape)
    return found | {module: _kronecker(tensors) for module, tensors in kronecker.items()}


def _module(name: str, match: re.Match[str]) -> str:
    stem = name[: match.start()]
    if match["processor"]:
        stem += f".{match['processor']}"
    elif match["xlabs"]:
        stem = name[: match.end()].rsplit(".", 2)[0]
    return _PREFIX.sub("", _DOTTED_PREFIX.sub("", stem).replace(".", "_"))


def _joined(layer: Layer, name: str, shape: tuple[int, ...]) -> Layer:
    """The layer with what one more of its tensors tells."""
    inputs, outputs = layer.inputs, layer.outputs
    if (_DOWN.search(name) or name.endswith("hada_w1_b")) and len(shape) > 1:
        inputs = shape[1]
    elif (_UP.search(name) or name.endswith("hada_w1_a")) and shape:
        outputs = shape[0]
    return Layer(inputs, outputs, layer.convolution or len(shape) == 4)


def _kronecker(tensors: list[tuple[str, tuple[int, ...]]]) -> Layer:
    """A Kronecker product is as wide as its factors' widths multiplied."""
    sides = dict(tensors)
    outputs = inputs = 1
    for factor in ("lokr_w1", "lokr_w2"):
        whole = sides.get(factor)
        left, right = (whole, whole) if whole else (sides.get(f"{factor}_a"), sides.get(f"{factor}_b"))
        if not left or not right or len(right) < 2:
            return Layer()
        outputs, inputs = outputs * left[0], inputs * right[1]
    return Layer(inputs, outputs)
