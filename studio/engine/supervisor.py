"""One worker process, wherever it is: started at once, watched, replaced when it dies or hangs.

A supervisor thread owns the process from birth to death, and a watching one ends it where it hangs; `run`
only waits for what the supervisor hands over. Knows nothing of the queue, of files and of what is inside an
order, nor of how its process is made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from pipelines.errors import Cancelled, Conflict, WorkerLost, named
from pipelines.events import Completed, Event, Failed, Reading, ReadOrder, WorkOrder
from studio.engine import NotBegun
from studio.engine.announcing import Announced, Listener
from studio.engine.inbox import Answers, CancelWanted, Inbox, Lost
from studio.engine.messages import (
    CancelOrder,
    FromWorker,
    JobEvent,
    Leaving,
    ReadAnswer,
    Ready,
    StartFailed,
    StartupProgress,
)
from studio.engine.patience import Patience
from studio.engine.process import Process
from studio.records import WorkerState
from studio.settings import PROGRAM

log = logging.getLogger(__name__)

CANCEL_GRACE_SECONDS = 5.0
RESTART_DELAYS = (0.2, 2.0, 8.0)
"""Pause before a new process, by the number of starts that failed in a row; one more, and it is down."""

_WATCH_SECONDS = 1.0

READ_PATIENCE_SECONDS = 5.0
"""How long a question about pictures waits for the job that runs."""
READ_SECONDS = 120.0
"""A worker that has not answered such a question by then is replaced."""


@dataclass(frozen=True, slots=True)
class _Life:
    """How one process ended: whether it was ever ready, why it died; `final`: trying again is no use."""

    ready: bool
    words: str
    final: bool = False


class SupervisedWorker:
    """Orders, questions and cancels for one worker. `start` makes its process; raises OSError."""

    def __init__(
        self,
        start: Callable[[], Process],
        *,
        restart_delays: Sequence[float] = RESTART_DELAYS,
        cancel_grace: float = CANCEL_GRACE_SECONDS,
        read_limit: float = READ_SECONDS,
        patience: Callable[[], Patience] = Patience,
    ) -> None:
        self._start = start
        self._delays = restart_delays
        self._cancel_grace = cancel_grace
        self._read_limit = read_limit
        self._new_patience = patience
        self._patience = patience()
        self._readers_waiting = 0
        self._changed = threading.Condition()
        starting = WorkerState(state="starting", detail="Starting the image worker.")
        self._announced = Announced(starting, self._changed)
        self._child: Process | None = None
        self._closing = "The studio is closing."
        self._orders = 0
        self._model: str | None = None
        self._job_id: str | None = None
        self._inbox: Inbox | None = None
        self._answers: Answers | None = None
        self._cancelled: set[str] = set()
        self._retry = False
        self._stopping = False
        self._supervisor = threading.Thread(target=self._supervise, name="engine-supervisor", daemon=True)
        self._supervisor.start()

    # --- what the studio calls --------------------------------------------------------------

    @property
    def state(self) -> WorkerState:
        """What the worker is doing now."""
        with self._changed:
            return self._announced.now

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None between two lives."""
        with self._changed:
            return self._child.pid if self._child else None

    def on_state(self, listener: Listener) -> None:
        """Call `listener` with the state now and after each change, from any thread."""
        with self._changed:
            self._announced.listen(listener)

    @property
    def model(self) -> str | None:
        """Of the last order: it is in the worker's memory."""
        with self._changed:
            return self._model

    @property
    def orders(self) -> int:
        """How many it has been given."""
        with self._changed:
            return self._orders

    def run(self, order: WorkOrder) -> Generator[Event]:
        """Events of the order up to `Completed` or `Failed`. Raises WorkerLost."""
        inbox: Inbox = SimpleQueue()
        refused = self._admit(order, inbox)
        if refused:
            yield refused
            return
        try:
            yield from self._follow(inbox)
        except GeneratorExit:
            self.cancel(order.job_id)
            raise
        finally:
            self._dismiss()

    def read(self, order: ReadOrder, patience: float = READ_PATIENCE_SECONDS) -> tuple[Reading, ...]:
        """What a reader says of each region; goes before the next job. Raises Conflict, WorkerLost, …"""
        answers: Answers = SimpleQueue()
        self._admit_reader(order, answers, patience)
        try:
            return self._answer(answers)
        finally:
            self._free()

    def cancel(self, job_id: str) -> None:
        """Ask the order to end as cancelled; a worker that does not answer in time is replaced."""
        with self._changed:
            self._cancelled.add(job_id)
            if self._job_id == job_id and self._inbox and self._child:
                self._inbox.put(CancelWanted())
                self._child.send(CancelOrder(job_id))
            self._changed.notify_all()

    def try_again(self) -> None:
        """Start the worker anew where that was given up; an order does so by itself."""
        with self._changed:
            self._retry = True
            self._changed.notify_all()

    def stop(self, why: str | None = None, *, wait: bool = True) -> None:
        """End the worker for good. Returns when its process is gone, unless nobody is to `wait` for that."""
        with self._changed:
            self._stopping, self._closing = True, why or self._closing
            child = self._child
            self._changed.notify_all()
        if child:
            child.kill()
        if wait:
            self._supervisor.join()

    # --- one order --------------------------------------------------------------------------

    def _admit(self, order: WorkOrder, inbox: Inbox) -> Failed | None:
        """Wait for a ready worker and hand it the order, or say why it does not begin."""
        with self._changed:
            self._retry = self._announced.now.state == "down"
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopping or self._settled(order.job_id))
            if order.job_id in self._cancelled:
                self._cancelled.discard(order.job_id)
                return _cancelled()
            if self._stopping:
                raise NotBegun(self._closing)
            if self._child is None or self._announced.now.state == "down":
                return Failed(WorkerLost.code, self._announced.now.detail)
            self._job_id, self._inbox = order.job_id, inbox
            self._model, self._orders = order.request.model, self._orders + 1
            self._announced.change("busy")
            self._patience.begin()
            self._child.send(order)
        return None

    def _settled(self, job_id: str) -> bool:
        down = self._announced.now.state == "down" and not self._retry
        ready = self._announced.now.state == "ready" and not self._readers_waiting
        return down or ready or job_id in self._cancelled

    def _follow(self, inbox: Inbox) -> Iterator[Event]:
        deadline: float | None = None
        while True:
            try:
                item = inbox.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except Empty:
                if child := self._let_go("The image worker did not answer and is being replaced."):
                    child.kill()
                item = _cancelled()
            match item:
                case CancelWanted():
                    deadline = deadline or time.monotonic() + self._cancel_grace
                case Lost(words) if deadline is None:
                    raise WorkerLost(words)
                case Lost():
                    yield _cancelled()
                    return
                case event:
                    yield event
                    if isinstance(event, Completed | Failed):
                        return

    def _let_go(self, why: str) -> Process | None:
        """From now on the next order waits for a new worker; returns the one that is no longer used."""
        with self._changed:
            child, self._child = self._child, None
            self._announced.change("restarting", detail=why)
        return child

    def _dismiss(self) -> None:
        with self._changed:
            self._cancelled.clear()
        self._free()

    def _free(self) -> None:
        with self._changed:
            self._job_id = self._inbox = self._answers = None
            if self._announced.now.state == "busy":
                self._announced.change("ready")

    # --- one question about pictures ---------------------------------------------------------

    def _admit_reader(self, order: ReadOrder, answers: Answers, patience: float) -> None:
        with self._changed:
            self._readers_waiting += 1
            free = self._changed.wait_for(self._readable, patience)
            self._readers_waiting -= 1
            self._changed.notify_all()  # a job may have waited for this one
            if self._stopping or self._announced.now.state == "down":
                raise WorkerLost(self._announced.now.detail)
            if not free or self._child is None:
                raise Conflict(_OCCUPIED if self._job_id else _STARTING)
            self._job_id, self._answers = order.order_id, answers
            self._announced.change("busy")
            self._patience.begin()
            self._child.send(order)

    def _readable(self) -> bool:
        return self._stopping or self._announced.now.state in ("ready", "down")

    def _answer(self, answers: Answers) -> tuple[Reading, ...]:
        try:
            item = answers.get(timeout=self._read_limit)
        except Empty:
            words = "The image worker took too long to read a picture and is being replaced."
            if child := self._let_go(words):
                child.kill()
            raise WorkerLost(words) from None
        if isinstance(item, Lost):
            raise WorkerLost(item.words)
        if isinstance(item.outcome, Failed):
            raise named(item.outcome.code, item.outcome.detail)
        return item.outcome

    # --- the supervisor's thread ------------------------------------------------------------

    def _supervise(self) -> None:
        failures = 0
        while not self._stopping:
            life = self._live()
            failures = 0 if life.ready else failures + 1
            self._on_worker_exit(life.words)
            if life.final or failures >= len(self._delays):
                log.error("The image worker cannot be started: %s", life.words)
                self._wait_for_retry(life)
                failures = 0
            elif not self._stopping:
                log.warning("A new image worker is started. %s", life.words)
                self._pause(self._delays[failures])
        with self._changed:
            self._announced.change("down", detail=self._closing)

    def _live(self) -> _Life:
        """One process from its start to its death."""
        try:
            child = self._start()
        except OSError as error:
            return _Life(ready=False, words=f"The image worker's process cannot be made: {error}.")
        with self._changed:
            self._child, self._patience = child, self._new_patience()
            if self._stopping:
                child.kill()
        threading.Thread(target=self._watch, args=(child,), name="engine-watch", daemon=True).start()
        ready, refusal = False, None
        for message in child.messages():
            ready = ready or isinstance(message, Ready)
            refusal = message.reason if isinstance(message, StartFailed) else refusal
            self._hear(message)
        words = child.wait_and_close()
        if self._child is not child:  # it was let go of, and why is said already
            words = self._announced.now.detail
        return _Life(ready=ready, words=refusal or words, final=refusal is not None)

    def _watch(self, child: Process) -> None:
        """Replace the worker once it counts as hung; that the machine was asleep is not held against it."""
        last = time.monotonic()
        with self._changed:
            while self._child is child and not self._stopping:
                self._changed.wait(_WATCH_SECONDS)
                now = time.monotonic()
                why = self._patience.wait(min(now - last, 2 * _WATCH_SECONDS))
                last = now
                if why and self._child is child:
                    self._let_go(why)
                    child.kill()

    def _hear(self, message: FromWorker) -> None:
        with self._changed:
            self._patience.hear(message)
            match message:
                case StartupProgress(detail, device):
                    self._announced.change(self._announced.now.state, device=device, detail=detail)
                case Ready(device, detail, hardware):
                    self._announced.change("ready", device=device, detail=detail, hardware=hardware)
                case Leaving():
                    self._let_go("The image worker met an unexpected error and is being replaced.")
                case JobEvent(job_id, event) if job_id == self._job_id and self._inbox:
                    self._inbox.put(event)
                case ReadAnswer(order_id) if order_id == self._job_id and self._answers:
                    self._answers.put(message)
                case _:
                    pass

    def _on_worker_exit(self, words: str) -> None:
        """The process is gone: first the state, then the word to `run`, which may come back at once."""
        with self._changed:
            self._child = self._model = None
            self._announced.change("restarting", detail=self._closing if self._stopping else words)
            for waiting in (self._inbox, self._answers):
                if waiting:
                    waiting.put(Lost(words))

    def _wait_for_retry(self, life: _Life) -> None:
        mend = "" if life.final else f" Starting it again failed, too: run `{PROGRAM} doctor` to see why."
        with self._changed:
            self._announced.change("down", detail=life.words + mend)
            self._changed.wait_for(lambda: self._retry or self._stopping)
            self._retry = False
            self._announced.change("starting", detail="Starting the image worker again.")

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, timeout=seconds)


_OCCUPIED = "A picture is being made, and pictures are read in between. Try again when it is done."
_STARTING = "The image worker is still starting. Try again in a moment."


def _cancelled() -> Failed:
    error = Cancelled()
    return Failed(error.code, error.detail)
