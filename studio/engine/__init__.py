"""Where pictures are made: worker processes behind one small interface.

The studio knows only `Engine`; torch lives in the process that `worker` runs in. Knows nothing of the
queue, the database or the page.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol

from pipelines.events import Event, Reading, ReadOrder, WorkOrder
from studio.records import WorkerState


class Engine(Protocol):
    """Makes the pictures of one order at a time."""

    def run(self, order: WorkOrder) -> Generator[Event]:
        """Events of the order up to and including `Completed` or `Failed`.

        Waits for the worker where it is still starting; one that cannot be started is a `Failed`.
        Raises WorkerLost where the worker died with the order in hand, or the engine is stopped.
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
        """End the worker and its process for good; a running order raises WorkerLost."""
        ...
