"""Real Ray clusters on this machine: a head without cores, and nodes that stand for machines."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pipelines.catalog.catalog import load_catalog
from studio.cluster.engine import RayEngine
from studio.cluster.messages import Setup
from studio.settings import CATALOGUE
from tests.studio import scripted_worker

_STORE = 100 * 2**20
MODEL = "portrait-mini"


class LocalCluster:
    """Nodes are processes of this machine; whatever is left of them is killed at the end."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args=self._options(0, {}))
        self.nodes: list[Any] = []

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self, environment: Mapping[str, str] | None = None) -> Any:
        """A node with one core, which is room for one worker."""
        node = self._cluster.add_node(**self._options(1, environment or {}))
        self.nodes.append(node)
        return node

    def remove(self, node: Any) -> None:
        """As when the power goes: its processes are killed."""
        self.nodes.remove(node)
        children = self.processes(node)
        self._cluster.remove_node(node, allow_graceful=False)
        kill(children)

    def processes(self, node: Any) -> list[psutil.Process]:
        """All of a node: what holds it together, hosts and workers."""
        found: list[psutil.Process] = []
        for info in [each for kind in node.all_processes.values() for each in kind]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(info.process.pid)
                found += [process, *process.children(recursive=True)]
        return found

    def hosts(self, node: Any) -> list[psutil.Process]:
        """The actors on it."""
        return [each for each in self.processes(node) if _named(each, "ray::WorkerHost")]

    def workers(self, node: Any) -> list[psutil.Process]:
        """The worker processes on it."""
        return [
            child
            for host in self.hosts(node)
            for child in host.children()
            if "spawn_main" in " ".join(_command(child))
        ]

    def stop_head(self) -> None:
        """Kill the process that knows the cluster."""
        for info in self._cluster.head_node.all_processes["gcs_server"]:
            info.process.kill()

    def stop(self) -> None:
        left = [each for node in (*self.nodes, self._cluster.head_node) for each in self.processes(node)]
        self._cluster.shutdown()
        kill(left)

    def _options(self, cores: int, environment: Mapping[str, str]) -> dict[str, Any]:
        root = str(Path(__file__).resolve().parents[3])
        known = os.environ.get("PYTHONPATH", "")
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, (root, known)))}
        return {
            "num_cpus": cores,
            "object_store_memory": _STORE,
            "include_dashboard": False,
            "env_vars": paths | dict(environment),
        }


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def _named(process: psutil.Process, name: str) -> bool:
    return any(part.startswith(name) for part in _command(process))


@contextmanager
def running_cluster(nodes: int = 2) -> Generator[LocalCluster]:
    cluster = LocalCluster()
    try:
        for _ in range(nodes):
            cluster.add()
        yield cluster
    finally:
        cluster.stop()


def scripted_setup(address: str, folder: Path, **options: Any) -> Setup:
    """Workers whose pictures are scripted."""
    return real_setup(address, main=scripted_worker.main, args=(str(folder),), **options)


def real_setup(address: str, **options: Any) -> Setup:
    """The studio's own workers, with the catalogue that comes along."""
    digest = hashlib.sha256(CATALOGUE.read_bytes()).hexdigest()
    return Setup(address, None, digest, None, **{"device": "cpu"} | options)


@contextmanager
def running_engine(setup: Setup, **options: Any) -> Generator[RayEngine]:
    engine = RayEngine(setup, load_catalog(CATALOGUE), **options)
    try:
        yield engine
    finally:
        engine.stop()


def free(engine: RayEngine) -> list[str]:
    """The workers that could be given a job now."""
    return [place.worker for place in engine.places() if place.worker and place.free and place.takes(MODEL)]


def temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="likeness-cluster-"))
