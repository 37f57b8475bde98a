"""What runs on each machine for each of its workers: an actor that starts the worker process.

The worker process is the one that `studio.engine.local` starts, spoken to in the same messages; the host
gives it files of its own machine in place of the studio's, and fetches models where that is allowed. Knows
nothing of the queue. Times are this machine's own and leave it nowhere.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.catalog.root_paths import RootPaths
from pipelines.errors import Cancelled, CatalogError
from pipelines.events import Completed, Failed, Phase, PhaseChanged, ReadOrder, WorkOrder
from studio.cluster import holdings
from studio.cluster.fetching import Fetching
from studio.cluster.messages import Held, Holding, Setup
from studio.cluster.references import KeptFiles, default_folder, with_paths
from studio.engine import worker
from studio.engine.messages import CancelOrder, FromWorker, JobEvent, ReadAnswer, ToWorker
from studio.engine.process import WorkerProcess
from studio.settings import CATALOGUE

OWN_FOLDER = "LIKENESS_DATA_DIR"
"""Variable that names the data folder of this machine, where that is another than the studio's."""
Ended = str
"""In words, how the worker process ended: the last thing `serve` says."""


class WorkerHost:
    """Made by Ray on the machine of the worker; its methods are called from several threads at once.

    `threads`: how many the worker computes with. Raises ValueError where this machine cannot be used.
    """

    def __init__(self, setup: Setup, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # Ray says 1
        _forget_rays_program()
        self._setup = setup
        self._catalogue = _catalogue(setup)
        self._folder = _models_folder(setup)
        self._roots = _roots(setup)
        self._catalog = _load(self._catalogue, self._folder, self._roots)
        self._wanted: Mapping[str, Holding] = {}
        self._kept = KeptFiles(default_folder(), setup.keep_bytes)
        self._said: SimpleQueue[FromWorker | Ended] = SimpleQueue()
        self._process: WorkerProcess | None = None
        self._fetching: dict[str, Fetching] = {}

    def about(self) -> int:
        """The process id; it is there."""
        return os.getpid()

    def holds(self, wanted: Mapping[str, Holding]) -> dict[str, Held]:
        """Which of the wanted models are on this machine."""
        self._wanted = wanted
        return holdings.compared(self._catalog, wanted)

    # --- files --------------------------------------------------------------------------------

    def lacking(self, keys: list[str]) -> list[str]:
        """Those of the files that have to be sent."""
        return self._kept.lacking(keys)

    def keep(self, key: str, data: bytes) -> None:
        """Keep a file for orders to come."""
        self._kept.keep(key, data)

    # --- the worker process -------------------------------------------------------------------

    def serve(self) -> Iterator[FromWorker | Ended]:
        """Start the worker's process; what it says, until how it ended, in words."""
        try:
            self._process = process = WorkerProcess(self._setup.main or worker.main, self._arguments())
        except OSError as error:
            yield f"The image worker's process cannot be made: {error}."
            return
        threading.Thread(target=self._listen, args=(process,), name="listen", daemon=True).start()
        while True:
            said = self._said.get()
            yield said
            if isinstance(said, Ended):
                return

    def give(self, message: ToWorker, keys: Mapping[str, str]) -> None:
        """Pass a message on; `keys`: what its files are kept under, by path. Raises NotKept."""
        match message:
            case WorkOrder():
                names = self._kept.names_for(message.job_id, set(keys.values()))
                order = with_paths(message, {path: names[key] for path, key in keys.items()})
                self._begin(order)
            case ReadOrder():
                names = self._kept.names_for(message.order_id, set(keys.values()))
                self._send(with_paths(message, {path: names[key] for path, key in keys.items()}))
            case CancelOrder(job_id):
                fetching = self._fetching.get(job_id)
                if fetching is not None:
                    fetching.cancel()
                self._send(message)

    def kill(self) -> None:
        """End the worker's process; `serve` says so."""
        for fetching in [*self._fetching.values()]:
            fetching.cancel()
        if process := self._process:
            process.kill()

    # --- inside -------------------------------------------------------------------------------

    def _arguments(self) -> tuple[Any, ...]:
        if self._setup.main is not None:
            return self._setup.args
        folder = str(self._folder) if self._folder else None
        device = self._setup.device.partition(":")[0]  # which one is Ray's to say
        return (str(self._catalogue), device, folder, self._setup.precision, self._roots)

    def _send(self, message: ToWorker) -> None:
        if process := self._process:
            process.send(message)

    def _listen(self, process: WorkerProcess) -> None:
        for message in process.messages():
            match message:
                case JobEvent(job_id, Completed() | Failed()):
                    self._kept.done(job_id)
                case ReadAnswer(order_id):
                    self._kept.done(order_id)
                case _:
                    pass
            self._said.put(message)
        self._process = None
        self._said.put(process.wait_and_close())

    def _begin(self, order: WorkOrder) -> None:
        model = order.request.model
        wanted = self._wanted.get(model)
        if (
            not self._setup.fetch
            or wanted is None
            or not wanted.commits
            or holdings.compared(self._catalog, {model: wanted})[model] == "here"
        ):
            self._send(order)
        else:
            self._fetching[order.job_id] = Fetching(self._catalog, model, wanted)
            threading.Thread(target=self._fetch, args=(order,), name="fetch", daemon=True).start()

    def _fetch(self, order: WorkOrder) -> None:
        """Bring the model here, telling of it as of loading; then the order goes on."""
        fetching = self._fetching[order.job_id]
        self._said.put(JobEvent(order.job_id, PhaseChanged(Phase.LOADING)))
        refusal = fetching.run(lambda notice: self._said.put(JobEvent(order.job_id, notice)))
        del self._fetching[order.job_id]
        if fetching.cancelled:
            refusal = Failed(Cancelled.code, Cancelled().detail)
        elif refusal is not None:
            refusal = replace(refusal, detail=f"{socket.gethostname()}: {refusal.detail}")
        if refusal is None:
            return self._send(order)
        self._kept.done(order.job_id)
        return self._said.put(JobEvent(order.job_id, refusal))


def _forget_rays_program() -> None:
    """A spawned process runs its parent's main program first, which here is Ray's own for workers."""
    main = sys.modules["__main__"]
    if Path(getattr(main, "__file__", None) or "").name == "default_worker.py":
        del main.__file__


def _catalogue(setup: Setup) -> Path:
    """The catalogue on this machine. Raises ValueError where it is another than the studio's."""
    path = Path(setup.catalogue) if setup.catalogue else CATALOGUE
    with suppress(OSError):
        if hashlib.sha256(path.read_bytes()).hexdigest() == setup.catalogue_hash:
            return path
    if setup.catalogue is None:
        raise ValueError(f"its catalogue of models, {path}, is another than the studio's")
    raise ValueError(f"the studio's catalogue of models is not at {path} there, or is another one")


def _models_folder(setup: Setup) -> Path | None:
    """The artist's own models on this machine: of its own data folder, else where the studio has them."""
    own = os.environ.get(OWN_FOLDER)
    folder = Path(own) / "models" if own else Path(setup.models_folder) if setup.models_folder else None
    return folder if folder is not None and folder.is_dir() else None


def _roots(setup: Setup) -> RootPaths:
    """Folders of other tools, as far as they are on this machine; those its own studio knows, too."""
    own = os.environ.get(OWN_FOLDER)
    file = Path(own) / "model-roots.json" if own else setup.roots.file
    return RootPaths(tuple(path for path in setup.roots.given if path.is_dir()), file)


def _load(catalogue: Path, folder: Path | None, roots: RootPaths) -> Catalog:
    try:
        return load_catalog(catalogue, folder, roots, remembers=False)
    except CatalogError as error:
        raise ValueError(str(error)) from error
