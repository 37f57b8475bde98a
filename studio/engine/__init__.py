"""Where pictures are made: worker processes behind one small interface.

`local` has one worker on this machine, `ray` one for each card of several. Both keep a worker by the same
`supervisor`, and say the same `messages` to it. The studio knows only `Engine`; torch lives in the process
that `worker` runs in. Knows nothing of the queue, the database or the page.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, Protocol

from pipelines.errors import WorkerLost
from pipelines.events import Event, Reading, ReadOrder, WorkOrder
from studio.records import WorkerState


def anything(model: str | None) -> bool:
    """Of a worker that is the only one: it says itself what it cannot do."""
    return True


class Place(NamedTuple):
    """A worker, as far as choosing one for an order goes. Made anew for each choice, by the thousand.

    `free`: an order may be given to it, unless whoever gives them knows that it has one. `model`: of the last
    order, which is in its memory. `takes`: whether it has a model and the room for it. `orders`: how many
    it has been given.
    """

    worker: str = ""
    free: bool = True
    model: str | None = None
    takes: Callable[[str | None], bool] = anything
    orders: int = 0


class NotBegun(WorkerLost):
    """The worker was gone before it had the order: nothing speaks against giving it to another."""


class Engine(Protocol):
    """Makes the pictures of one order at a time with each of its workers."""

    def places(self) -> Sequence[Place]:
        """All workers there are now; whoever listens to `on_state` hears of each change."""
        ...

    def run(self, order: WorkOrder, worker: str = "") -> Generator[Event]:
        """Events of the order, made by the worker of this name, up to and including `Completed` or `Failed`.

        Waits for the worker where it is still starting; one that cannot be started is a `Failed`.
        Raises WorkerLost where the worker died with the order in hand, or the engine is stopped, NotBegun
        where it was gone before.
        """
        ...

    def read(self, order: ReadOrder, patience: float = ...) -> tuple[Reading, ...]:
        """One reading per region of the order, between two jobs; waits `patience` seconds for its turn.

        Raises Conflict where a job keeps the worker longer, WorkerLost where there is none or it does not
        answer, and whatever the reader says no with.
        """
        ...

    def cancel(self, job_id: str) -> None:
        """Ask the order with this id, running or about to run, to end as cancelled. Returns at once."""
        ...

    def on_state(self, listener: Callable[[WorkerState], None]) -> None:
        """Call `listener` with the state now and after each change, from any thread."""
        ...

    def stop(self) -> None:
        """End all workers and their processes for good; running orders raise WorkerLost."""
        ...
