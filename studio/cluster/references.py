"""Pictures that orders need, kept on each machine by the hash of their bytes: sent once, and not for ever.

All workers of a machine share one folder. What is kept is bounded; the least recently used goes first. An
order gets names of its own for its files (hard links), so that nothing it reads can go while it lasts.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pipelines.events import ReadOrder, WorkOrder
from studio import durable

Order = TypeVar("Order", WorkOrder, ReadOrder)


class NotKept(Exception):
    """Some of the files have gone meanwhile; send them again."""


def default_folder() -> Path:
    """The folder of this person on this machine; another's of that name is not used."""
    folder = Path(tempfile.gettempdir()) / f"likeness-references-{getpass.getuser()}"
    durable.make_folder(folder)
    return folder if durable.is_mine(folder) else Path(tempfile.mkdtemp(prefix="likeness-references-"))


def key_of(path: Path) -> str:
    """What a file is kept under: the SHA-256 of its bytes, with its ending."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() + path.suffix.lower()


def paths_of(order: WorkOrder | ReadOrder) -> set[str]:
    """All files an order names."""
    if isinstance(order, ReadOrder):
        return {region.path for region in order.regions}
    return {*order.files.values(), *order.masks.values(), *order.originals.values()}


def with_paths(order: Order, at: Mapping[str, str]) -> Order:
    """The order with each of its files where it is `at`."""
    if isinstance(order, ReadOrder):
        return replace(order, regions=tuple(replace(each, path=at[each.path]) for each in order.regions))
    moved = {
        name: {image: at[path] for image, path in getattr(order, name).items()}
        for name in ("files", "masks", "originals")
    }
    return replace(order, **moved)


class KeptFiles:
    """The folder of one machine, used by several processes at once. `limit` in bytes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._files = folder / "files"
        self._orders = folder / "orders" / str(os.getpid())
        self._limit = limit
        durable.delete_tree(self._orders)  # of an earlier process of this number
        for each in (self._files, self._orders):
            durable.make_folder(each)

    def lacking(self, keys: Iterable[str]) -> list[str]:
        """Those that are not kept; the others count as used now."""
        return [key for key in keys if not self._use(key)]

    def keep(self, key: str, data: bytes) -> None:
        """Keep a file, and let go of the least recently used beyond the limit."""
        temp = self._files / f".{key}.{os.getpid()}.part"
        temp.write_bytes(data)
        temp.replace(self._files / key)
        self._make_room(key)

    def names_for(self, order_id: str, keys: Iterable[str]) -> dict[str, str]:
        """Paths that stay until `done`. Raises NotKept."""
        folder = self._orders / order_id
        durable.make_folder(folder)
        return {key: str(self._named(folder / key, self._files / key)) for key in keys}

    def done(self, order_id: str) -> None:
        """The order has ended."""
        durable.delete_tree(self._orders / order_id)

    def _named(self, name: Path, kept: Path) -> Path:
        try:
            with contextlib.suppress(FileExistsError):
                _link(kept, name)
        except FileNotFoundError as error:
            raise NotKept from error
        return name

    def _use(self, key: str) -> bool:
        try:
            os.utime(self._files / key)
        except OSError:
            return False
        return True

    def _make_room(self, newest: str) -> None:
        found: list[tuple[float, int, Path]] = []
        for path in self._files.iterdir():
            if path.name != newest and (status := durable.status(path)) is not None:
                found.append((status.st_mtime, status.st_size, path))
        kept = durable.status(self._files / newest)
        total = sum(size for _, size, _ in found) + (kept.st_size if kept else 0)
        for _, size, path in sorted(found):
            if total <= self._limit:
                return
            with contextlib.suppress(OSError):
                durable.delete(path)
                total -= size


def _link(kept: Path, name: Path) -> None:
    try:
        name.hardlink_to(kept)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:  # a disk without hard links
        shutil.copyfile(kept, name)
