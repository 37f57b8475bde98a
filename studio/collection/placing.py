"""Files on their way to a row. Where the row is refused the file goes, too: else the next start would take in
a picture of which it was said that it is not kept.

Brings files (`store`) and rows together; knows nothing of what the pictures are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.errors import LikenessError, StorageFailure
from studio.collection import rows
from studio.collection.store import ImageStore
from studio.database import Database

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _OnItsWay:
    by: int
    """How many are placing it just now."""
    is_new: bool
    """Its file was not there when the first of them began."""


class Placing:
    """What one process places. Thread-safe."""

    def __init__(self, store: ImageStore, database: Database) -> None:
        self._store = store
        self._database = database
        self._lock = threading.Lock()
        self._on_their_way: dict[tuple[str, str], _OnItsWay] = {}

    @contextmanager
    def of(self, names: Collection[tuple[str, str]]) -> Generator[None]:
        """Within the block files of these names, (SHA-256, extension), come to their places, then their rows.

        Where that is refused (LikenessError), files that came and have no row are taken away again, unless
        somebody else is placing the same.
        """
        with self._lock:
            for name in names:
                is_new = not self._store.path(*name).exists()
                self._on_their_way.setdefault(name, _OnItsWay(0, is_new)).by += 1
        refused = False
        try:
            yield
        except LikenessError:
            refused = True
            raise
        finally:
            with self._lock:
                last = [name for name in names if self._leave(name)]
                if refused:
                    self._take_back(last)

    def _leave(self, name: tuple[str, str]) -> bool:
        """True where this was the last who places it, and its file is new."""
        here = self._on_their_way[name]
        here.by -= 1
        if here.by:
            return False
        del self._on_their_way[name]
        return here.is_new

    def _take_back(self, names: Collection[tuple[str, str]]) -> None:
        try:
            with self._database.reading() as session:
                known = rows.by_hashes(session, [sha256 for sha256, _ in names])
            self._store.delete(name for name in names if name[0] not in known)
        except StorageFailure as error:
            _log.warning("Files whose rows were refused stay for now: %s", error)
