"""Processes to be killed: each forked from one that has imported everything, so that a start takes no time.

They are real processes with an own copy of everything but the code. What they say is heard line by line.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TextIO

os.environ.setdefault("OMP_NUM_THREADS", "1")
context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
context.set_forkserver_preload(
    [
        "alembic.command",
        "studio.collection.migrations",
        "studio.dispatcher",
        "studio.engine.local",
        "studio.exchange.exchange",
        "studio.service",
        "tests.kill.keeper",
        "tests.kill.steerer",
        "tests.kill.victim",
        "tests.studio.fixtures",
    ]
)


class Spoken:
    """A process that runs `main(*arguments)`. `lines` is what it, and its children, write to stdout."""

    def __init__(self, main: Callable[..., None], *arguments: object) -> None:
        reader, writer = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(writer, main, arguments))
        self._process.start()
        writer.close()
        self.lines: TextIO = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def end(self, seconds: float) -> int | None:
        """Wait for its end; the exit code, None where it goes on."""
        self._process.join(seconds)
        return self._process.exitcode


def _run(writer: Connection, main: Callable[..., None], arguments: tuple[object, ...]) -> None:
    os.dup2(writer.fileno(), 1)
    writer.close()
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    main(*arguments)
    sys.stdout.flush()
