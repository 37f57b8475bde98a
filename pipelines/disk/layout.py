"""Which files a model in diffusers' format is made of, and whether they are all there.

Pure rules over names, and looks at folders of this disk. safetensors only: weights in another format are
never named. Knows nothing of networks, families or torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.disk.json_files import is_list, is_object, read_object
from pipelines.errors import ModelUnavailable

INDEX = "model_index.json"
MODULAR_INDEX = "modular_model_index.json"
"""The index of models that diffusers has as blocks alone: it also says in which repository each part is."""
INDEXES = (MODULAR_INDEX, INDEX)
CONFIG = "config.json"
LEFT_OUT = frozenset({"safety_checker", "prompt_upsampler", "prompt_upsampler_processor"})
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
    parts = {name: _class_of(value) for name, value in index.items() if is_list(value)}
    return {name: cls for name, cls in parts.items() if isinstance(cls, str) and is_name(name)}


def _class_of(value: list[Any]) -> Any:
    """Of `[library, class]`, or of the three that a modular index gives: the class is told last where it was
    not loaded when the index was written."""
    if len(value) == 2:
        return value[1]
    if len(value) != 3 or not is_object(value[2]):
        return None
    told = value[2].get("type_hint")
    return value[1] or (told[1] if is_list(told) and len(told) == 2 else None)


def index_among(names: Iterable[str]) -> str | None:
    """The index among the names of a folder's files; None where it holds no model."""
    return next((name for name in reversed(INDEXES) if name in set(names)), None)


def index_of(folder: Path) -> Path:
    """Where the index of a model's folder is; where it would be, if there is none."""
    return folder / (MODULAR_INDEX if _is_modular(folder) else INDEX)


def _is_modular(folder: Path) -> bool:
    return not (folder / INDEX).is_file() and (folder / MODULAR_INDEX).is_file()


def is_name(name: str) -> bool:
    """Whether it is a plain name: one with a path in it could lead out of the model's folder."""
    return name not in {"", ".", ".."} and not any(sign in name for sign in "/\\:\0")


def of_pipeline(index: Mapping[str, Any], names: Iterable[str], variant: str | None = None) -> list[str]:
    """The files to have of a repository that lists `names`: its index and each component's files.

    Raises ModelUnavailable where a component's weights are pickles only, or a modular index names another
    repository for it.
    """
    listed = list(names)
    wanted: list[str] = []
    for part in components(index):
        files = of_folder(part, listed, variant)
        if not files and (elsewhere := _repository(index[part])):
            raise ModelUnavailable(
                f"its {part} is not in it. The model's index names {elsewhere} for that, and the studio "
                "takes a model from one repository. Put a folder with all parts into the models folder."
            )
        wanted.extend(files)
    return [index_among(listed) or INDEX, *wanted]


def _repository(value: list[Any]) -> str | None:
    """Where a modular index says that a part is."""
    told = value[2].get("pretrained_model_name_or_path") if len(value) == 3 else None
    return told if isinstance(told, str) and told else None


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
        index = read_object(index_of(folder))
    except (OSError, ValueError):
        return index_of(folder).name
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
