"""One worker process as the studio holds it: spawned, spoken to over a pipe, ended.

Whoever dies first, the other notices: the worker's death closes the pipe here, and the studio's death
closes it there. Knows nothing of orders, states or restarts.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from studio.engine import deaths
from studio.engine.messages import FromWorker, ToWorker

if TYPE_CHECKING:
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection as Connection
    else:
        from multiprocessing.connection import Connection

WorkerMain = Callable[..., None]
"""Entry point of the child, called with its end of the pipe and `args`; importable by name."""

_JOIN_SECONDS = 10.0


class Process(Protocol):
    """A worker process that has begun to start, here or on another machine."""

    @property
    def pid(self) -> int | None:
        """Process id, on its own machine."""
        ...

    def send(self, message: ToWorker) -> None:
        """Hand over a message; to a dead worker it is simply lost, `messages` tells of the death."""
        ...

    def messages(self) -> Iterator[FromWorker]:
        """What the worker says, ending with its death."""
        ...

    def kill(self) -> None:
        """Kill the process; does nothing where it has ended already."""
        ...

    def wait_and_close(self) -> str:
        """Wait for the end, free everything, and say in words how it died."""
        ...


class WorkerProcess:
    """A spawned process running `main(connection, *args)`."""

    def __init__(self, main: WorkerMain, args: tuple[Any, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        self._pipe: Connection = ours
        self._send_lock = threading.Lock()
        self._process = context.Process(
            target=main, args=(theirs, *args), name="likeness-worker", daemon=True
        )
        with theirs, _sigint_blocked():
            self._process.start()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    def send(self, message: ToWorker) -> None:
        """Hand over a message; to a dead worker it is simply lost, `messages` tells of the death."""
        with self._send_lock, contextlib.suppress(OSError):
            self._pipe.send(message)

    def messages(self) -> Iterator[FromWorker]:
        """What the worker says, ending with its death."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                yield self._pipe.recv()

    def kill(self) -> None:
        """Kill the process; does nothing where it has ended already."""
        with contextlib.suppress(ValueError):
            self._process.kill()

    def wait_and_close(self) -> str:
        """Wait for the end, free everything, and say in words how it died."""
        self._process.join(_JOIN_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        words = f"The image worker {deaths.words(self._process.exitcode or 0)}"
        self._process.close()
        with self._send_lock:
            self._pipe.close()
        return words


@contextlib.contextmanager
def _sigint_blocked() -> Generator[None]:
    """Ctrl-C reaches the whole terminal group; a child born in here does not see it, even while it starts."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
