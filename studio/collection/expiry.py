"""Looks at the trash every hour that the studio is at work: days count, and what is over goes."""

from __future__ import annotations

import logging
import threading

from pipelines.errors import StorageFailure
from studio.collection.trash import Trash

HOUR_SECONDS = 3600.0
_log = logging.getLogger(__name__)


class Expiry:
    """One thread. Start it once, stop it before the database is closed."""

    def __init__(self, trash: Trash, every_seconds: float = HOUR_SECONDS) -> None:
        self._trash = trash
        self._every = every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="expiry", daemon=True)

    def start(self) -> None:
        """The first look is an hour from now: the start has had its own."""
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait for the look it is at."""
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                self._trash.expire()
            except StorageFailure as failure:
                _log.warning("The trash cannot be looked at: %s", failure.detail)
