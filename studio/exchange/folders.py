"""Finding the picture files of a folder: all the way down, every folder once, trouble told and passed by.

Follows links; a link that leads back is named, not followed. Opens no file, and remembers none but the names
of the folder it is in: folders can be large.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A picture file, with what tells whether it has changed since."""

    path: Path
    modified_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class FolderProblem:
    """Something that cannot be looked into, and why."""

    path: Path
    reason: str


def scan(folder: Path, leave_out: Path) -> Iterator[FoundFile | FolderProblem]:
    """Everything below `folder` but what is in `leave_out`, folder by folder, by name."""
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            status = current.stat()
            with os.scandir(current) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError as error:
            yield FolderProblem(current, _why(error, "folder"))
            continue
        if (status.st_dev, status.st_ino) in seen:
            yield FolderProblem(current, "This is a link back to a folder that is imported already.")
            continue
        seen.add((status.st_dev, status.st_ino))
        folders: list[Path] = []
        for name in names:
            found = _look(current / name)
            if isinstance(found, Path):
                folders.append(found)
            elif found is not None:
                yield found
        waiting += [f for f in reversed(folders) if not _same(f, leave_out)]


def _look(path: Path) -> FoundFile | FolderProblem | Path | None:
    """A folder as its path; None for what is no picture."""
    if path.name.startswith("."):
        return None
    try:
        if path.is_dir():
            return path
        if path.suffix.lower() not in ENDINGS:
            return None
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return FoundFile(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        return FolderProblem(path, _why(error, "file"))
    return FolderProblem(path, "This is not a file.")


def _same(folder: Path, other: Path) -> bool:
    try:
        return folder.samefile(other)
    except OSError:
        return False


def _why(error: OSError, what: str) -> str:
    reason = "This link points nowhere." if isinstance(error, FileNotFoundError) else error.strerror
    return reason or f"The {what} cannot be read."
