"""How large a model is, read from the headers of its files without loading a tensor.

Knows diffusers' folder layout and the keys of single-file checkpoints; nothing of torch, devices, catalogues
and plans.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.disk import layout
from pipelines.disk.gguf_headers import ENDING
from pipelines.disk.headers import header
from pipelines.disk.hub_cache import cached_file
from pipelines.disk.json_files import is_object, read_object
from pipelines.memory.plan import ModelSize, Part
from pipelines.spec import HUB, hub_revision, split_hub

_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
_BYTES = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_PREFIXES = (
    ("model.diffusion_model.", "unet"),
    ("first_stage_model.", "vae"),
    ("cond_stage_model.", "text_encoder"),
    ("conditioner.embedders.0.", "text_encoder"),
    ("conditioner.embedders.1.", "text_encoder_2"),
    ("text_encoders.", "text_encoder"),
    ("vae.", "vae"),
)


def of_folder(folder: Path, resolution: int, extra: Mapping[str, Path] | None = None) -> ModelSize:
    """A diffusers folder: the parts of its index that have weights, and `extra` files or folders.

    Raises ValueError, OSError for files that cannot be read.
    """
    places = {name: folder / name for name in layout.components(read_object(layout.index_of(folder)))}
    places.update(extra or {})
    parts = [part(name, _files(place)) for name, place in places.items() if place.exists()]
    packages = frozenset(filter(None, (_quantised_with(place) for place in places.values())))
    heavy = tuple(part for part in parts if part.numbers or part.fixed)
    return ModelSize(heavy, resolution, packages=packages)


def of_file(path: Path, resolution: int, extra: Mapping[str, Path] | None = None) -> ModelSize:
    """A single-file checkpoint; keys of no known part belong to the denoiser. `extra`: parts beside it.

    Raises ValueError, OSError.
    """
    numbers: Counter[str] = Counter()
    fixed: Counter[str] = Counter()
    if path.suffix.lower() == ENDING:
        beside = [part(name, _files(place)) for name, place in (extra or {}).items() if place.exists()]
        packed = Part("transformer", 0, path.stat().st_size)
        return ModelSize((packed, *beside), resolution, convertible=False)
    for key, tensor in header(path).items():
        name = next((name for prefix, name in _PREFIXES if key.startswith(prefix)), "transformer")
        counted, kept = _weigh(tensor)
        numbers[name] += counted
        fixed[name] += kept
    own = [Part(name, numbers[name], fixed[name]) for name in sorted(set(numbers) | set(fixed))]
    more = [part(name, _files(place)) for name, place in (extra or {}).items() if place.exists()]
    return ModelSize((*own, *more), resolution, convertible=False)


def declared(total_bytes: int, resolution: int, package: str | None = None) -> ModelSize:
    """A model that is not here yet, from the size of its files: half denoiser, half the rest.

    They hold 16-bit numbers, or what `package` made of them.
    """
    half = total_bytes // 2
    if package:
        quantised = Part("transformer", 0, total_bytes - half), Part("text_encoder", 0, half)
        return ModelSize(quantised, resolution, packages=frozenset({package}))
    numbers = total_bytes // 2
    parts = Part("transformer", numbers - numbers // 2), Part("text_encoder", numbers // 2)
    return ModelSize(parts, resolution)


def _quantised_with(place: Path) -> str | None:
    """The package that made a component's weights small, as its configuration says."""
    config = place / "config.json"
    if not config.is_file():
        return None
    said = read_object(config).get("quantization_config")
    method = str(said.get("quant_method", "")) if is_object(said) else ""
    return "bitsandbytes" if method.startswith("bitsandbytes") else method or None


def part_name(location: str) -> str:
    """A name by which a plan knows what the part at a location does."""
    words = location.lower()
    kind = "controlnet" if "control" in words else "image_encoder" if "encoder" in words else "adapter"
    return f"{kind} {location}"


def located(folder: Path, location: str) -> Path:
    """Where a part lies; a path that does not exist for one of the hub that is not here."""
    if not location.startswith(HUB):
        return folder / location
    repo, path = split_hub(location)
    name = path if Path(path).suffix else f"{path}/config.json".lstrip("/")
    found = cached_file(repo, name, hub_revision(location))
    if found is None:
        return folder / "not here"
    return found if Path(path).suffix else found.parent


def part(name: str, files: Iterable[Path]) -> Part:
    """What safetensors files weigh together. Raises ValueError, OSError."""
    numbers = fixed = 0
    for path in files:
        for tensor in header(path).values():
            counted, kept = _weigh(tensor)
            numbers, fixed = numbers + counted, fixed + kept
    return Part(name, numbers, fixed)


def _weigh(tensor: Mapping[str, Any]) -> tuple[int, int]:
    """(numbers that take the precision of the load, bytes that stay): packed weights are integers."""
    count = math.prod(tensor["shape"])
    dtype = tensor["dtype"]
    if dtype in _FLOATS:
        return count, 0
    return 0, count * _BYTES.get(dtype, 1)


def _files(place: Path) -> list[Path]:
    """The files a loader without a variant reads: those an index names, else the plainly named one."""
    if place.is_file():
        return [place]
    for index in sorted(place.glob("*.safetensors.index.json")):
        if index.name.count(".") == 3:
            return [place / name for name in sorted(layout.shards(index))]
    plain = [path for path in sorted(place.glob("*.safetensors")) if path.name.count(".") == 1]
    return plain or sorted(place.glob("*.safetensors"))[:1]
