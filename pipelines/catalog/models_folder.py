"""What artists put into the models folder: checkpoints and diffusers folders as catalogue entries, add-ons,
and files that cannot be used, each with the reason.

`foreign_folders` finds the same in folders of other tools. Looks at names and headers; imports no torch.
Knows the families' tables; nothing of the studio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.catalog import enlargers
from pipelines.catalog.folder_walk import PICKLES, Unusable, walk
from pipelines.catalog.ids import earlier_id, file_id, readable
from pipelines.catalog.split_refusals import SPLIT, refusal
from pipelines.disk import gguf_headers, layout
from pipelines.disk.identify import Identified
from pipelines.disk.json_files import read_object
from pipelines.disk.known_files import KnownFiles
from pipelines.families import registry, upscaler
from pipelines.request import Mode
from pipelines.spec import DROPPED, SINGLE_FILE, ModelSpec

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
"""Configuration of single-file checkpoints, so that reading one needs no network."""
_FAMILY = {"sd1": "stable-diffusion", "sdxl": "sdxl"}
_RESOLUTION = {"sd1": 512, "sdxl": 1024}
_FOLDER_RESOLUTION = {"stable-diffusion": 512}
_TILE = 256
"""What counts as the resolution of an enlarger: it works on tiles of about this side."""
_ADD_ONS = frozenset({"lora", "controlnet", "ip_adapter", "vae", "image_encoder", "text_encoder"})
_STRANGE_ENCODER = "It is a text encoder that no model of the studio listens to."
_NAMELESS = frozenset({"model", "diffusion_pytorch_model", "pytorch_lora_weights"})
"""What diffusers and transformers call every file of weights."""
_LICENCE = {
    "name": "As its maker says",
    "note": "You brought this file here yourself; its licence is with its maker.",
}


FileKey = tuple[int, int]
"""Device and number of a file: the same under all of its names."""


@dataclass(frozen=True, slots=True)
class AddOnFile:
    """A file that goes with a model. `id`: as records name it; `inside`: its path in its folder."""

    id: str
    inside: Path
    path: Path
    identified: Identified
    root: Path | None = None
    """The folder of another tool that it lies in; None: the models folder."""
    description: str = "From your models folder."

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
    keys: Mapping[str, FileKey] = field(default_factory=dict[str, FileKey])
    """Which file an id means, where the file system says."""
    again: int = 0
    """How many more names lead to files that are there already."""
    networks: tuple[AddOnFile, ...] = ()
    """Without text encoder and VAE; `split_files` makes entries of them. Their ids are those of entries."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file or diffusers folder, with what its folder tells of it.

    `word`: its id; `enlarges`: all files beside it are enlargers; `root`: the folder of another tool.
    """

    path: Path
    inside: Path
    word: str
    enlarges: bool
    description: str = "From your models folder."
    root: Path | None = None


IS_PICKLE = "It is a pickle, which can run code when it is opened. Look for the same as .safetensors."
_UNREADABLE = "It cannot be read. Look at its rights, and whether its drive is there."
_SAME_NAME = (
    "Another file here has the same name, written in another way (its accents, or capitals in its ending). "
    "Rename one of the two."
)


def look(folder: Path, known: KnownFiles | None = None) -> ModelsFolder:
    """Everything in `folder` and below; nothing where it does not exist."""
    known = known or KnownFiles()
    gathered = Gathered(known)
    for path in walk(folder):
        if isinstance(path, Unusable):
            gathered.unusable.append(path)
        else:
            inside = path.relative_to(folder)
            gathered.take(Candidate(path, inside, file_id(inside), enlargers.is_place(inside)))
    found = gathered.folder()
    earlier = _earlier("", [each.inside for each in found.add_ons]) | _earlier(
        DROPPED, [place.relative_to(folder) for place in found.places.values()]
    )
    return replace(found, earlier=earlier)


class Gathered:
    """What has been found so far; of two things with one id the first."""

    def __init__(self, known: KnownFiles) -> None:
        self.unusable: list[Unusable] = []
        self._known = known
        self._specs: dict[str, ModelSpec] = {}
        self._add_ons: dict[str, AddOnFile] = {}
        self._places: dict[str, Path] = {}
        self._keys: dict[str, FileKey] = {}
        self._networks: list[AddOnFile] = []

    def take(self, found: Candidate) -> None:
        """Look at one more."""
        thing = _diffusers_folder(found) if found.path.is_dir() else _file(found, self._known)
        if isinstance(thing, Unusable):
            self.unusable.append(thing)
            return
        if thing.id in self._add_ons or thing.id in self._specs:
            self.unusable.append(Unusable(found.path, _SAME_NAME))
            return
        if isinstance(thing, AddOnFile) and thing.identified.kind == "network":
            thing = replace(thing, id=DROPPED + thing.id)
            self._networks.append(thing)
            self._places[thing.id] = found.path
        elif isinstance(thing, AddOnFile):
            self._add_ons[thing.id] = thing
        else:
            self._specs[thing.id] = thing
            self._places[thing.id] = found.path
        if key := _key(found.path):
            self._keys[thing.id] = key

    def folder(self) -> ModelsFolder:
        """All of it."""
        specs, add_ons = tuple(self._specs.values()), tuple(self._add_ons.values())
        networks = tuple(self._networks)
        unusable = tuple(self.unusable)
        return ModelsFolder(specs, add_ons, unusable, self._places, keys=self._keys, networks=networks)


def _key(path: Path) -> FileKey | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino) if seen.st_ino else None


def _earlier(prefix: str, insides: Sequence[Path]) -> dict[str, str]:
    """Ids that named one of these files before ids were told apart; a word that fits several names none."""
    words = Counter(earlier_id(inside) for inside in insides)
    known = {prefix + earlier_id(inside): prefix + file_id(inside) for inside in insides}
    return {old: new for old, new in known.items() if old != new and words[old.removeprefix(prefix)] == 1}


def _file(found: Candidate, known: KnownFiles) -> ModelSpec | AddOnFile | Unusable:
    path = found.path
    if path.suffix.lower() == enlargers.PICKLE and found.enlarges:
        try:
            fault = enlargers.pickle_fault(path)
        except OSError:
            fault = _UNREADABLE
        return Unusable(path, fault) if fault else _spec(found, upscaler.NAME, _TILE)
    if path.suffix.lower() in PICKLES:
        return Unusable(path, IS_PICKLE)
    try:
        told = known.identify(path)
    except gguf_headers.PackageMissing as error:
        return Unusable(path, str(error))
    except ValueError:
        ending = gguf_headers.ENDING if path.suffix.lower() == gguf_headers.ENDING else SINGLE_FILE
        return Unusable(path, f"It is not a whole {ending} file. Copy or download it again.")
    except OSError:
        return Unusable(path, _UNREADABLE)
    if told.kind in _ADD_ONS and not told.reason and told.base != "other":
        return AddOnFile(found.word, found.inside, path, told, found.root)
    if told.kind == "unknown" and found.enlarges:
        return _spec(found, upscaler.NAME, _TILE)
    if reason := _why_not(told):
        return Unusable(path, reason)
    if told.kind == "network":
        return AddOnFile(found.word, found.inside, path, told, found.root, found.description)
    return _checkpoint(found, told)


def _why_not(found: Identified) -> str | None:
    if found.kind == "foreign":
        return found.reason
    if found.kind == "text_encoder":
        return found.reason or _STRANGE_ENCODER
    if found.kind == "unknown" or found.base is None:
        return "Its tensors are of no kind the studio knows."
    known = any(family.base == found.base for family in registry.FAMILIES.values())
    if not known:
        return f"It is made for {found.base_label}, which the studio has no family for."
    if found.kind == "network" and found.base in SPLIT and not found.has:
        return refusal(found)
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


def _checkpoint(found: Candidate, told: Identified) -> ModelSpec:
    assert told.base is not None
    config = str(CONFIGS / told.base)
    return _spec(found, _FAMILY[told.base], _RESOLUTION[told.base], config=config)


def _diffusers_folder(found: Candidate) -> ModelSpec | Unusable:
    path = found.path
    try:
        index = read_object(layout.index_of(path))
    except (OSError, ValueError):
        return Unusable(path, f"Its {layout.index_of(path).name} cannot be read.")
    name = index.get("_class_name")
    if not isinstance(name, str):
        return Unusable(path, f"Its {layout.index_of(path).name} does not name a pipeline.")
    family = next((known for known, table in registry.FAMILIES.items() if name in table.folders), None)
    if family is None:
        return Unusable(path, f"It is a {readable(name)[:80]}, which the studio has no family for.")
    if not layout.components(index):
        return Unusable(path, f"Its {layout.index_of(path).name} names no parts.")
    if part := layout.missing(path):
        return Unusable(path, f"Its {part} is missing or incomplete, or has no .safetensors weights.")
    table = registry.FAMILIES[family]
    options = dict(table.folders[name])
    for (pipeline, field_name, value), others in table.told_apart.items():
        if pipeline == name and index.get(field_name) is value:
            options |= others
    return _spec(found, family, _FOLDER_RESOLUTION.get(family, 1024), options=options)


def _spec(found: Candidate, family: str, resolution: int, **more: Any) -> ModelSpec:
    return _entry(DROPPED + found.word, found.path, found.description, family, resolution, more)


def entry_of(
    network: AddOnFile, family: str, resolution: int, *, defaults: Mapping[str, Any], **more: Any
) -> ModelSpec:
    """The entry of a network; `defaults`: of every mode."""
    spec = _entry(network.id, network.path, network.description, family, resolution, more)
    return spec.model_copy(update={"defaults": {mode: dict(defaults) for mode in spec.modes if defaults}})


def _entry(
    word: str, path: Path, description: str, family: str, resolution: int, more: Mapping[str, Any]
) -> ModelSpec:
    values = {
        "id": word,
        "label": readable(path.stem if path.is_file() else path.name)[:64],
        "family": family,
        "source": str(path.resolve()),
        "description": description,
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
