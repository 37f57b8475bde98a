"""Names and shapes of the tensors in a .gguf file, through the package `gguf`, which is an extra."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ENDING = ".gguf"
NEEDS_PACKAGE = (
    'It is a .gguf file, which needs the package gguf. Install it with: pip install "likeness[gguf]".'
)


class PackageMissing(ValueError):
    """What it says is what to do."""


def is_installed() -> bool:
    """Whether .gguf files can be read here."""
    return importlib.util.find_spec("gguf") is not None


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape as torch has it. Raises ValueError where it is no whole file of its kind, and OSError."""
    if not is_installed():
        raise PackageMissing(NEEDS_PACKAGE)
    if not path.is_file():
        raise ValueError(f"{path.name} is not an ordinary file.")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path.name} is not a .gguf file.")
    from gguf import GGUFReader

    try:
        tensors = GGUFReader(path).tensors
    except Exception as error:
        raise ValueError(f"{path.name} is not a whole .gguf file.") from error
    return {tensor.name: tuple(int(side) for side in reversed(tensor.shape)) for tensor in tensors}
