"""What a worker, or all of an engine, is doing now, and those who hear of each change."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pipelines.memory.plan import Hardware
from studio.records import WorkerState

Listener = Callable[[WorkerState], None]


class Announced:
    """A state, its listeners, and those who wait for `changed`, whose lock is held in all of this."""

    def __init__(self, now: WorkerState, changed: threading.Condition) -> None:
        self.now = now
        self._changed = changed
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
        self._changed.notify_all()

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
