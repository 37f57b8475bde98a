"""What a worker, or all of an engine, is doing now, and those who hear of each change."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.memory.plan import Hardware
from studio.records import WorkerState

Listener = Callable[[WorkerState], None]


class Announced:
    """A state and its listeners. Its owner calls it with its lock held, and listeners are called so."""

    def __init__(self, now: WorkerState) -> None:
        self.now = now
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call `listener` with the state now and after each change."""
        self._listeners.append(listener)
        listener(self.now)

    def tell(self, now: WorkerState) -> None:
        """This is the state from now on; told also where it is as before."""
        self.now = now
        for listener in self._listeners:
            listener(now)

    def change(
        self,
        state: str,
        *,
        device: str | None = None,
        detail: str | None = None,
        hardware: Hardware | None = None,
    ) -> None:
        """Tell a state in which all that is not given is as before."""
        given = {"device": device or None, "detail": detail, "hardware": hardware}
        changes = {field: value for field, value in given.items() if value is not None}
        self.tell(self.now.model_copy(update={"state": state} | changes))
