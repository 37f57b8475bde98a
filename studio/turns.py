"""A lock whose waiters come in the order in which they asked: one who takes it often shuts nobody out."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """One holder at a time, a thread; for `with`. A thread must not wait for itself (RuntimeError)."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._holder: int | None = None
        self._taken = False

    def __enter__(self) -> None:
        if self._holder == threading.get_ident():
            raise RuntimeError("A thread waits for itself: blocks that write must not be nested.")
        turn = threading.Lock()
        turn.acquire()
        with self._guard:
            if not self._taken:
                self._taken = True
                turn.release()
            else:
                self._waiting.append(turn)
        turn.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
