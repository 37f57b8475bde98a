"""Several workers in words: their state together, and why none of them can make a job. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound
from pipelines.memory.plan import Hardware
from studio.cluster.messages import Held
from studio.records import WorkerInfo, WorkerState, WorkState

_FIRST: tuple[WorkState, ...] = ("busy", "ready", "starting", "restarting", "down")
"""All together are what one of them is, the first of these."""


def state(
    workers: Sequence[WorkerInfo],
    trouble: str,
    notes: Mapping[str, str],
    hardware: Iterable[Hardware | None] = (),
    *,
    down: bool = False,
) -> WorkerState:
    """`trouble`: why there are none, where there are none; `notes`: what is to be said of machines."""
    said = " ".join(notes.values())
    if not workers:
        return WorkerState(state="down" if down else "starting", detail=f"{trouble} {said}".strip())
    states = {worker.state for worker in workers}
    machines = len({worker.machine for worker in workers})
    counted = f"{_counted(len(workers), 'worker')} on {_counted(machines, 'machine')}. {said}".strip()
    return WorkerState(
        state=next(each for each in _FIRST if each in states),
        device=next((worker.device for worker in workers if worker.device), None),
        detail=counted,
        hardware=max(filter(None, hardware), key=_memory, default=None),
        workers=tuple(workers),
    )


def label(catalog: Catalog, model: str) -> str:
    """What a model is called."""
    try:
        return catalog.entry(model).label
    except NotFound:
        return f"The model \u201c{model}\u201d"


def refusal(called: str, machines: Iterable[tuple[str, Held | None]]) -> str:
    """Why no worker can make a job; `machines`: of each worker, with what it has of the model."""
    by = dict(machines)
    parts = [
        _listed(by, "absent", "has not got it", "have not got it"),
        _listed(by, "other", "has another version of it", "have another version of it"),
        _listed(by, "here", "has too little memory for it", "have too little memory for it"),
    ]
    why = "; ".join(filter(None, parts))
    return (
        f"No worker can use {called}: {why}. Put the same files there as on this machine, or "
        "let workers download what they lack (--ray-fetch)."
    )


def _listed(machines: Mapping[str, Held | None], held: Held, one: str, several: str) -> str:
    names = [name for name, each in machines.items() if each == held]
    return f"{' and '.join(names)} {one if len(names) == 1 else several}" if names else ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _memory(hardware: Hardware) -> int:
    return hardware.total
