"""One worker of the cluster as the engine has it: supervised, and spoken to through the Ray process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue

from studio.cluster.messages import ForWorker, Held, KillWorker, StartWorker, ToCluster, WorkerEnded
from studio.engine import Place
from studio.engine.messages import FromWorker, ToWorker
from studio.engine.supervisor import SupervisedWorker
from studio.records import WorkerInfo, WorkerState

AGAIN_SECONDS = 30.0
"""Before a worker that could not be started is tried again: nobody gives it an order meanwhile."""


class RemoteProcess:
    """A worker's process on another machine. See `studio.engine.process.Process`."""

    pid: int | None = None

    def __init__(self, name: str, post: Callable[[ToCluster], None]) -> None:
        """Whoever makes it tells the Ray process to start one."""
        self._name = name
        self._post = post
        self._inbox: SimpleQueue[FromWorker | WorkerEnded] = SimpleQueue()
        self._words = ""

    def put(self, said: FromWorker | WorkerEnded) -> None:
        """It said this."""
        self._inbox.put(said)

    def send(self, message: ToWorker) -> None:
        """Hand over a message."""
        self._post(ForWorker(self._name, message))

    def messages(self) -> Iterator[FromWorker]:
        """What the worker says, ending with its death."""
        while not isinstance(said := self._inbox.get(), WorkerEnded):
            yield said
        self._words = said.words

    def kill(self) -> None:
        """Kill the process."""
        self._post(KillWorker(self._name))

    def wait_and_close(self) -> str:
        """How it died, in words."""
        return self._words


class Slot:
    """Made when a worker joins. `holds`: which of the studio's models are on its machine, by id.

    All attributes may be read without a lock: its worker's thread writes them.
    """

    def __init__(
        self,
        name: str,
        machine: str,
        post: Callable[[ToCluster], None],
        tell: Callable[[], None],
        cancel_grace: float,
    ) -> None:
        """`tell` is called after each change of its state, with the worker's lock held."""
        self.name = name
        self.machine = machine
        self.holds: Mapping[str, Held] = {}
        self.state = WorkerState(state="starting")
        self.model: str | None = None
        self.orders = 0
        self._post = post
        self._tell = tell
        self._lock = threading.Lock()
        self._process: RemoteProcess | None = None
        self._gone = ""
        self.worker = SupervisedWorker(self._start, cancel_grace=cancel_grace)
        self.worker.on_state(self._note)

    def put(self, said: FromWorker | WorkerEnded) -> None:
        """The worker said this."""
        with self._lock:
            process = self._process
        if process is not None:
            process.put(said)

    def end(self, words: str) -> None:
        """The worker is gone for good; what it had in hand is lost."""
        with self._lock:
            self._gone = words
        self.worker.stop(words, wait=False)
        self.put(WorkerEnded(self.name, words))

    def place(self, takes: Callable[[str | None], bool]) -> Place:
        """As far as choosing goes. What reads pictures meanwhile is waited for."""
        free = self.state.state in ("ready", "busy")
        return Place(self.name, free, self.model, takes, self.orders)

    def told(self) -> WorkerInfo:
        """As it is shown."""
        now = self.state
        return WorkerInfo(
            name=self.name,
            machine=self.machine,
            state=now.state,
            device=now.device,
            detail=now.detail,
            model=self.model,
        )

    def _start(self) -> RemoteProcess:
        process = RemoteProcess(self.name, self._post)
        with self._lock:
            self._process, gone = process, self._gone
        if gone:
            process.put(WorkerEnded(self.name, gone))
        else:
            self._post(StartWorker(self.name))
        return process

    def _note(self, state: WorkerState) -> None:
        fell = state.state == "down" and self.state.state != "down"
        self.state, self.model, self.orders = state, self.worker.model, self.worker.orders
        if fell and not self._gone:
            again = threading.Timer(AGAIN_SECONDS, self.worker.try_again)
            again.daemon = True
            again.start()
        self._tell()
