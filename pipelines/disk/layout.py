"""Which files a model in diffusers' format is made of, and whether they are all there.

Pure rules over names, and looks at folders of this disk. safetensors only: weights in another format are
never named. Knows nothing of networks, families or torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.disk.json_files import is_list, read_object
from pipelines.errors import ModelUnavailable

INDEX = "model_index.json"
CONFIG = "config.json"
LEFT_OUT = frozenset({"safety_checker"})
"""Components of an index that no family loads."""

_TEXTS = frozenset({".json", ".txt", ".model", ".jinja"})
_PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
_OTHER_WEIGHTS = frozenset({".msgpack", ".onnx", ".h5", ".gguf"})
_WITHOUT_WEIGHTS = ("Tokenizer", "TokenizerFast", "Processor", "Scheduler", "FeatureExtractor")
_SHARD = "-of-"
_WEIGHTS = re.compile(
    r"(?P<stem>[^.]+?)(?:\.(?P<variant>[a-z0-9_]+))?(?:-\d{5}-of-\d{5})?\.safetensors"
    r"|(?P<index_stem>[^.]+)\.safetensors\.index(?:\.(?P<index_variant>[a-z0-9_]+))?\.json"
)


def components(index: Mapping[str, Any]) -> dict[str, str]:
    """Class names by sub-folder, of the parts a family loads."""
    return {name: cls for name, cls in named_parts(index).items() if name not in LEFT_OUT}


def named_parts(index: Mapping[str, Any]) -> dict[str, str]:
    """Class names by sub-folder, of all parts; one that is said to be absent is none."""
    parts = {name: value for name, value in index.items() if is_list(value) and len(value) == 2}
    return {name: cls for name, (_, cls) in parts.items() if isinstance(cls, str) and is_name(name)}


def is_name(name: str) -> bool:
    """Whether it is a plain name: one with a path in it could lead out of the model's folder."""
    return name not in {"", ".", ".."} and not any(sign in name for sign in "/\\:\0")


def of_pipeline(index: Mapping[str, Any], names: Iterable[str], variant: str | None = None) -> list[str]:
    """The files to have of a repository that lists `names`: its index and each component's files.

    Raises ModelUnavailable where a component's weights are pickles only.
    """
    listed = list(names)
    wanted = [file for part in components(index) for file in of_folder(part, listed, variant)]
    return [INDEX, *wanted]


def of_folder(folder: str, names: Iterable[str], variant: str | None = None) -> list[str]:
    """The files to have of one component's folder ('' is the repository's root).

    Raises ModelUnavailable where its weights are pickles only.
    """
    here = [name for name in names if str(PurePosixPath(name).parent) == (folder or ".")]
    texts = [name for name in here if PurePosixPath(name).suffix in _TEXTS and not _weights(name)]
    weights = [name for name in here if _weights(name)]
    chosen = [name for name in weights if _variant(name) == variant]
    chosen = chosen or [name for name in weights if _variant(name) is None] or weights
    if not chosen and any(PurePosixPath(name).suffix in _PICKLES for name in here):
        where = folder or "The repository"
        raise ModelUnavailable(
            f"{where} has its weights as pickle files only, which can run code when they are opened. "
            "Choose a version in the safetensors format."
        )
    return [*texts, *chosen]


def belongs_to_model(name: str) -> bool:
    """Whether a file of a component's folder is one of the model's: a text or weights, in any format."""
    return Path(name).suffix.lower() in _TEXTS | _PICKLES | _OTHER_WEIGHTS or _weights(name) is not None


def missing(folder: Path, variant: str | None = None) -> str | None:
    """The first part that a model's folder lacks, or None where it is complete."""
    try:
        index = read_object(folder / INDEX)
    except (OSError, ValueError):
        return INDEX
    parts = components(index).items()
    return next((part for part, cls in parts if not _is_whole(folder / part, cls, variant)), None)


def is_whole(folder: Path, variant: str | None = None) -> bool:
    """Whether a component's folder has configuration and weights, shards included."""
    if not (folder / CONFIG).is_file():
        return False
    try:
        names = of_folder("", [path.name for path in folder.iterdir()], variant)
    except ModelUnavailable:
        return False
    weights = {name for name in names if name.endswith(".safetensors")}
    parts = {part for name in names if name.endswith(".json") for part in shards(folder / name)}
    return parts <= weights if parts else any(_SHARD not in name for name in weights)


def holds_texts_only(folder: Path) -> bool:
    """A component without weights, such as a feature extractor."""
    return folder.is_dir() and any(folder.glob("*.json")) and not (folder / "config.json").is_file()


def _is_whole(folder: Path, cls: str, variant: str | None) -> bool:
    if cls.endswith(_WITHOUT_WEIGHTS):
        return folder.is_dir() and any(folder.iterdir())
    return is_whole(folder, variant)


def _weights(name: str) -> re.Match[str] | None:
    return _WEIGHTS.fullmatch(PurePosixPath(name).name)


def _variant(name: str) -> str | None:
    match = _weights(name)
    return (match["variant"] or match["index_variant"]) if match else None


def shards(index: Path) -> set[str]:
    """Files named by an index of shards; none for any other JSON."""
    if ".safetensors.index." not in index.name:
        return set()
    try:
        named = read_object(index)["weight_map"].values()
    except (OSError, ValueError, KeyError, AttributeError):
        return {index.name + " (damaged)"}
    return {name if isinstance(name, str) else f"{index.name} (damaged)" for name in named}
