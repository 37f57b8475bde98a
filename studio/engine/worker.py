"""The worker process: loads torch and the pipelines, then carries out one order after the other.

`main` is the child's entry point. Importing this module imports no torch. The main thread works; a
second thread hears the pipe, so that a cancel and the studio's death are noticed at any time; a third
gives signs of life. Knows nothing of the queue, the collection or the database.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.catalog.root_paths import RootPaths
from pipelines.errors import CatalogError, LikenessError
from pipelines.events import Event, Failed, Reading, ReadOrder, WorkOrder
from pipelines.memory.plan import Precision
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest, Mode
from studio import __version__, collector
from studio.engine import orphans, threads
from studio.engine.deaths import ignore_keys
from studio.engine.messages import (
    Alive,
    CancelOrder,
    FromWorker,
    JobEvent,
    Leaving,
    ReadAnswer,
    Ready,
    StartFailed,
    StartupProgress,
)
from studio.settings import PROGRAM, REINSTALL

if TYPE_CHECKING:
    from pipelines.running.runner import PipelineRunner

log = logging.getLogger(__name__)

_TINY = 64
ALIVE_SECONDS = 5.0
"""Between two signs of life."""

Say = Callable[[StartupProgress], None]


class Runner(Protocol):
    """The part of `pipelines.running.runner.PipelineRunner` the worker needs."""

    def run(self, order: WorkOrder, emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
        """Make the pictures, telling of each event, `Completed` last. Raises LikenessError."""
        ...

    def read(self, order: ReadOrder) -> tuple[Reading, ...]:
        """Answer the order about each of its regions. Raises LikenessError."""
        ...


Load = Callable[[Say], tuple[Runner, Ready]]
"""Makes the runner, saying what it is at; whatever it raises ends the worker as `StartFailed`."""


def main(
    pipe: Connection,
    models_yaml: str,
    device: str,
    models_folder: str | None = None,
    precision: Precision = Precision.AUTO,
    roots: RootPaths | None = None,
) -> None:
    """Serve the models of `models_yaml` and all folders on `device` until the studio closes the pipe."""
    folder = Path(models_folder) if models_folder else None
    serve(pipe, partial(_load, Path(models_yaml), device, folder, precision, roots))


def serve(pipe: Connection, load: Load, alive_seconds: float = ALIVE_SECONDS) -> None:
    """Carry out the orders that come through `pipe` with the runner that `load` makes."""
    ignore_keys()
    orphans.end_with_parent()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    orders, outbox = _Orders(pipe), _Outbox(pipe, alive_seconds)
    try:
        runner, ready = load(outbox.say)
    except Exception as error:  # the boundary: the studio shows why there is no worker
        log.exception("The worker could not start.")
        outbox.say(StartFailed(_start_words(error)))
        return
    outbox.say(ready)
    while True:
        match orders.next():
            case WorkOrder() as order:
                _carry_out(runner, order, outbox.say, orders.is_cancelled)
            case ReadOrder() as order:
                _read(runner, order, outbox.say)


def _load(
    models_yaml: Path,
    device: str,
    models_folder: Path | None,
    precision: Precision,
    roots: RootPaths | None,
    say: Say,
) -> tuple[Runner, Ready]:
    say(StartupProgress("Loading PyTorch."))
    collector.pause()
    catalog = load_catalog(models_yaml, models_folder, roots, remembers=False)
    _keep_the_terminal_quiet()
    threads.wait_passively()
    import torch

    from pipelines.running import quick_imports

    quick_imports.prepare()
    from pipelines.running.runner import PipelineRunner

    torch.set_num_threads(min(torch.get_num_threads(), threads.allowed_cpus()))
    runner = PipelineRunner(catalog, device, precision=precision, versions={"studio": __version__})
    collector.settle()  # before a model comes, which is to be collected when it goes
    _warm_up(runner, catalog, say)
    detail = f"{runner.describe()}, {torch.get_num_threads()} threads"
    return runner, Ready(runner.device, detail, runner.hardware())


def _keep_the_terminal_quiet() -> None:
    """The studio tells of progress itself: no bars and hints of the libraries. Before they are imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # what is missing is downloaded on the Models page, nowhere else
    os.environ.update(TQDM_DISABLE="1", TRANSFORMERS_VERBOSITY="error", DIFFUSERS_VERBOSITY="error")
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # pyright: ignore[reportUnknownMemberType]  # its own default is a semaphore that outlives a killed process


def _warm_up(runner: PipelineRunner, catalog: Catalog, say: Say) -> None:
    """Make one step of a tiny picture nobody sees, so that the artist's first with the default is quick."""
    spec = next((spec for spec in catalog.specs if catalog.availability(spec) == "ready"), None)
    if spec is None or Mode.TEXT_TO_IMAGE not in spec.modes:
        return
    say(StartupProgress(f"Loading {spec.label}.", runner.device))
    request = GenerationRequest(
        model=spec.id, prompt="portrait", num_inference_steps=1, width=_TINY, height=_TINY
    )
    try:
        completed = complete(request, catalog, {}, draw_seed=lambda: 0).request
        order = WorkOrder("warm-up", completed, {})
        runner.run(order, lambda event: None, lambda: False)
    except LikenessError as error:  # the first job with this model says so again, to the artist
        log.warning("%s could not be loaded ahead: %s", spec.label, error.detail)


def _start_words(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"The image engine cannot be loaded ({error}). Install the studio again: {REINSTALL}"
    if isinstance(error, CatalogError | LikenessError):
        return str(error)
    return f"The image engine cannot start ({error}). Run `{PROGRAM} doctor` to see why."


def _carry_out(
    runner: Runner, order: WorkOrder, say: Callable[[FromWorker], None], cancelled: Callable[[str], bool]
) -> None:
    def emit(event: Event) -> None:
        say(JobEvent(order.job_id, event))

    def work() -> None:
        runner.run(order, emit, lambda: cancelled(order.job_id))

    _guarded(work, say, lambda failed: JobEvent(order.job_id, failed), "The picture could not be made.")


def _read(runner: Runner, order: ReadOrder, say: Callable[[FromWorker], None]) -> None:
    def work() -> None:
        say(ReadAnswer(order.order_id, runner.read(order)))

    _guarded(work, say, lambda failed: ReadAnswer(order.order_id, failed), "The picture could not be read.")


def _guarded(
    work: Callable[[], None],
    say: Callable[[FromWorker], None],
    as_event: Callable[[Failed], FromWorker],
    words: str,
) -> None:
    """Do `work`; what goes wrong is told, and what nobody thought of ends the process after that."""
    try:
        work()
    except LikenessError as error:
        say(as_event(Failed(error.code, error.detail)))
    except Exception as error:  # the boundary: one bad order never takes the studio with it
        log.exception("An order failed unexpectedly.")
        say(Leaving())
        say(as_event(Failed("error", f"{words} The studio's terminal shows the details.")))
        raise SystemExit(1) from error


class _Outbox:
    """What this process says to the studio, from any thread; signs of life by a thread of its own."""

    def __init__(self, pipe: Connection, alive_seconds: float) -> None:
        self._pipe = pipe
        self._pause = alive_seconds
        self._lock = threading.Lock()
        threading.Thread(target=self._live, name="signs of life", daemon=True).start()

    def say(self, message: FromWorker) -> None:
        """Send it whole."""
        with self._lock:
            self._pipe.send(message)

    def _live(self) -> None:
        try:
            while True:
                orphans.end_when_stuck()
                self.say(Alive())
                time.sleep(self._pause)
        except OSError:
            os._exit(0)  # the studio is gone


class _Orders:
    """What the studio sends, heard by a thread of its own; ends the process when the studio is gone."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._waiting: SimpleQueue[WorkOrder | ReadOrder] = SimpleQueue()
        self._cancelled: set[str] = set()
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()

    def next(self) -> WorkOrder | ReadOrder:
        """The next order, waiting for it."""
        return self._waiting.get()

    def is_cancelled(self, job_id: str) -> bool:
        """Whether the studio wants this order to end."""
        return job_id in self._cancelled

    def _listen(self) -> None:
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, CancelOrder):
                    self._cancelled.add(message.job_id)
                    continue
                if isinstance(message, WorkOrder):
                    self._cancelled.discard(message.job_id)
                self._waiting.put(message)
        except (EOFError, OSError):
            os._exit(0)
