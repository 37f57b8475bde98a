"""The machines of a Ray cluster, and how many workers each can have. For the Ray process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.cluster import versions
from studio.cluster.calls import answer, nodes, reason, send_itself, task
from studio.cluster.messages import Setup

_CHECK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A node that is alive. `workers`: their names; `threads`: how many each computes with."""

    id: str
    name: str
    workers: tuple[str, ...]
    threads: int
    gpu: bool

    def options(self, *, nothing: bool = False) -> dict[str, Any]:
        """What Ray needs to run something there: with a worker's share of the machine, or `nothing` of it."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = {"scheduling_strategy": NodeAffinitySchedulingStrategy(self.id, soft=False)}
        if nothing:
            return here | {"num_cpus": 0}
        return here | ({"num_gpus": 1, "num_cpus": 0} if self.gpu else {"num_cpus": self.threads})

    def versions(self) -> dict[str, str] | str:
        """What is installed there, by name; in words why that cannot be told."""
        from ray.exceptions import GetTimeoutError, RayError

        send_itself(versions)  # there may be no Likeness, or another
        try:
            asked = task(versions.of_this_machine, self.options(nothing=True))
            return answer(asked, _CHECK_SECONDS)
        except GetTimeoutError:
            return f"{self.name} does not say what is installed there."
        except RayError as error:
            return f"{self.name} is not used: {reason(error)}."


def machines(setup: Setup, names: dict[str, str]) -> list[Machine]:
    """All that are alive now and can have workers. May raise whatever Ray raises.

    `names`: what machines are called, by id; those that are gone are taken out and new ones put in.
    """
    alive: dict[str, Mapping[str, Any]] = {node["NodeID"]: node for node in nodes() if node["Alive"]}
    for gone in names.keys() - alive.keys():
        del names[gone]
    found: list[Machine] = []
    for node_id, node in alive.items():
        cards = 0 if setup.device == "cpu" else int(node["Resources"].get("GPU", 0))
        cores = int(node["Resources"].get("CPU", 0))
        each = max(1, cores // cards) if cards else min(setup.cpus or cores, cores)
        count = cards or (cores // each if each else 0)
        if count:
            name = names.setdefault(node_id, _name(node["NodeManagerHostname"], node_id, names))
            found.append(Machine(node_id, name, _workers(name, count), each, gpu=bool(cards)))
    return found


def _name(host: str, node_id: str, names: Mapping[str, str]) -> str:
    """The host's, unless another has it: several nodes on one, or one that is back before it was missed."""
    return f"{host}-{node_id[:4]}" if host in names.values() else host


def _workers(machine: str, count: int) -> tuple[str, ...]:
    return (machine,) if count == 1 else tuple(f"{machine} {number}" for number in range(1, count + 1))
