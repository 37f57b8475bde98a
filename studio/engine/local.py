"""The engine of a studio with one accelerator: one worker process on this machine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from pipelines.catalog.root_paths import RootPaths
from pipelines.events import Event, WorkOrder
from pipelines.memory.plan import Precision
from studio.engine import Place, worker
from studio.engine.patience import Patience
from studio.engine.process import WorkerMain, WorkerProcess
from studio.engine.supervisor import CANCEL_GRACE_SECONDS, READ_SECONDS, RESTART_DELAYS, SupervisedWorker


class LocalEngine(SupervisedWorker):
    """The one worker is the engine. See `studio.engine.Engine`."""

    def __init__(
        self,
        models_yaml: Path,
        device: str,
        models_folder: Path | None = None,
        precision: Precision = Precision.AUTO,
        roots: RootPaths | None = None,
        *,
        main: WorkerMain = worker.main,
        args: tuple[Any, ...] | None = None,
        restart_delays: Sequence[float] = RESTART_DELAYS,
        cancel_grace: float = CANCEL_GRACE_SECONDS,
        read_limit: float = READ_SECONDS,
        patience: Callable[[], Patience] = Patience,
    ) -> None:
        folder = str(models_folder) if models_folder else None
        given = (str(models_yaml), device, folder, precision, roots) if args is None else args
        super().__init__(
            lambda: WorkerProcess(main, given),
            restart_delays=restart_delays,
            cancel_grace=cancel_grace,
            read_limit=read_limit,
            patience=patience,
        )

    def places(self) -> Sequence[Place]:
        """One, which takes every order: what stands in its way it says when it comes."""
        return (Place(model=self.model, orders=self.orders),)

    def run(self, order: WorkOrder, worker: str = "") -> Generator[Event]:
        """Events of the order up to `Completed` or `Failed`. Raises WorkerLost."""
        return super().run(order)
