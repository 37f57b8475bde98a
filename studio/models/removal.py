"""Takes a model's own files away, and nothing else: links go, never what they point at.

Another program may keep its models under a link in the models folder, and an artist other files beside one.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipelines.disk import layout
from pipelines.disk.json_files import read_object
from pipelines.errors import Conflict, StorageFailure
from studio import durable

_ASIDE = frozenset({"readme.md", ".gitattributes", ".gitignore", "license", "license.md", "license.txt"})
"""What comes with a repository of the hub beside the model, in lower case."""


class OwnFile(BaseModel):
    """A file to be removed: path, size and times, so that a newer one of that name is not taken for it."""

    model_config = ConfigDict(frozen=True)

    inside: str
    """Path relative to the model's folder, with `/`; `.` is the model itself, where it is one file."""
    size: int
    written_ns: int
    changed_ns: int


def is_own(place: Path, folder: Path) -> bool:
    """Whether `place` lies in the models folder itself: below it, and not behind a link to another folder."""
    if folder == place or folder not in place.parents:
        return False
    inside = place.parent.relative_to(folder)
    return Path(os.path.realpath(place.parent)) == Path(os.path.realpath(folder)) / inside


def own_files(place: Path, folder: Path, label: str) -> list[OwnFile]:
    """What goes with a file, a link or a diffusers model of the models folder, in the order to delete it.

    Raises Conflict where it lies behind a link, and StorageFailure.
    """
    if not is_own(place, folder):
        raise Conflict(
            f"{label} lies in a folder that is only linked into the models folder. Remove it where it lies, "
            "or remove the link."
        )
    with _speaking_of(place):
        return [_told(path, place) for path in _own_files(place) if os.path.lexists(path)]


def take_away(place: Path, files: Iterable[OwnFile]) -> None:
    """Delete these, and the folders that are empty then. Raises StorageFailure."""
    with _speaking_of(place):
        for each in files:
            durable.delete(place / each.inside)
        _remove_empty(place)


def still_there(place: Path, files: Iterable[OwnFile]) -> list[OwnFile]:
    """Those that nobody has changed since they were listed."""
    return [
        each
        for each in files
        if os.path.lexists(place / each.inside) and _told(place / each.inside, place) == each
    ]


def remove_tree(place: Path) -> None:
    """Delete a folder of the hub's cache; of a link, the link. Raises StorageFailure."""
    with _speaking_of(place):
        if place.is_symlink() or not place.is_dir():
            durable.delete(place)
        else:
            durable.delete_tree(place)


@contextmanager
def _speaking_of(place: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailure(f"{place} cannot be removed: {error.strerror}.") from error


def _told(path: Path, place: Path) -> OwnFile:
    seen = path.lstat()
    return OwnFile(
        inside=path.relative_to(place).as_posix(),
        size=seen.st_size,
        written_ns=seen.st_mtime_ns,
        changed_ns=seen.st_ctime_ns,
    )


def _own_files(place: Path) -> Iterator[Path]:
    """Of a diffusers model its index, its components and what a repository brings beside them."""
    if place.is_symlink() or not place.is_dir():
        yield place
        return
    index = read_object(layout.index_of(place))
    for name in layout.named_parts(index):
        part = place / name
        if not (part.is_dir() or part.is_symlink()) or layout.index_of(part).exists():
            continue  # a model within the model is another one
        yield from [part] if part.is_symlink() else _files(part)
    yield from (path for path in place.iterdir() if path.name.lower() in _ASIDE and not path.is_dir())
    yield from (place / name for name in layout.INDEXES)  # last: what was interrupted can be removed again


def _files(folder: Path) -> Iterable[Path]:
    """Texts and weights of one component. Others stay: somebody put them there."""
    paths = (path for path in folder.iterdir() if path.is_symlink() or path.is_file())
    return [path for path in paths if layout.belongs_to_model(path.name)]


def _remove_empty(place: Path) -> None:
    """Folders in which nothing is left; one that still holds something stays with it."""
    if place.is_symlink() or not place.is_dir():
        return
    for folder in (*(path for path in place.iterdir() if path.is_dir() and not path.is_symlink()), place):
        if not any(folder.iterdir()):
            folder.rmdir()
