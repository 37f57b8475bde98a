"""What whoever looks after a worker process hands to those who wait for its work."""

from __future__ import annotations

from dataclasses import dataclass
from queue import SimpleQueue

from pipelines.events import Event
from studio.engine.messages import ReadAnswer


@dataclass(frozen=True, slots=True)
class CancelWanted:
    """Put among the events to wake one who waits for the worker."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker died; nothing more will come."""

    words: str


Inbox = SimpleQueue[Event | CancelWanted | Lost]
"""Of one order."""
Answers = SimpleQueue[ReadAnswer | Lost]
"""Of one question about pictures."""
