"""Which files are enlargers, and what they need. Looks at names and headers; imports no torch."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path

from pipelines.disk.headers import header
from pipelines.spec import SINGLE_FILE

FOLDERS = frozenset({"upscalers", "upscale_models", "esrgan", "realesrgan"})
"""Folders of the models folder, as this and other studios call them, in which enlargers lie."""
PICKLE = ".pth"
"""How most enlargers are shared: read as weights alone, then kept as safetensors."""
NEEDS_SPANDREL = (
    "{label} needs the package spandrel, which is not installed. Install it with: pip install "
    '"likeness[upscalers]" (on Linux without an NVIDIA card: pip install --no-deps spandrel einops).'
)
_EMPTY = "It is empty. Copy or download it again."
_NOT_WEIGHTS = "It is not a file of weights. Copy or download it again."
_BEGINNINGS = (b"PK\x03\x04", b"\x80")
"""First bytes of a .pth: of a zip, or of a bare pickle as older programs wrote it."""


def is_place(inside: Path) -> bool:
    """Whether a path inside the models folder is in one of the folders for enlargers."""
    return len(inside.parts) > 1 and inside.parts[0].lower() in FOLDERS


def pickle_fault(path: Path) -> str | None:
    """What is wrong with a .pth as far as can be seen without opening it."""
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        return _EMPTY
    return None if start.startswith(_BEGINNINGS) else _NOT_WEIGHTS


def is_compact(keys: Iterable[str]) -> bool:
    """Whether tensors of these names are laid out as the studio's own enlarger, which needs no package."""
    names = set(keys)
    return "body.0.weight" in names and all(name.startswith("body.") for name in names)


def lacks_package(place: Path) -> bool:
    """Whether the enlarger at `place` cannot be read here for want of spandrel."""
    if place.suffix != SINGLE_FILE or importlib.util.find_spec("spandrel") is not None:
        return False
    try:
        return not _is_own(place, place.stat().st_mtime_ns)
    except (OSError, ValueError):
        return False


@functools.lru_cache(maxsize=64)
def _is_own(place: Path, stamp: int) -> bool:
    """Cached; `stamp`, the time of the last change, is there so that a changed file is read again."""
    del stamp
    return is_compact(header(place))
