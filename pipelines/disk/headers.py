"""The header of a safetensors file: names, types, shapes and places of its tensors, and its maker's notes.

Reads no tensor, and nothing but ordinary files: a pipe or a device would be waited for. Whatever is in the
file, what comes out has the shape that is promised here. Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import orjson

from pipelines.disk.json_files import is_list, is_object

_MOST_HEADER = 25 * 2**20
"""Bytes: some 400,000 tensors, a hundred times what models have; more would hold up every start."""
_NOTES = "__metadata__"


def header(path: Path) -> dict[str, dict[str, Any]]:
    """Tensor name → {dtype, shape, data_offsets}. Raises ValueError where it is no safetensors file."""
    return contents(path)[0]


def contents(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The header, and what the file's maker wrote beside it.

    Raises ValueError for what is no whole safetensors file, and OSError.
    """
    if not path.is_file():
        raise ValueError(f"{path.name} is not an ordinary file.")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_MOST_HEADER, size - 8):
            raise ValueError(f"{path.name} is not a safetensors file.")
        text = file.read(length)
    try:
        said: Any = orjson.loads(text)
    except ValueError as error:
        raise ValueError(f"{path.name} is not a safetensors file.") from error
    notes = said.pop(_NOTES, None) if is_object(said) else None
    if not is_object(said) or not all(_is_tensor(tensor) for tensor in said.values()):
        raise ValueError(f"{path.name} is not a safetensors file.")
    if 8 + length + max((tensor["data_offsets"][1] for tensor in said.values()), default=0) > size:
        raise ValueError(f"{path.name} is cut off.")
    return said, _texts(notes)


def _is_tensor(said: Any) -> bool:
    """Written for speed: a file has thousands of them, and a library thousands of files."""
    if not is_object(said) or not isinstance(said.get("dtype"), str):
        return False
    shape, places = said.get("shape"), said.get("data_offsets")
    if not is_list(shape) or not is_list(places) or len(places) != 2:
        return False
    for count in (*shape, *places):
        if type(count) is not int or count < 0:
            return False
    return places[0] <= places[1]


def _texts(notes: Any) -> dict[str, str]:
    """The format knows texts only; anything else is left out."""
    if not is_object(notes):
        return {}
    return {key: value for key, value in notes.items() if isinstance(value, str)}
