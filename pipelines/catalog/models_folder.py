"""What artists put into the models folder: checkpoints and diffusers folders as catalogue entries, add-ons,
and files that cannot be used, each with the reason.

Looks at names and headers; imports no torch. Knows the families' tables; nothing of the studio.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.disk import layout
from pipelines.disk.identify import Identified, identify
from pipelines.families import registry
from pipelines.request import Mode
from pipelines.spec import DROPPED, ModelSpec

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
"""Configuration of single-file checkpoints, so that reading one needs no network."""
_FAMILY = {"sd1": "stable-diffusion", "sdxl": "sdxl"}
_RESOLUTION = {"sd1": 512, "sdxl": 1024}
_FOLDER_RESOLUTION = {"stable-diffusion": 512}
_PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl"})
_ADD_ONS = frozenset({"lora", "controlnet", "ip_adapter", "vae", "image_encoder"})
_NAMELESS = frozenset({"model", "diffusion_pytorch_model", "pytorch_lora_weights"})
"""What diffusers and transformers call every file of weights."""
_LICENCE = {
    "name": "As its maker says",
    "note": "You brought this file here yourself; its licence is with its maker.",
}


@dataclass(frozen=True, slots=True)
class AddOn:
    """A file that goes with a model. `id` is its path inside the folder, without the ending, as a word."""

    id: str
    path: Path
    identified: Identified

    @property
    def name(self) -> str:
        """As artists know it: the file's name without its ending, or its folder's where all are named so."""
        in_folder = self.id != _word(Path(self.path.name))
        nameless = self.path.name.split(".")[0].lower() in _NAMELESS
        return self.path.parent.name if nameless and in_folder else self.path.stem


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """All of a models folder."""

    specs: tuple[ModelSpec, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    unusable: tuple[Unusable, ...] = ()


def look(folder: Path) -> Dropped:
    """Everything in `folder` and below; nothing where it does not exist."""
    specs: dict[str, ModelSpec] = {}
    add_ons: dict[str, AddOn] = {}
    unusable: list[Unusable] = []
    for path in sorted(_found(folder)):
        word = _word(path.relative_to(folder))
        thing = _diffusers_folder(path, word) if path.is_dir() else _file(path, word)
        if isinstance(thing, Unusable):
            unusable.append(thing)
        elif isinstance(thing, AddOn):
            add_ons.setdefault(thing.id, thing)
        else:
            specs.setdefault(thing.id, thing)
    return Dropped(tuple(specs.values()), tuple(add_ons.values()), tuple(unusable))


def _found(folder: Path) -> Iterator[Path]:
    """Files of weights and diffusers folders; what is inside such a folder belongs to it."""
    for place, below, names in os.walk(folder):
        here = Path(place)
        if layout.INDEX in names:
            below.clear()
            yield here
            continue
        below[:] = [name for name in below if not name.startswith(".")]
        yield from (here / name for name in names if Path(name).suffix.lower() in {".safetensors", *_PICKLES})


def _file(path: Path, word: str) -> ModelSpec | AddOn | Unusable:
    if path.suffix.lower() in _PICKLES:
        return Unusable(
            path, "It is a pickle, which can run code when it is opened. Look for the same as .safetensors."
        )
    try:
        found = identify(path)
    except (ValueError, OSError):
        return Unusable(path, "It is not a whole .safetensors file. Copy or download it again.")
    if found.kind in _ADD_ONS:
        return AddOn(word, path, found)
    reason = _why_not(found)
    return Unusable(path, reason) if reason else _checkpoint(path, word, found)


def _why_not(found: Identified) -> str | None:
    if found.kind == "unknown":
        return "Its tensors are of no kind the studio knows."
    if found.kind == "network":
        return (
            f"It holds the {found.base_label} network alone, without text encoder and VAE. "
            f"Use {found.base_label} from the list, or a folder in the diffusers format."
        )
    if found.kind == "foreign":
        return (
            f"It is a ControlNet for {found.base_label} in a layout that diffusers does not read. "
            "Look for one in the diffusers layout."
        )
    if found.base not in _FAMILY:
        return f"It is a checkpoint of {found.base_label}, which the studio has no family for."
    if found.channels != 4:
        return (
            "It is a checkpoint for inpainting or editing; put it here as a folder in the diffusers format."
        )
    return None


def _checkpoint(path: Path, word: str, found: Identified) -> ModelSpec:
    assert found.base is not None
    return _spec(path, word, _FAMILY[found.base], _RESOLUTION[found.base], config=str(CONFIGS / found.base))


def _diffusers_folder(path: Path, word: str) -> ModelSpec | Unusable:
    try:
        name = json.loads((path / layout.INDEX).read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return Unusable(path, f"Its {layout.INDEX} cannot be read.")
    family = next((known for known, table in registry.FAMILIES.items() if name in table.folders), None)
    if family is None:
        return Unusable(path, f"It is a {name}, which the studio has no family for.")
    if part := layout.missing(path):
        return Unusable(path, f"Its {part} is missing or incomplete, or has no .safetensors weights.")
    options = dict(registry.FAMILIES[family].folders[name])
    return _spec(path, word, family, _FOLDER_RESOLUTION.get(family, 1024), options=options)


def _spec(path: Path, word: str, family: str, resolution: int, **more: Any) -> ModelSpec:
    values = {
        "id": f"{DROPPED}{word}"[:64],
        "label": path.stem[:64] if path.is_file() else path.name[:64],
        "family": family,
        "source": str(path.resolve()),
        "description": "From your models folder.",
        "licence": _LICENCE,
        "resolution": resolution,
        **more,
    }
    draft = ModelSpec.model_validate({**values, "modes": [Mode.TEXT_TO_IMAGE]})
    modes = [mode for mode in registry.FAMILIES[family].routes if can(draft, mode)]
    return ModelSpec.model_validate({**values, "modes": modes})


def can(spec: ModelSpec, mode: Mode) -> bool:
    """Whether the family does `mode` with the files that the entry names."""
    try:
        registry.entry_route(spec, mode)
    except ValueError:
        return False
    return True


def _word(path: Path) -> str:
    """A path as part of an id: 'Styles/My Ink.safetensors' → 'styles-my-ink'."""
    text = path.as_posix().lower()
    text = text.removesuffix(path.suffix.lower()) if path.suffix.lower() == ".safetensors" else text
    return re.sub(r"[^a-z0-9._]+", "-", text).strip("-._")[:56] or "unnamed"
