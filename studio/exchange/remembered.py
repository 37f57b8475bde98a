"""What files were found to say, kept in memory: looking at a picture again does not read its file again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from studio.collection.metadata.reading import Findings

MOST_CHARS = 8 * 2**20
"""Of all texts that are kept; the least asked for go first."""


class FindingsCache:
    """Findings by anything that tells one content from another. Thread-safe."""

    def __init__(self, most_chars: int = MOST_CHARS) -> None:
        self._most = most_chars
        self._kept: OrderedDict[Hashable, Findings] = OrderedDict()
        self._chars = 0
        self._lock = threading.Lock()

    def of(self, key: Hashable, read: Callable[[], Findings]) -> Findings:
        """What is known of `key`, else what `read` finds. Raises what `read` does, and keeps none of that."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = read()
        with self._lock:
            self._keep(key, found)
        return found

    def _keep(self, key: Hashable, found: Findings) -> None:
        if key in self._kept or _chars(found) > self._most:
            return
        self._kept[key] = found
        self._chars += _chars(found)
        while self._chars > self._most:
            self._chars -= _chars(self._kept.popitem(last=False)[1])


def _chars(found: Findings) -> int:
    """About what is taken in memory."""
    unmapped = found.metadata.unmapped if found.metadata else ()
    texts = (text for pairs in (found.raw, unmapped) for pair in pairs for text in pair)
    return 1000 + sum(map(len, texts)) + sum(map(len, found.faults))
