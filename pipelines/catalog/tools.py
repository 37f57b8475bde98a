"""Where other tools keep their models: which folders below a root are looked through, and what each is for.

Looks at names and at the tools' own settings (`extra_model_paths.yaml`, `config.txt`, `invokeai.yaml`,
`Settings.fds`), and writes nothing. Sources: ComfyUI's folder_paths.py and extra_model_paths.yaml.example,
AUTOMATIC1111's and Forge's paths, InvokeAI's configuration, SwarmUI's server settings, Fooocus's config.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.catalog.meanings import Meaning, of_name
from pipelines.disk import yaml_files
from pipelines.disk.json_files import is_list, is_object, read_object

PATHS_FILES = frozenset({"extra_model_paths.yaml", "extra_model_paths.yml"})
"""How the file of ComfyUI is called that says where models are."""
_PROGRAMS = (
    "ComfyUI", "Fooocus", "webui", "stable-diffusion-webui", "stable-diffusion-webui-forge", "SwarmUI",
    "InvokeAI",
)  # fmt: skip
"""Folders in which portable packages keep the program itself."""
_CONTROLNETS_OF_A1111 = Path("extensions", "sd-webui-controlnet", "models")
_MOST_SETTINGS = 2**20
"""Bytes of a tool's settings that are read."""
_MODEL_ROOT = re.compile(r"^\s*ModelRoot:\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to look through. `meaning`: what all in it is; None: as the folders in it are called."""

    path: Path
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What a root is: the tool as people call it ('' where it is none of those known), and its places."""

    tool: str
    places: tuple[Place, ...]


def understand(root: Path) -> Layout:
    """What lies at `root`: a tool's folder, its folder of models, its file of paths, or any folder.

    Raises OSError where it cannot be read, ValueError where a file of paths cannot be understood.
    """
    if root.is_file():
        return Layout("ComfyUI", tuple(_paths_file(root)))
    found = _tool(root)
    if found:
        return found
    inner = [layout for name in _PROGRAMS if (root / name).is_dir() and (layout := _tool(root / name))]
    if inner:
        return Layout(inner[0].tool, tuple(place for layout in inner for place in layout.places))
    return Layout("", (Place(root, of_name(root.name)),))


def _tool(root: Path) -> Layout | None:
    names = {path.name for path in root.iterdir()}
    for tool in (_swarm, _invoke, _fooocus, _comfy, _a1111):
        if found := tool(root, names):
            return found
    return None


def _swarm(root: Path, names: set[str]) -> Layout | None:
    settings = root / "Data" / "Settings.fds"
    if not settings.is_file() and not ("Models" in names and names & {"SwarmUI.sln", "dlbackend", "src"}):
        return None
    said = _MODEL_ROOT.search(_text(settings)) if settings.is_file() else None
    roots = [part for part in (said[1] if said else "Models").split(";") if part.strip()]
    places = [Place(_below(root, part.strip())) for part in roots]
    comfy = root / "dlbackend" / "ComfyUI"
    if (comfy / "models").is_dir():
        places += _of_comfy(comfy)
    return Layout("SwarmUI", tuple(places))


def _invoke(root: Path, names: set[str]) -> Layout | None:
    if not names & {"invokeai.yaml", "invokeai.init"} and not (root / "databases" / "invokeai.db").is_file():
        return None
    said = _yaml(root / "invokeai.yaml") if "invokeai.yaml" in names else {}
    folder = said.get("models_dir", said.get("models_path"))
    return Layout("InvokeAI", (Place(_below(root, folder if isinstance(folder, str) else "models")),))


def _fooocus(root: Path, names: set[str]) -> Layout | None:
    if "fooocus_version.py" not in names and not ("config.txt" in names and _is_fooocus(root / "config.txt")):
        return None
    places = [Place(root / "models")]
    try:
        said = read_object(root / "config.txt")
    except (OSError, ValueError):
        said = {}
    for key, value in said.items():
        meaning = of_name(key.removeprefix("path_")) if key.startswith("path_") else None
        if meaning not in (None, "nothing"):
            paths = value if is_list(value) else [value]
            places += [Place(_below(root, each), meaning) for each in paths if isinstance(each, str) and each]
    return Layout("Fooocus", tuple(places))


def _is_fooocus(path: Path) -> bool:
    return '"path_checkpoints"' in _text(path)


def _comfy(root: Path, names: set[str]) -> Layout | None:
    own = (root / "models" / "checkpoints").is_dir() or {"main.py", "comfy"} <= names
    if own or names & PATHS_FILES:
        return Layout("ComfyUI", tuple(_of_comfy(root)))
    if {"checkpoints", "loras"} <= names:
        return Layout("ComfyUI", (Place(root),))
    return None


def _of_comfy(root: Path) -> list[Place]:
    places = [Place(root / "models")]
    for name in sorted(PATHS_FILES):
        if (root / name).is_file():
            places += _paths_file(root / name)
    return places


def _a1111(root: Path, names: set[str]) -> Layout | None:
    tool = "Forge" if names & {"modules_forge", "packages_3rdparty"} else "AUTOMATIC1111"
    if (root / "models" / "Stable-diffusion").is_dir():
        more = [Place(root / "embeddings", "embeddings"), Place(root / _CONTROLNETS_OF_A1111, "controlnets")]
        return Layout(tool, (Place(root / "models"), *(each for each in more if each.path.is_dir())))
    if {"Stable-diffusion", "Lora"} <= names or {"Stable-diffusion", "VAE"} <= names:
        return Layout("AUTOMATIC1111", (Place(root),))
    if {"Stable-Diffusion", "Lora"} <= names:
        return Layout("SwarmUI", (Place(root),))
    return None


def _paths_file(path: Path) -> Iterator[Place]:
    """Each section names a base path and, below it, folders for each kind of model, one a line."""
    for section in _yaml(path).values():
        if not is_object(section):
            continue
        said = section.get("base_path")
        base = _below(path.parent, said) if isinstance(said, str) and said else path.parent
        for key, value in section.items():
            meaning = of_name(key)
            if meaning in (None, "nothing") or not isinstance(value, str):
                continue
            yield from (
                Place(_below(base, line.strip()), meaning) for line in value.splitlines() if line.strip()
            )


def _yaml(path: Path) -> dict[str, Any]:
    """Raises ValueError where it is no YAML of names and values, and OSError."""
    try:
        said = yaml_files.parse(_text(path))
    except ValueError as error:
        raise ValueError(f"{path.name} is not YAML that can be understood.") from error
    if said is not None and not is_object(said):
        raise ValueError(f"{path.name} is not YAML that can be understood.")
    return {str(key): value for key, value in (said or {}).items()}


def _text(path: Path) -> str:
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(f"{path.name} is not an ordinary file.")
    with path.open("rb") as file:
        return file.read(_MOST_SETTINGS).decode("utf-8-sig", "replace")


def _below(base: Path, said: str) -> Path:
    """A path as tools write it: with `~` and variables, absolute or below `base`."""
    path = Path(os.path.expandvars(said))
    with contextlib.suppress(RuntimeError):  # a user whom nobody knows
        path = path.expanduser()
    return base / path
