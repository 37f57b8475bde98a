"""By how much a process grows while something runs."""

from __future__ import annotations

import threading

import psutil


class Growth:
    """Watches, while its block runs, by how many bytes a process (this one) is larger than before."""

    def __init__(self, process: int | None = None) -> None:
        self.most, self._process, self._over = 0, psutil.Process(process), threading.Event()

    def __enter__(self) -> Growth:
        self.before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            try:
                self.most = max(self.most, self._process.memory_info().rss - self.before)
            except psutil.NoSuchProcess:
                return
