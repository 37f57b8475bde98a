"""The header of a safetensors file: names, types, shapes and places of its tensors, and its maker's notes.

Reads no tensor. Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

_MOST_HEADER = 100 * 2**20


def header(path: Path) -> dict[str, dict[str, Any]]:
    """Tensor name → {dtype, shape, data_offsets}. Raises ValueError where it is no safetensors file."""
    return contents(path)[0]


def contents(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The header, and what the file's maker wrote beside it. Raises ValueError, OSError."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_MOST_HEADER, path.stat().st_size):
            raise ValueError(f"{path.name} is not a safetensors file.")
        try:
            tensors = json.loads(file.read(length))
        except ValueError as error:
            raise ValueError(f"{path.name} is not a safetensors file.") from error
    words = tensors.pop("__metadata__", None)
    return tensors, words if isinstance(words, dict) else {}
