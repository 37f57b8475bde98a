"""The Ray process as the engine holds it, and what it is told of the studio's settings. Imports no Ray."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol, cast

from pipelines.catalog.root_paths import RootPaths
from studio.cluster import driver
from studio.cluster.messages import FromCluster, Setup, ToCluster
from studio.engine.process import WorkerProcess
from studio.settings import CATALOGUE, Settings


class ClusterProcess(Protocol):
    """The running Ray process."""

    @property
    def pid(self) -> int | None:
        """Process id."""
        ...

    def send(self, message: ToCluster) -> None:
        """Hand over a message; to a dead process it is lost."""
        ...

    def messages(self) -> Iterator[FromCluster]:
        """What it says, ending with its death."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    def wait_and_close(self) -> str:
        """Wait for its end, and say in words how it died."""
        ...


def launch(setup: Setup) -> ClusterProcess:
    """Start the real process. Raises OSError."""
    return cast(ClusterProcess, WorkerProcess(driver.main, (setup,)))


def setup_of(settings: Settings) -> Setup:
    """What hosts need, of the studio's settings."""
    own = settings.models.resolve() == CATALOGUE.resolve()
    return Setup(
        address=settings.ray_address,
        catalogue=None if own else str(settings.models.resolve()),
        catalogue_hash=hashlib.sha256(settings.models.read_bytes()).hexdigest(),
        models_folder=str(settings.models_dir.resolve()),
        roots=_absolute(settings.root_paths),
        device=settings.device,
        precision=settings.precision,
        cpus=settings.ray_cpus,
        fetch=settings.ray_fetch,
    )


def _absolute(roots: RootPaths) -> RootPaths:
    file = roots.file.resolve() if roots.file else None
    return RootPaths(tuple(path.resolve() for path in roots.given), file)
