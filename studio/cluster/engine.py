"""The engine of a studio whose workers are on several cards or machines. Imports no Ray: its process does.

Keeps a `SupervisedWorker` for each worker of the cluster, as the local engine does for its one, and tells of
all of them as one state. Knows nothing of the queue.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial

from pipelines.catalog.catalog import Catalog
from pipelines.errors import Conflict, ModelUnavailable, WorkerLost
from pipelines.events import Event, Failed, Reading, ReadOrder, WorkOrder
from pipelines.memory.plan import Hardware
from studio.cluster import holdings, telling
from studio.cluster.messages import (
    Connected,
    FromCluster,
    Holding,
    Leave,
    MachineNote,
    NotConnected,
    Setup,
    ToCluster,
    Wanted,
    WorkerEnded,
    WorkerHolds,
    WorkerJoined,
    WorkerLeft,
    WorkerSaid,
)
from studio.cluster.process import ClusterProcess, launch
from studio.cluster.slot import Slot
from studio.engine import NotBegun, Place
from studio.engine.announcing import Announced, Listener
from studio.engine.supervisor import CANCEL_GRACE_SECONDS, READ_PATIENCE_SECONDS
from studio.records import WorkerState

log = logging.getLogger(__name__)

AGAIN_SECONDS = 3.0
"""Before a cluster that is gone is looked for again."""
_LOOK_SECONDS = 10.0
"""Between two looks at which models the studio has."""
_LEAVE_SECONDS = 15.0
_FITS_SECONDS = 30.0

Fits = Callable[[str, Hardware], bool]
"""Whether a model, by its id, has room on a machine."""


class RayEngine:
    """Starts at once and looks for its cluster for as long as it is there. See `studio.engine.Engine`."""

    def __init__(
        self,
        setup: Setup,
        catalog: Catalog,
        fits: Fits = lambda model, hardware: True,
        cancel_grace: float = CANCEL_GRACE_SECONDS,
        launch: Callable[[Setup], ClusterProcess] = launch,
    ) -> None:
        self._setup = setup
        self._catalog = catalog
        self._fits = fits
        self._launch = launch
        self._cancel_grace = cancel_grace
        self._changed = threading.Condition()
        self._slots: dict[str, Slot] = {}
        self._process: ClusterProcess | None = None
        self._connected: str | None = None
        self._trouble = "Looking for the Ray cluster."
        self._notes: dict[str, str] = {}
        self._announced = Announced(telling.state((), self._trouble, {}), self._changed)
        self._held: Mapping[str, Holding] = {}
        self._unheld: frozenset[str] = frozenset()
        """Models that jobs asked for and the studio has not got, though it has looked since."""
        self._asked: set[str] = set()
        self._look_now = threading.Event()
        self._fitting: dict[tuple[str, Hardware], tuple[float, bool]] = {}
        """When it was asked whether a model has room, and the answer."""
        self._stopping = threading.Event()
        self._looker = threading.Thread(target=self._look, name="ray-models", daemon=True)
        self._keeper = threading.Thread(target=self._keep, name="ray-engine", daemon=True)
        self._looker.start()
        self._keeper.start()

    # --- what the studio calls --------------------------------------------------------------

    @property
    def state(self) -> WorkerState:
        """All workers together."""
        with self._changed:
            return self._announced.now

    @property
    def pid(self) -> int | None:
        """Of the Ray process."""
        with self._changed:
            return self._process.pid if self._process else None

    def on_state(self, listener: Listener) -> None:
        """Call `listener` with the state now and after each change, from any thread."""
        with self._changed:
            self._announced.listen(listener)

    def places(self) -> Sequence[Place]:
        """The workers but those that cannot be started; and one for jobs that none can make, who says so."""
        slots = self._all()
        if not slots:
            return ()
        up = (slot for slot in slots if slot.state.state != "down")
        workers = (slot.place(partial(self._takes, slot)) for slot in up)
        return (*workers, Place(takes=partial(self._hopeless, slots)))

    def run(self, order: WorkOrder, worker: str = "") -> Generator[Event]:
        """Events of the order up to `Completed` or `Failed`. Raises WorkerLost."""
        if not worker:
            yield Failed(ModelUnavailable.code, self._refusal(order.request.model))
            return
        with self._changed:
            slot = self._slots.get(worker)
        if slot is None:
            raise NotBegun(f"{worker} has left the cluster.")
        for event in slot.worker.run(order):
            if (
                isinstance(event, Failed) and event.code == WorkerLost.code
            ):  # it cannot be started: others can
                raise NotBegun(event.detail)
            yield event

    def read(self, order: ReadOrder, patience: float = READ_PATIENCE_SECONDS) -> tuple[Reading, ...]:
        """Asks a worker that has the model and is free, else the first that has it. Raises as it does."""
        slots = self._all()
        able = [slot for slot in slots if slot.holds.get(order.reader, "here") == "here"]
        if not slots:
            raise WorkerLost(self.state.detail)
        if not able:
            raise ModelUnavailable(self._refusal(order.reader))
        ready = [slot for slot in able if slot.state.state == "ready"]
        with contextlib.suppress(Conflict):
            return (ready or able)[0].worker.read(order, 0.0 if len(ready) > 1 else patience)
        return able[-1].worker.read(order, patience)

    def cancel(self, job_id: str) -> None:
        """Whichever worker has it, or is about to."""
        for slot in self._all():
            slot.worker.cancel(job_id)

    def stop(self) -> None:
        """End all workers, and the cluster where it is the studio's own."""
        self._stopping.set()
        self._look_now.set()
        self._empty("The studio is closing.")
        self._post(Leave())
        self._keeper.join(_LEAVE_SECONDS)
        if process := self._process:
            process.kill()
        self._keeper.join()
        self._looker.join()

    # --- the Ray process --------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._stopping.is_set():
            words = self._live()
            self._empty(words)
            if not self._stopping.is_set():
                log.warning("%s Looking for the cluster again.", words)
                self._stopping.wait(AGAIN_SECONDS)

    def _live(self) -> str:
        """One Ray process, from its start to its end; why it ended, in words."""
        try:
            process = self._launch(self._setup)
        except OSError as error:
            return f"The process for Ray cannot be made: {error}."
        with self._changed:
            self._process = process
        self._post(Wanted(self._held))
        if self._stopping.is_set():
            process.kill()
        words = None
        for message in process.messages():
            words = message.words if isinstance(message, NotConnected) else words
            self._hear(message)
        ended = process.wait_and_close().replace("The image worker", "The studio's process for Ray")
        with self._changed:
            self._process = None
        return words or f"{ended} The connection to the Ray cluster is lost."

    def _post(self, message: ToCluster) -> None:
        with self._changed:
            process = self._process
        if process is not None:
            process.send(message)

    def _hear(self, message: FromCluster) -> None:
        match message:
            case Connected(address):
                with self._changed:
                    self._connected, self._trouble = address, "Waiting for the workers of the Ray cluster."
            case WorkerJoined(name, machine):
                self._join(name, machine)
            case WorkerLeft(name, words):
                log.warning("%s", words)
                self._leave(name, words)
            case MachineNote(machine, words):
                self._note(machine, words)
            case WorkerHolds(name, models):
                with self._changed:
                    if slot := self._slots.get(name):
                        slot.holds = models
            case WorkerSaid(name, said):
                if slot := self._slot(name):
                    slot.put(said)
            case WorkerEnded(name):
                if slot := self._slot(name):
                    slot.put(message)
            case NotConnected():
                pass
        if not isinstance(message, WorkerSaid):
            self._tell()

    # --- workers ----------------------------------------------------------------------------

    def _join(self, name: str, machine: str) -> None:
        slot = Slot(name, machine, self._post, self._tell, self._cancel_grace)
        with self._changed:
            self._slots[name] = slot
        self._tell()

    def _leave(self, name: str, words: str) -> None:
        with self._changed:
            slot = self._slots.pop(name, None)
        if slot is not None:
            slot.end(words)

    def _empty(self, words: str) -> None:
        """There is no cluster: all workers are gone."""
        with self._changed:
            names, self._connected, self._trouble = [*self._slots], None, words
            self._notes.clear()
        for name in names:
            self._leave(name, words)
        self._tell()

    def _note(self, machine: str, words: str | None) -> None:
        with self._changed:
            self._notes.pop(machine, None)
            if words is not None:
                self._notes[machine] = words
                log.warning("%s", words)

    def _slot(self, name: str) -> Slot | None:
        with self._changed:
            return self._slots.get(name)

    def _all(self) -> list[Slot]:
        with self._changed:
            return [*self._slots.values()]

    def _tell(self) -> None:
        with self._changed:
            slots = [*self._slots.values()]
            hardware = [slot.state.hardware for slot in slots]
            told = [slot.told() for slot in slots]
            down = self._connected is None
            state = telling.state(told, self._trouble, self._notes, hardware, down=down)
            if state != self._announced.now:
                self._announced.tell(state)

    # --- which models are where -------------------------------------------------------------

    def _look(self) -> None:
        """Follow which models the studio has; workers are asked whether they have the same."""
        while not self._stopping.is_set():
            asked = frozenset(self._asked)
            try:
                held = holdings.all_of(self._catalog)
            except OSError as error:  # a file went while it was looked at
                log.warning("The models cannot be looked through: %s", error)
                held = self._held
            if held != self._held:
                self._held = held
                self._post(Wanted(held))
            self._fit(held)
            unheld = asked - held.keys()
            if unheld != self._unheld:
                self._unheld = unheld
                self._tell_again()
            self._look_now.wait(_LOOK_SECONDS)
            self._look_now.clear()

    def _fit(self, models: Iterable[str]) -> None:
        """Ask the planner, which reads the headers of the models' files."""
        kinds = {slot.state.hardware for slot in self._all() if slot.state.hardware is not None}
        for model, hardware in itertools.product(models, kinds):
            at, _ = self._fitting.get((model, hardware), (0.0, True))
            if not at or time.monotonic() - at > _FITS_SECONDS:
                self._fitting[model, hardware] = (time.monotonic(), self._fits(model, hardware))

    def _tell_again(self) -> None:
        """So that whoever waits for a worker looks again."""
        with self._changed:
            self._announced.tell(self._announced.now)

    def _takes(self, slot: Slot, model: str | None) -> bool:
        if model is None:
            return False
        here = slot.holds.get(model)
        if here is None:
            if model not in self._held and model not in self._asked:
                self._asked.add(model)
                self._look_now.set()
            return False
        return (here == "here" or self._may_fetch(model)) and self._has_room(slot, model)

    def _may_fetch(self, model: str) -> bool:
        holding = self._held.get(model)
        return self._setup.fetch and holding is not None and bool(holding.commits)

    def _has_room(self, slot: Slot, model: str) -> bool:
        hardware = slot.state.hardware
        return hardware is None or self._fitting.get((model, hardware), (0.0, True))[1]

    def _hopeless(self, slots: Sequence[Slot], model: str | None) -> bool:
        """Whether no worker can make a job of this model: all have said what they have."""
        if model is None or model in self._unheld:
            return True
        if not slots or any(self._takes(slot, model) for slot in slots):
            return False
        return all(model in slot.holds and slot.state.state in _SETTLED for slot in slots)

    def _refusal(self, model: str) -> str:
        label = telling.label(self._catalog, model)
        if model in self._unheld:
            return f"{label} is not on this machine. Download it on the Models page, or choose another model."
        return telling.refusal(label, [(slot.machine, slot.holds.get(model)) for slot in self._all()])


_SETTLED = ("ready", "busy", "down")


def is_installed() -> bool:
    """Whether Ray is there; imports nothing of it."""
    import importlib.util

    return importlib.util.find_spec("ray") is not None
