"""Room in memory for decoded pictures: so many bytes at once, whoever asks; what is too large waits.

A small file can unfold to a gigabyte, and many can come at once. Knows no pictures.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager


class MemoryBudget:
    """`total` bytes, given out in the order of asking, so that large ones are not passed over for ever."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._left = total
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Generator[None]:
        """Have `size` bytes for the block; more than there are in all: all of them. Not to be nested."""
        wanted = min(size, self._total)
        self._take(wanted)
        try:
            yield
        finally:
            with self._changed:
                self._left += wanted
                self._changed.notify_all()

    def _take(self, wanted: int) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._left >= wanted)
                self._left -= wanted
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
