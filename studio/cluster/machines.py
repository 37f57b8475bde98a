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


def machines(setup: Setup) -> list[Machine]:
    """All that are alive now. May raise whatever Ray raises."""
    alive = [node for node in nodes() if node["Alive"]]
    hosts = [node["NodeManagerHostname"] for node in alive]
    return [_machine(node, setup, alone=hosts.count(node["NodeManagerHostname"]) == 1) for node in alive]


def _machine(node: Mapping[str, Any], setup: Setup, *, alone: bool) -> Machine:
    """Machines of one name, as several nodes on one, are told apart by their ids."""
    node_id: str = node["NodeID"]
    name = node["NodeManagerHostname"] if alone else f"{node['NodeManagerHostname']}-{node_id[:4]}"
    cards = 0 if setup.device == "cpu" else int(node["Resources"].get("GPU", 0))
    cores = int(node["Resources"].get("CPU", 0))
    each = max(1, cores // cards) if cards else min(setup.cpus or cores, cores)
    count = cards or (cores // each if each else 0)
    names = (name,) if count == 1 else tuple(f"{name} {number}" for number in range(1, count + 1))
    return Machine(node_id, name, names, each, gpu=bool(cards))
