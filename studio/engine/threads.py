"""How many threads the worker computes with, and how they wait. Knows no torch: it is asked before that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "800", "KMP_BLOCKTIME": "0"}
"""For GNU's and Intel's OpenMP, of which torch brings one or the other.

GNU's looks up 800 times before it sleeps, a few microseconds: a small model's threads meet thousands of times
in a step, and waking a sleeper each time doubles it. docs/performance.md has the figures, quiet and busy.
"""


def wait_passively(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP's threads soon sleep between two pieces of work instead of keeping their cores busy.

    The server and the browser need those cores too, and in a container spinning is charged to the quota. An
    environment that says anything of it is left as it is.
    """
    if not _WAITING.keys() & environment.keys():
        environment.update(_WAITING)


def allowed_cpus(cgroup: Path = Path("/proc/self/cgroup"), tree: Path = Path("/sys/fs/cgroup")) -> int:
    """Whole CPUs this process may use, at least one: its affinity, and the quotas of its container."""
    affinity = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, int(min([affinity, *_quotas(cgroup, tree)])))


def _quotas(cgroup: Path, tree: Path) -> Iterator[float]:
    """CPUs granted by each control group from this process's own up to the root (version 2 of them)."""
    folder = tree / _own_group(cgroup)
    for place in (folder, *folder.parents):
        if place.is_relative_to(tree):
            yield from _quota(place / "cpu.max")


def _own_group(cgroup: Path) -> str:
    try:
        lines = cgroup.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "")
    return "" if ".." in own else own.strip("/")


def _quota(file: Path) -> Iterator[float]:
    try:
        quota, period = file.read_text(encoding="ascii").split()
        yield int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return  # none here, or "max"
