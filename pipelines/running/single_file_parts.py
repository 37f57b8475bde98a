"""Single files of the models folder as networks beside a model: VAEs, ControlNets, IP-Adapters.

Such a file brings no configuration; it takes the shape of the model it goes with, and one that does not
fit is refused in words. Knows diffusers' layouts; nothing of modes and requests.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import RequestError
from pipelines.memory import devices

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

Tensors = dict[str, "torch.Tensor"]
_VISION_HEADS = 16
_OPENAI_WIDTH = 1024
"""CLIP ViT-L comes from OpenAI, who compute their activation in another way."""
_FILM = "decoder.conv1.weight"
"""In the layout of Wan's and Qwen-Image's makers, as ComfyUI passes it around."""
_OUT_OF_A_WHOLE = re.compile(r"^(first_stage_model|vae)\.")
_TASKS = "task_embedding"
"""A union ControlNet has one for each kind of control image."""


@contextmanager
def fitting(what: str, path: Path, label: str, field: str) -> Generator[None]:
    """Turns what loaders raise for another model's file, or a damaged one, into RequestError (`field`).

    `what`: the kind of file; `label`: the model it is to go with.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        if devices.is_out_of_memory(error):
            raise
        raise RequestError(
            f"The {what} {path.stem} can't be read. Put it into the models folder again, or leave it out.",
            field=field,
        ) from error
    except (ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        if devices.is_out_of_memory(error):
            raise
        log.warning("%s does not fit %s: %s", path.name, label, error)
        raise RequestError(
            f"The {what} {path.stem} does not fit {label}: it was made for another model. "
            "Leave it out, or choose the model it was made for.",
            field=field,
        ) from error


class SingleFileParts:
    """The files of the models folder that a model uses: of each kind the one asked for last.

    `label`: the model in sentences; `forget`: lets go of whatever holds the one that leaves.
    """

    def __init__(self, label: str, forget: Callable[[Any], None]) -> None:
        self._label = label
        self._forget = forget
        self._held: dict[str, tuple[object, Any]] = {}

    def get(self, what: str, path: Path, field: str, load: Callable[[], Any]) -> Any:
        """The file as `load` makes it, made again where it has changed. Raises RequestError (`field`)."""
        with fitting(what, path, self._label, field):
            key = path, path.stat().st_mtime_ns
            held = self._held.get(what)
            if held is not None and held[0] == key:
                return held[1]
            made = load()
        if held is not None:
            self._forget(held[1])
        self._held[what] = key, made
        return made


def load_vae(path: Path, own: Any) -> Any:
    """An autoencoder of the shape of `own`, from any of its layouts. Raises what `fitting` explains."""
    import torch
    from diffusers.loaders.single_file_utils import (
        convert_ldm_vae_checkpoint,
        convert_wan_vae_to_diffusers,
    )

    tensors = {re.sub(_OUT_OF_A_WHOLE, "", name): tensor for name, tensor in read(path).items()}
    if _FILM in tensors:
        tensors = convert_wan_vae_to_diffusers(tensors)
    elif not any(".resnets." in name for name in tensors):
        tensors = convert_ldm_vae_checkpoint(tensors, dict(own.config))
    with torch.device("meta"):
        network = type(own).from_config(own.config)
    network._fix_state_dict_keys_on_load(tensors)
    return filled(network, tensors, own.dtype)


def load_controlnet(path: Path, unet: Any) -> Any:
    """A ControlNet, or a union of several, for `unet`. Raises what `fitting` explains."""
    import torch
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
    from diffusers.models.controlnets.controlnet import ControlNetModel
    from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

    tensors = read(path)
    cls = ControlNetUnionModel if _TASKS in tensors else ControlNetModel
    with torch.device("meta"):
        network: Any = cls.from_unet(unet, load_weights_from_unet=False)
        network = cls.from_config(network.config, **_own_shape(tensors))
    return filled(network, convert_controlnet_checkpoint(tensors, network.config), unet.dtype)


def load_image_encoder(path: Path, dtype: torch.dtype) -> Any:
    """CLIP's vision network with its projection, of the shape its tensors tell."""
    from accelerate import init_empty_weights
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    tensors = {name: tensor for name, tensor in read(path).items() if not name.endswith("position_ids")}
    with init_empty_weights(include_buffers=False):
        network = CLIPVisionModelWithProjection(CLIPVisionConfig(**_vision_shape(tensors)))
    return filled(network, tensors, dtype)


def _vision_shape(tensors: Tensors) -> dict[str, Any]:
    """Heads and activation cannot be seen in tensors: all encoders of IP-Adapters have these."""
    seen, layers = "vision_model.embeddings", "vision_model.encoder.layers"
    width, patch = (tensors[f"{seen}.patch_embedding.weight"].shape[at] for at in (0, -1))
    along = math.isqrt(tensors[f"{seen}.position_embedding.weight"].shape[0] - 1)
    return {
        "hidden_size": width,
        "patch_size": patch,
        "image_size": along * patch,
        "intermediate_size": tensors[f"{layers}.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": count(tensors, layers),
        "projection_dim": tensors["visual_projection.weight"].shape[0],
        "num_attention_heads": min(_VISION_HEADS, width // 8),
        "hidden_act": "quick_gelu" if width == _OPENAI_WIDTH else "gelu",
    }


def count(tensors: Tensors, prefix: str) -> int:
    """How many numbered layers there are below `prefix`."""
    start = f"{prefix}."
    return len({name.removeprefix(start).split(".")[0] for name in tensors if name.startswith(start)})


def _own_shape(tensors: Tensors) -> dict[str, Any]:
    """What a ControlNet's tensors tell of it that a UNet does not."""
    hint = "controlnet_cond_embedding"
    shape: dict[str, Any] = {}
    if f"{hint}.conv_in.weight" in tensors:
        outs = [f"{hint}.conv_in.weight", *(f"{hint}.blocks.{at}.weight" for at in range(1, 16, 2))]
        widths = tuple(tensors[name].shape[0] for name in outs if name in tensors)
        shape["conditioning_embedding_out_channels"] = widths
    if _TASKS in tensors:
        kinds, width = tensors[_TASKS].shape
        projected = tensors["spatial_ch_projs.weight"].shape[0]
        shape |= {"num_control_type": kinds, "num_trans_channel": width, "num_proj_channel": projected}
    return shape


def adapter_state(tensors: Tensors) -> dict[str, Tensors]:
    """The two groups of an IP-Adapter file, as diffusers takes them."""
    groups: dict[str, Tensors] = {"image_proj": {}, "ip_adapter": {}}
    for key, tensor in tensors.items():
        group, name = key.split(".", 1)
        groups[group][name] = tensor
    return groups


def read(path: Path) -> Tensors:
    """The tensors of a safetensors file."""
    from safetensors.torch import load_file

    return load_file(path)


def filled(network: Any, tensors: Tensors, dtype: torch.dtype) -> Any:
    """`network`, which has no numbers yet, with those of `tensors`; raises where one is missing or over."""
    network.load_state_dict(tensors, assign=True)
    return network.to(dtype).requires_grad_(False).eval()
