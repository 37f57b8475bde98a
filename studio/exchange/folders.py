"""Finding the picture files of a folder: all the way down, every folder once, trouble told and passed by.

Follows links; a link that leads back is named, not followed. Opens no file.
"""

from __future__ import annotations

import os
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
class Trouble:
    """Something that cannot be looked into, and why."""

    path: Path
    reason: str


def scan(folder: Path, leave_out: Path) -> Iterator[FoundFile | Trouble]:
    """Everything below `folder` but what is in `leave_out`, folder by folder, by name."""
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            status = current.stat()
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            yield Trouble(current, _why(error, "folder"))
            continue
        if (status.st_dev, status.st_ino) in seen:
            yield Trouble(current, "This is a link back to a folder that is imported already.")
            continue
        seen.add((status.st_dev, status.st_ino))
        below = [found for entry in entries if (found := _look(entry)) is not None]
        yield from (found for found in below if not isinstance(found, Path))
        folders = [found for found in below if isinstance(found, Path)]
        waiting += [f for f in reversed(folders) if not _same(f, leave_out)]


def _look(entry: os.DirEntry[str]) -> FoundFile | Trouble | Path | None:
    """A folder as its path; None for what is no picture."""
    if entry.name.startswith("."):
        return None
    path = Path(entry.path)
    try:
        if entry.is_dir():
            return path
        if path.suffix.lower() not in ENDINGS:
            return None
        status = entry.stat()
        if entry.is_file():
            return FoundFile(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        return Trouble(path, _why(error, "file"))
    return Trouble(path, "This is not a file.")


def _same(folder: Path, other: Path) -> bool:
    try:
        return folder.samefile(other)
    except OSError:
        return False


def _why(error: OSError, what: str) -> str:
    reason = "This link points nowhere." if isinstance(error, FileNotFoundError) else error.strerror
    return reason or f"The {what} cannot be read."
