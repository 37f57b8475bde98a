"""One worker of the cluster as the Ray process has it: its host, and the threads that wait for it.

Whatever Ray raises about the host means that it is gone: Ray has tried again already where that is of use.
"""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from pipelines.errors import StorageFailure
from pipelines.events import Failed, ReadOrder, WorkOrder
from studio.cluster import references
from studio.cluster.calls import actor, answer, end_actor, is_there, reason
from studio.cluster.machines import Machine
from studio.cluster.messages import (
    ForWorker,
    FromCluster,
    Holding,
    KillWorker,
    Setup,
    StartWorker,
    WorkerEnded,
    WorkerHolds,
    WorkerJoined,
    WorkerSaid,
)
from studio.engine.messages import CancelOrder, JobEvent, ReadAnswer, ToWorker

JOIN_SECONDS = 120.0
WAITING_SECONDS = 30.0
"""After which it is told that a machine has no room for a worker."""
KILL_SECONDS = 10.0
_CALLS = 8
"""Methods of a host that run at a time: `serve` for as long as the worker lives, and short ones."""
_TRIES = 3

_sending: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""By machine: two orders that need the same picture do not send it twice."""


class Lose(Protocol):
    """Called with a worker that is gone, and why in words; not `soon`: trying again at once is no use."""

    def __call__(self, worker: RemoteWorker, words: str, *, soon: bool = True) -> None:
        """Let go of it."""
        ...


class RemoteWorker:
    """Made for a place on a machine; `join` starts its host there, which may take a while."""

    def __init__(
        self,
        name: str,
        machine: Machine,
        setup: Setup,
        say: Callable[[FromCluster], None],
        lose: Lose,
        note: Callable[[str, str | None], None],
    ) -> None:
        self.name = name
        self.machine = machine
        self._setup = setup
        self._say = say
        self._lose = lose
        self._note = note
        self._host: Any = None
        self._outgoing: SimpleQueue[ToWorker | None] = SimpleQueue()
        self._alive = threading.Event()
        """Set while a process of the worker is there."""

    def join(self, wanted: Callable[[], Mapping[str, Holding]]) -> None:
        """Make the host, look which models are there, and tell the studio."""
        from ray.exceptions import GetTimeoutError, RayError

        from studio.cluster.host import WorkerHost

        try:
            options = self.machine.options() | {"max_concurrency": _CALLS}
            self._host = actor(WorkerHost, options, self._setup, self.machine.threads)
            about = self._host.about.remote()
            if not is_there(about, WAITING_SECONDS):
                self._note(self.machine.name, f"{self.machine.name} has no room for another worker yet.")
            answer(about, JOIN_SECONDS)
            holds = answer(self._host.holds.remote(wanted()), JOIN_SECONDS)
        except GetTimeoutError:
            return self._lose(self, f"{self.name} does not start.", soon=False)
        except RayError as error:
            words = f"{self.machine.name} is not used: {reason(error)}."
            self._note(self.machine.name, words)
            return self._lose(self, words, soon=False)
        self._note(self.machine.name, None)
        threading.Thread(target=self._send_all, daemon=True).start()
        self._say(WorkerJoined(self.name, self.machine.name))
        return self._say(WorkerHolds(self.name, holds))

    def ask(self, wanted: Mapping[str, Holding]) -> None:
        """Look again which models are there."""
        threading.Thread(target=self._ask, args=(wanted,), daemon=True).start()

    def hear(self, message: StartWorker | ForWorker | KillWorker) -> None:
        """Do what the studio says; returns at once."""
        match message:
            case StartWorker():
                self._alive.set()
                threading.Thread(target=self._serve, daemon=True).start()
            case ForWorker(_, CancelOrder() as cancel):  # not behind files that are on their way
                threading.Thread(target=self._send, args=(cancel,), daemon=True).start()
            case ForWorker():
                self._outgoing.put(message.message)
            case KillWorker():
                threading.Thread(target=self._kill, daemon=True).start()

    def leave(self) -> None:
        """End the host and its worker, if they are still there."""

        self._outgoing.put(None)
        if self._host is not None:
            end_actor(self._host)

    # --- inside -------------------------------------------------------------------------------

    def _serve(self) -> None:
        from ray.exceptions import RayError

        try:
            for each in self._host.serve.options(num_returns="streaming").remote():
                said = answer(each)
                if isinstance(said, str):
                    self._alive.clear()
                    self._say(WorkerEnded(self.name, said))
                else:
                    self._say(WorkerSaid(self.name, said))
        except RayError as error:
            self._gone(error)

    def _send_all(self) -> None:
        while (message := self._outgoing.get()) is not None:
            self._send(message)

    def _send(self, message: ToWorker) -> None:
        from ray.exceptions import RayError

        try:
            self._deliver(message)
        except OSError as error:
            failed = Failed(StorageFailure.code, f"A reference cannot be read: {error.strerror or error}.")
            match message:
                case WorkOrder():
                    self._say(WorkerSaid(self.name, JobEvent(message.job_id, failed)))
                case ReadOrder():
                    self._say(WorkerSaid(self.name, ReadAnswer(message.order_id, failed)))
                case CancelOrder():
                    pass
        except RayError as error:
            self._gone(error)

    def _deliver(self, message: ToWorker) -> None:
        keys: dict[str, str] = {}
        if isinstance(message, WorkOrder | ReadOrder):
            keys = {path: _key(path, Path(path).stat().st_mtime_ns) for path in references.paths_of(message)}
        for attempt in range(_TRIES):
            if keys:
                self._send_files(keys)
            try:
                return answer(self._host.give.remote(message, keys))
            except references.NotKept:
                if attempt == _TRIES - 1:
                    raise OSError(f"the folder for references on {self.machine.name} is too small") from None
        return None

    def _send_files(self, keys: Mapping[str, str]) -> None:
        """Those that the machine has not got."""
        paths = {key: path for path, key in keys.items()}
        with _sending[self.machine.id]:
            for key in answer(self._host.lacking.remote([*paths])):
                answer(self._host.keep.remote(key, Path(paths[key]).read_bytes()))

    def _ask(self, wanted: Mapping[str, Holding]) -> None:
        from ray.exceptions import RayError

        if self._host is None:
            return
        try:
            self._say(WorkerHolds(self.name, answer(self._host.holds.remote(wanted), JOIN_SECONDS)))
        except RayError:  # whoever serves it hears of its end
            return

    def _kill(self) -> None:
        from ray.exceptions import RayError

        try:
            answer(self._host.kill.remote(), KILL_SECONDS)
        except RayError as error:
            if self._alive.is_set():
                self._gone(error)

    def _gone(self, error: Exception) -> None:
        from ray.exceptions import GetTimeoutError

        quiet = isinstance(error, GetTimeoutError)
        self._lose(
            self, f"{self.name} does not answer." if quiet else f"{self.name} was lost: {reason(error)}."
        )


@functools.lru_cache(maxsize=4096)
def _key(path: str, changed: int) -> str:
    """`changed`: when the file was written, so that another of that name is read anew."""
    return references.key_of(Path(path))
