"""A pipeline out of single files: the network in one, its text encoders and VAE in others.

bf16, fp16, fp32, fp8 with and without scales, and .gguf through diffusers' own reader. Numbers of 8 bits with
scales become those that are computed with; a memory plan may make them small again. What a file lacks
is refused: nothing is made up.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.disk import gguf_headers, layout
from pipelines.disk.json_files import read_object
from pipelines.running.contract import LoadSettings
from pipelines.running.single_file_parts import load_vae, read
from pipelines.spec import HUB, ModelSpec

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

_SCALES = (".scale_weight", ".weight_scale")
"""How the number is called by which a tensor of 8 bits is multiplied; the second is ComfyUI's newer way."""
_ASIDE = (
    ".scale_input", ".input_scale", ".comfy_quant", "scaled_fp8", "spiece_model", "tekken_model",
    "__index_timestep_zero__",
)  # fmt: skip
"""Ends of the names of tensors that are no weights."""
_PREFIX = re.compile(r"^(?:model\.)?diffusion_model\.")
"""What ComfyUI writes before the names of a network that it saves."""
_SHARED = ("shared.weight", "encoder.embed_tokens.weight")
"""The one table of T5's words, under one of its names or both."""
_UNUSED = frozenset({"lm_head.weight"})
"""What language models have to speak, which nobody asks them to."""


Load = Callable[..., Any]
"""`loading.load_part`: one component from a folder, or from the hub's cache."""


def load_pipeline(cls: Any, spec: ModelSpec, settings: LoadSettings, load: Load, **given: Any) -> Any:
    """A pipeline of class `cls` with every part where the entry says; `given` replace parts.

    Raises ValueError, OSError, RuntimeError for files that do not fit one another or are damaged.
    """
    assert settings.config is not None
    index = layout.components(read_object(settings.config / layout.INDEX))
    known = inspect.signature(cls.__init__).parameters
    wanted = {name: kind for name, kind in index.items() if name in known and name not in given}
    made = {name: _part(name, kind, spec, settings, load) for name, kind in wanted.items()}
    return cls(**made, **given)


def _part(name: str, kind: str, spec: ModelSpec, settings: LoadSettings, load: Load) -> Any:
    import diffusers
    import transformers

    cls = getattr(diffusers, kind, None) or getattr(transformers, kind)
    config = settings.config
    assert config is not None
    if name == "scheduler":
        return cls.from_config(cls.load_config(config / name))
    if name == "transformer":
        assert settings.file is not None
        return network(cls, settings.file, config / name, settings.dtype)
    location = spec.parts[name]
    if name.startswith("tokenizer"):
        return load(cls, location, spec, settings)
    if location.startswith(HUB):
        return load(cls, location, spec, settings, dtype=settings.dtype, use_safetensors=True)
    if name == "vae":
        return autoencoder(cls, Path(location), config / name, settings.dtype)
    return text_encoder(cls, Path(location), config / name, settings.dtype)


def network(cls: Any, path: Path, config: Path, dtype: torch.dtype) -> Any:
    """A diffusion network of diffusers' class `cls`, from its makers' layout or diffusers' own."""
    more: dict[str, Any] = {}
    if path.suffix.lower() == gguf_headers.ENDING:
        from diffusers.quantizers.quantization_config import GGUFQuantizationConfig

        source: Any = str(path)
        more["quantization_config"] = GGUFQuantizationConfig(compute_dtype=dtype)
    else:
        source = {_PREFIX.sub("", name): tensor for name, tensor in weights(path, dtype).items()}
    made = cls.from_single_file(
        source, config=str(config), subfolder="", dtype=dtype, local_files_only=True, **more
    )
    lacks = [name for name, tensor in made.named_parameters() if tensor.device.type == "meta"]
    if lacks:
        raise ValueError(f"{path.name} lacks {lacks[0]}.")
    return made.requires_grad_(False).eval()


def autoencoder(cls: Any, path: Path, config: Path, dtype: torch.dtype) -> Any:
    """A VAE of diffusers' class `cls`, from any of its layouts."""
    import torch

    with torch.device("meta"):
        shape = cls.from_config(cls.load_config(config)).to(dtype)
    return load_vae(path, shape)


def text_encoder(cls: Any, path: Path, config: Path, dtype: torch.dtype) -> Any:
    """A text encoder of transformers' class `cls`; its tensors may have the names of earlier versions."""
    tensors = weights(path, dtype)
    for one, other in (_SHARED, _SHARED[::-1]):
        if one in tensors:
            tensors.setdefault(other, tensors[one])
    made, told = cls.from_pretrained(
        None,
        config=cls.config_class.from_pretrained(config),
        state_dict=tensors,
        dtype=dtype,
        output_loading_info=True,
    )
    lacks = sorted({*told["missing_keys"]} - _UNUSED)
    if lacks or told["mismatched_keys"]:
        raise ValueError(f"{path.name} does not hold a whole {cls.__name__}: {(lacks or ['shapes'])[0]}.")
    return made.requires_grad_(False).eval()


def weights(path: Path, dtype: torch.dtype) -> Tensors:
    """The tensors of a file in numbers to compute with: those of 8 bits multiplied by their scales."""
    tensors = read(path)
    scales = {
        name.removesuffix(end) + ".weight": tensors.pop(name)
        for end in _SCALES
        for name in [*tensors]
        if name.endswith(end)
    }
    for name in [*tensors]:
        if name.endswith(_ASIDE):
            del tensors[name]
        elif tensors[name].dtype.is_floating_point:
            tensors[name] = _full(tensors[name], scales.get(name), dtype)
    return tensors


def _full(tensor: torch.Tensor, scale: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
    """A scale is one number, or one for each row."""
    if scale is None:
        return tensor.to(dtype)
    if scale.numel() not in (1, tensor.shape[0]):
        raise ValueError("The scales of its 8-bit numbers are of a kind that is not read.")
    rows = scale.float().reshape(-1, *(1,) * (tensor.ndim - 1))
    return (tensor.float() * rows).to(dtype)
