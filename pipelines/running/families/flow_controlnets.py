"""ControlNets of the models folder for transformers: FLUX.1, Qwen-Image and Z-Image, each from a single file.

Such a file brings no configuration: it takes the shape of the model it goes with, and the number of its
layers from its tensors. Raises what `single_file_parts.fitting` explains. Knows diffusers' classes; nothing
of modes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelerate import init_empty_weights
from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel
from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel
from diffusers.models.controlnets.controlnet_z_image import ZImageControlNetModel

from pipelines.running import single_file_parts
from pipelines.running.single_file_parts import Tensors, count

_MODES = "controlnet_mode_embedder.weight"
"""A union network for FLUX.1 has one for each kind of control image."""
_REFINED = "control_noise_refiner.0.before_proj.weight"


def load_flux1(path: Path, transformer: Any) -> Any:
    """A ControlNet, or a union of several, for FLUX.1."""
    tensors = single_file_parts.read(path)
    return _made(
        FluxControlNetModel,
        transformer,
        tensors,
        num_layers=count(tensors, "transformer_blocks"),
        num_single_layers=count(tensors, "single_transformer_blocks"),
        guidance_embeds=any("guidance_embedder" in name for name in tensors),
        num_mode=tensors[_MODES].shape[0] if _MODES in tensors else None,
    )


def load_qwen_image(path: Path, transformer: Any) -> Any:
    """A ControlNet for Qwen-Image."""
    tensors = single_file_parts.read(path)
    seen, drawn = (tensors[name].shape[1] for name in ("controlnet_x_embedder.weight", "img_in.weight"))
    return _made(
        QwenImageControlNetModel,
        transformer,
        tensors,
        num_layers=count(tensors, "transformer_blocks"),
        extra_condition_channels=seen - drawn,
    )


def load_z_image(path: Path, transformer: Any) -> Any:
    """A ControlNet for Z-Image, of its first or a later make."""
    tensors = single_file_parts.read(path)
    layers = count(tensors, "control_layers")
    step = len(transformer.layers) // layers
    channels = tensors["control_all_x_embedder.2-1.weight"].shape[1] // 4
    refiner = _refiner(tensors) if channels != transformer.config.in_channels else None
    if refiner == "control_layers":
        tensors = {k: v for k, v in tensors.items() if not k.startswith("control_noise_refiner.")}
    return _made(
        ZImageControlNetModel,
        transformer,
        tensors,
        control_layers_places=[at * step for at in range(layers)],
        control_in_dim=channels,
        add_control_noise_refiner=refiner,
    )


def _refiner(tensors: Tensors) -> str:
    """Which layers refine the control: makers left those out, or empty, that are not to be used."""
    own = tensors.get(_REFINED)
    return "control_layers" if own is None or not own.any() else "control_noise_refiner"


def _made(cls: Any, transformer: Any, tensors: Tensors, **shape: Any) -> Any:
    with init_empty_weights(include_buffers=False):
        network = cls.from_config({**transformer.config, **shape})
    return single_file_parts.filled(network, tensors, transformer.dtype)
