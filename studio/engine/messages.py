"""What the studio and its worker process say to each other over the pipe.

To the worker: a `WorkOrder`, a `ReadOrder`, or `CancelOrder`. From the worker: `StartupProgress` any number
of times, then `Ready` or `StartFailed`, then `JobEvent`s and `ReadAnswer`s, perhaps `Leaving`; all the time
`Alive`.
Knows nothing of processes and of torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.events import Event, Failed, Reading, ReadOrder, WorkOrder
from pipelines.memory.plan import Hardware


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """End this order at the next step or phase."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Alive:
    """A sign of life, every few seconds, whatever the worker is at."""


@dataclass(frozen=True, slots=True)
class StartupProgress:
    """What the worker is doing before it is ready, in words."""

    detail: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker takes orders. `detail`: card, precision and threads, in words; `hardware`: in numbers."""

    device: str
    detail: str
    hardware: Hardware | None = None


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The worker cannot be used and ends itself; `reason` says why and how to mend it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """The worker ends itself after the event that follows: an unexpected error may have left it unsound."""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event of the order `job_id`."""

    job_id: str
    event: Event


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What the read order `order_id` found: one reading per region, or why there is none."""

    order_id: str
    outcome: tuple[Reading, ...] | Failed


ToWorker = WorkOrder | ReadOrder | CancelOrder
FromWorker = Alive | StartupProgress | Ready | StartFailed | Leaving | JobEvent | ReadAnswer
