"""What artists put into the models folder: checkpoints and diffusers folders as catalogue entries, add-ons,
and files that cannot be used, each with the reason.

Looks at names and headers; imports no torch. Knows the families' tables; nothing of the studio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.catalog import enlargers
from pipelines.catalog.folder_walk import PICKLES, Unusable, walk
from pipelines.catalog.ids import earlier_id, file_id, readable
from pipelines.disk import layout
from pipelines.disk.identify import Identified, identify
from pipelines.disk.json_files import read_object
from pipelines.families import registry, upscaler
from pipelines.request import Mode
from pipelines.spec import DROPPED, ModelSpec

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
"""Configuration of single-file checkpoints, so that reading one needs no network."""
_FAMILY = {"sd1": "stable-diffusion", "sdxl": "sdxl"}
_RESOLUTION = {"sd1": 512, "sdxl": 1024}
_FOLDER_RESOLUTION = {"stable-diffusion": 512}
_TILE = 256
"""What counts as the resolution of an enlarger: it works on tiles of about this side."""
_ADD_ONS = frozenset({"lora", "controlnet", "ip_adapter", "vae", "image_encoder"})
_NAMELESS = frozenset({"model", "diffusion_pytorch_model", "pytorch_lora_weights"})
"""What diffusers and transformers call every file of weights."""
_LICENCE = {
    "name": "As its maker says",
    "note": "You brought this file here yourself; its licence is with its maker.",
}


@dataclass(frozen=True, slots=True)
class AddOnFile:
    """A file that goes with a model. `id`: as records name it; `inside`: its path in the models folder."""

    id: str
    inside: Path
    path: Path
    identified: Identified

    @property
    def name(self) -> str:
        """As artists know it: the file's name without its ending, or its folder's where all are named so."""
        nameless = self.path.name.split(".")[0].lower() in _NAMELESS
        in_folder = len(self.inside.parts) > 1
        return readable(self.path.parent.name if nameless and in_folder else self.path.stem)


@dataclass(frozen=True, slots=True)
class ModelsFolder:
    """All of a models folder. `places`: where the entries' files lie in it, links not followed, by id."""

    specs: tuple[ModelSpec, ...] = ()
    add_ons: tuple[AddOnFile, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    places: Mapping[str, Path] = field(default_factory=dict[str, Path])
    earlier: Mapping[str, str] = field(default_factory=dict[str, str])
    """Id of an earlier version → id now, where it meant one file only."""


_SAME_NAME = (
    "Another file here has the same name, written in another way (its accents, or capitals in its ending). "
    "Rename one of the two."
)


def look(folder: Path) -> ModelsFolder:
    """Everything in `folder` and below; nothing where it does not exist."""
    specs: dict[str, ModelSpec] = {}
    add_ons: dict[str, AddOnFile] = {}
    unusable: list[Unusable] = []
    places: dict[str, Path] = {}
    for path in walk(folder):
        if isinstance(path, Unusable):
            unusable.append(path)
            continue
        thing = _thing(path, path.relative_to(folder))
        if isinstance(thing, Unusable):
            unusable.append(thing)
        elif thing.id in add_ons or thing.id in specs:
            unusable.append(Unusable(path, _SAME_NAME))
        elif isinstance(thing, AddOnFile):
            add_ons[thing.id] = thing
        else:
            specs[thing.id] = thing
            places[thing.id] = path
    found = [each.inside for each in add_ons.values()]
    earlier = _earlier("", found) | _earlier(
        DROPPED, [place.relative_to(folder) for place in places.values()]
    )
    return ModelsFolder(tuple(specs.values()), tuple(add_ons.values()), tuple(unusable), places, earlier)


def _earlier(prefix: str, insides: Sequence[Path]) -> dict[str, str]:
    """Ids that named one of these files before ids were told apart; a word that fits several names none."""
    words = Counter(earlier_id(inside) for inside in insides)
    known = {prefix + earlier_id(inside): prefix + file_id(inside) for inside in insides}
    return {old: new for old, new in known.items() if old != new and words[old.removeprefix(prefix)] == 1}


def _thing(path: Path, inside: Path) -> ModelSpec | AddOnFile | Unusable:
    return _diffusers_folder(path, inside) if path.is_dir() else _file(path, inside)


def _file(path: Path, inside: Path) -> ModelSpec | AddOnFile | Unusable:
    if path.suffix.lower() == enlargers.PICKLE and enlargers.is_place(inside):
        fault = enlargers.pickle_fault(path)
        return Unusable(path, fault) if fault else _enlarger(path, inside)
    if path.suffix.lower() in PICKLES:
        return Unusable(
            path, "It is a pickle, which can run code when it is opened. Look for the same as .safetensors."
        )
    try:
        found = identify(path)
    except (ValueError, OSError):
        return Unusable(path, "It is not a whole .safetensors file. Copy or download it again.")
    if found.kind in _ADD_ONS:
        return AddOnFile(file_id(inside), inside, path, found)
    if found.kind == "unknown" and enlargers.is_place(inside):
        return _enlarger(path, inside)
    reason = _why_not(found)
    return Unusable(path, reason) if reason else _checkpoint(path, inside, found)


def _why_not(found: Identified) -> str | None:
    if found.kind == "foreign":
        return found.reason
    if found.kind == "unknown" or found.base is None:
        return "Its tensors are of no kind the studio knows."
    known = any(family.base == found.base for family in registry.FAMILIES.values())
    if not known:
        return f"It is made for {found.base_label}, which the studio has no family for."
    if found.kind == "network":
        lacks = [part for part in ("text encoder", "VAE") if part.lower() not in found.has]
        how = f"without {' and '.join(lacks)}" if lacks else "with all that belongs to it in one file"
        alone = " alone," if len(lacks) > 1 else ""
        return (
            f"It holds the {found.base_label} network{alone} {how}, which the studio does not read. "
            f"Use {found.base_label} from the list, or a folder in the diffusers format."
        )
    if found.base not in _FAMILY:
        return f"It is a checkpoint of {found.base_label} in one file. Use a folder in the diffusers format."
    if found.channels != 4:
        return (
            "It is a checkpoint for inpainting or editing; put it here as a folder in the diffusers format."
        )
    return None


def _enlarger(path: Path, inside: Path) -> ModelSpec:
    return _spec(path, inside, upscaler.NAME, _TILE)


def _checkpoint(path: Path, inside: Path, found: Identified) -> ModelSpec:
    assert found.base is not None
    return _spec(path, inside, _FAMILY[found.base], _RESOLUTION[found.base], config=str(CONFIGS / found.base))


def _diffusers_folder(path: Path, inside: Path) -> ModelSpec | Unusable:
    try:
        index = read_object(path / layout.INDEX)
    except (OSError, ValueError):
        return Unusable(path, f"Its {layout.INDEX} cannot be read.")
    name = index.get("_class_name")
    if not isinstance(name, str):
        return Unusable(path, f"Its {layout.INDEX} does not name a pipeline.")
    family = next((known for known, table in registry.FAMILIES.items() if name in table.folders), None)
    if family is None:
        return Unusable(path, f"It is a {readable(name)[:80]}, which the studio has no family for.")
    if not layout.components(index):
        return Unusable(path, f"Its {layout.INDEX} names no parts.")
    if part := layout.missing(path):
        return Unusable(path, f"Its {part} is missing or incomplete, or has no .safetensors weights.")
    options = dict(registry.FAMILIES[family].folders[name])
    return _spec(path, inside, family, _FOLDER_RESOLUTION.get(family, 1024), options=options)


def _spec(path: Path, inside: Path, family: str, resolution: int, **more: Any) -> ModelSpec:
    values = {
        "id": DROPPED + file_id(inside),
        "label": readable(path.stem if path.is_file() else path.name)[:64],
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
