"""Which files and folders of the models folder may be models; links are followed, loops are survived.

Names only: nothing is opened. Knows nothing of what a file is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.disk import layout

PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl"})
WEIGHTS = frozenset({".safetensors", ".gguf", *PICKLES})
MOST_ENTRIES = 100_000
"""Files and folders that are looked at in one walk: a link may lead to a whole disk."""

_CANT_RESOLVE = 1921
"""What Windows says of links that lead in a ring."""
_DEAD = "It is a link to something that is not there. Bring that back, or remove the link."
_RING = "It is a link that leads back to itself, so there is no file behind it. Remove the link."


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something in the models folder that cannot be used, and why."""

    path: Path
    reason: str


def walk(
    folder: Path, *, own: bool = True, useless: Callable[[str], bool] = lambda name: False
) -> Iterator[Path | Unusable]:
    """Files of weights and diffusers folders, in order; what is inside such a folder belongs to it.

    The artist's `own` models folder itself is never a model: a model unpacked straight into it is told of,
    and everything else is found all the same. Folders with a `useless` name are passed over.
    """
    seen: set[str] = set()
    looked_at = 0
    for place, below, names in os.walk(folder, followlinks=True):
        here = Path(place)
        looked_at += len(names) + len(below)
        if looked_at > MOST_ENTRIES:
            yield Unusable(
                here, f"Only the first {MOST_ENTRIES:,} files are looked at. Link a smaller folder."
            )
            return
        index = layout.index_among(names)
        if index and not (own and here == folder):
            below.clear()
            yield here
            continue
        if index:
            yield Unusable(
                here / index,
                "A model was unpacked straight into the models folder. Move all of its files into a folder "
                "of their own in here.",
            )
        yield from _files(here, names)
        below[:] = sorted(name for name in below if not name.startswith(".") and not useless(name))
        refused = [problem for name in below if (problem := _bad_link(here / name, folder, seen))]
        yield from refused
        below[:] = [name for name in below if here / name not in {problem.path for problem in refused}]


def _files(here: Path, names: list[str]) -> Iterator[Path | Unusable]:
    for name in sorted(names):
        path = here / name
        if path.suffix.lower() not in WEIGHTS and not (path.is_symlink() and not path.exists()):
            continue
        if path.is_file():
            yield path
        elif path.is_symlink() and not path.exists():
            yield Unusable(path, _RING if _is_ring(path) else _DEAD)
        else:
            yield Unusable(path, "It is no ordinary file. Remove it from the folder.")


def _is_ring(link: Path) -> bool:
    """It leads back to itself, perhaps over others; what leads nowhere does not."""
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP or getattr(error, "winerror", None) == _CANT_RESOLVE
    return False


def _bad_link(path: Path, folder: Path, seen: set[str]) -> Unusable | None:
    """A link to a folder that is not followed, else None; notes in `seen` where followed ones lead."""
    own, real = os.path.realpath(folder), os.path.realpath(path)
    if Path(real) == Path(os.path.realpath(path.parent)) / path.name:
        return None  # no link
    if _within(own, real):
        return Unusable(path, "It is a link to a folder that holds this one; it is not followed.")
    if _within(real, own) or real in seen:
        return Unusable(path, "It is a second way to a folder that is looked through already.")
    seen.add(real)
    return None


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)
