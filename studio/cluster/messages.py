"""What the studio and its Ray process say to each other over the pipe. Knows nothing of Ray.

To the Ray process: `Wanted` whenever it changes, `StartWorker`, `ForWorker`, `KillWorker`, `Leave`. From it:
`Connected` or `NotConnected`, then the others in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.catalog.root_paths import RootPaths
from pipelines.memory.plan import Precision
from studio.engine.messages import FromWorker, ToWorker
from studio.engine.process import WorkerMain

LOCAL = "local"
"""The address that stands for a cluster of this machine alone, which is started and ended with the studio."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A model as the studio has it: `commits` of the hub's repositories; `files`: a hash of all others."""

    commits: Mapping[str, str] = field(default_factory=dict[str, str])
    files: str = ""


Held = Literal["here", "absent", "other"]
"""Whether a machine has a model: as the studio has it, not at all, or another version of it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a host needs to start workers. Paths are the studio's.

    `address`: `LOCAL`, "auto" or host:port. `catalogue`: None for the one that comes with Likeness;
    `catalogue_hash`: SHA-256 of its text. `roots`: folders of other tools. `cpus`: cores for each worker
    without a card, None: all of its machine's. `fetch`: hosts may download what they lack. `keep_bytes`: of
    reference pictures on each machine. `head_silence`: seconds without an answer of the cluster's head after
    which it counts as gone. `main`, `args`: another worker process than the studio's own.
    """

    address: str
    catalogue: str | None
    catalogue_hash: str
    models_folder: str | None
    roots: RootPaths = field(default_factory=RootPaths)
    device: str = "auto"
    precision: Precision = Precision.AUTO
    cpus: int | None = None
    fetch: bool = False
    keep_bytes: int = 2 * 2**30
    head_silence: float = 15.0
    main: WorkerMain | None = None
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The models that jobs may ask for, by id."""

    models: Mapping[str, Holding]


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Start the worker's process again."""

    name: str


@dataclass(frozen=True, slots=True)
class ForWorker:
    """Pass this on."""

    name: str
    message: ToWorker


@dataclass(frozen=True, slots=True)
class KillWorker:
    """Kill the worker's process; where its machine does not answer, the worker has left."""

    name: str


@dataclass(frozen=True, slots=True)
class Leave:
    """End all workers, and the cluster where it is the studio's own."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The cluster answers."""

    address: str


@dataclass(frozen=True, slots=True)
class NotConnected:
    """It does not, or no longer; the Ray process ends."""

    words: str


@dataclass(frozen=True, slots=True)
class MachineNote:
    """Why a machine is not used, or what it waits for; None: nothing is to be said of it any more."""

    machine: str
    words: str | None


@dataclass(frozen=True, slots=True)
class WorkerJoined:
    """There is a worker to be started."""

    name: str
    machine: str


@dataclass(frozen=True, slots=True)
class WorkerHolds:
    """Which of the wanted models are on the worker's machine."""

    name: str
    models: Mapping[str, Held]


@dataclass(frozen=True, slots=True)
class WorkerSaid:
    """What the worker said."""

    name: str
    message: FromWorker


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """Its process has ended; it can be started again."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class WorkerLeft:
    """Its machine, or what holds it there, is gone; one that comes back joins anew."""

    name: str
    words: str


ToCluster = Wanted | StartWorker | ForWorker | KillWorker | Leave
FromCluster = (
    Connected
    | NotConnected
    | MachineNote
    | WorkerJoined
    | WorkerHolds
    | WorkerSaid
    | WorkerEnded
    | WorkerLeft
)
