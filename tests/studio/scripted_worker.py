"""A runner that makes pictures out of the seed alone, behind the real worker loop, pipe and process.

What it does is written in the prompt, a word per behaviour: `slow` (waits in each step), `deaf` (does
not look at a cancel), `die-once` (SIGKILLs itself the first time), `die` (always), `crash` (an
unexpected exception), `refuse` (a LikenessError), `stop-after-one` (dies between two pictures), `stuck-once`
(does not get on after its second step the first time, and goes on giving signs of life).
"""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from PIL import Image

from pipelines.errors import Cancelled, CatalogError, ModelUnavailable
from pipelines.events import (
    Completed,
    ControlImage,
    Event,
    ImageReady,
    Notice,
    Phase,
    PhaseChanged,
    PreviewReady,
    Reading,
    ReadOrder,
    Started,
    StepProgress,
    WorkOrder,
)
from pipelines.request import CompleteRequest
from studio.engine import worker
from studio.engine.messages import Ready

PREVIEW = b"RIFF....WEBP"
SIDE = 16


def control_image() -> bytes:
    """The outlines of anything, as PNG."""
    out = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), "white").save(out, "PNG")
    return out.getvalue()


def pixels(seed: int) -> bytes:
    """The picture of a seed: `SIDE` x `SIDE` RGB."""
    return bytes((seed * 31 + i * 7) % 256 for i in range(SIDE * SIDE * 3))


class ScriptedRunner:
    """`folder` remembers across lives who died already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, order: WorkOrder, emit: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
        request = order.request
        words = set(request.prompt.split())
        (self._folder / "order.log").open("a").write(order.job_id + "\n")
        for phase in (Phase.LOADING, Phase.ENCODING):
            self._enter(phase, words, emit, cancelled)
        emit(Started({"device": "scripted"}))
        self._misbehave(order, words)
        for index in range(request.num_images):
            if index not in order.skip:
                self._picture(index, request, words, emit, cancelled)
        emit(Completed(timings={"denoising": 0.5}))

    def read(self, order: ReadOrder) -> tuple[Reading, ...]:
        """Tells the paths; `order.reader` holds the words for what else it does."""
        words = set(order.reader.split())
        (self._folder / "order.log").open("a").write(order.order_id + "\n")
        if "die" in words:
            os.kill(os.getpid(), signal.SIGKILL)
        if "stopped" in words:
            os.kill(os.getpid(), signal.SIGSTOP)
        if "crash" in words:
            raise ZeroDivisionError
        if "refuse" in words:
            raise ModelUnavailable("The reader is not here. Download it first.")
        while "deaf" in words or ("slow" in words and not (self._folder / "go").exists()):
            time.sleep(0.01)
        return tuple(region.path for region in order.regions)

    def _misbehave(self, order: WorkOrder, words: set[str]) -> None:
        mark = self._folder / f"died-{order.job_id}"
        if "die" in words or ("die-once" in words and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if "crash" in words:
            raise ZeroDivisionError
        if "refuse" in words:
            raise ModelUnavailable("The weights are not here. Download them first.")

    def _picture(
        self,
        index: int,
        request: CompleteRequest,
        words: set[str],
        emit: Callable[[Event], None],
        cancelled: Callable[[], bool],
    ) -> None:
        if "control" in words:
            emit(ControlImage(control_image(), "canny"))
        if "notice" in words:
            emit(Notice("Something was cut."))
        emit(PhaseChanged(Phase.DENOISING))
        steps = request.num_inference_steps
        for step in range(1, steps + 1):
            self._check("denoising", words, cancelled)
            emit(StepProgress(index * steps + step, steps * request.num_images, index))
            emit(PreviewReady(PREVIEW, index))
            if "stuck-once" in words and step == 2 and self._first("stuck"):
                time.sleep(600)
        self._enter(Phase.DECODING, words, emit, cancelled)
        seed = request.seed + index
        emit(ImageReady(index, seed, SIDE, SIDE, pixels(seed)))
        if "stop-after-one" in words and len(list(self._folder.glob("half-*"))) < 1:
            (self._folder / f"half-{index}").touch()
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGKILL)

    def _first(self, what: str) -> bool:
        """Whether it is the first time, in any life."""
        mark = self._folder / what
        first = not mark.exists()
        mark.touch()
        return first

    def _enter(
        self, phase: Phase, words: set[str], emit: Callable[[Event], None], cancelled: Callable[[], bool]
    ) -> None:
        emit(PhaseChanged(phase))
        self._check(phase, words, cancelled)

    def _check(self, phase: str, words: set[str], cancelled: Callable[[], bool]) -> None:
        """`slow` waits a moment at each point, `hang-PHASE` until it is cancelled, `deaf` for ever."""
        if "slow" in words:
            time.sleep(0.02)
        while f"hang-{phase}" in words and not cancelled():
            time.sleep(0.005)
        while "deaf" in words:
            time.sleep(1.0)
        if cancelled():
            raise Cancelled


def main(pipe: Connection, folder: str) -> None:
    """Entry point of the child."""
    worker.serve(
        pipe, lambda say: (ScriptedRunner(Path(folder)), Ready("scripted", "float32, 1 threads")), 0.1
    )


def main_that_hangs_at_its_first_start(pipe: Connection, folder: str) -> None:
    """Stopped by the system before it is ready, once."""

    def load(say: worker.Say) -> tuple[ScriptedRunner, Ready]:
        runner = ScriptedRunner(Path(folder))
        if runner._first("stopped"):
            os.kill(os.getpid(), signal.SIGSTOP)
        return runner, Ready("scripted", "float32, 1 threads")

    worker.serve(pipe, load, 0.1)


def main_that_cannot_start(pipe: Connection, folder: str) -> None:
    """Starts only once `folder` holds a file named `mended`."""

    def load(say: worker.Say) -> tuple[ScriptedRunner, Ready]:
        if not (Path(folder) / "mended").exists():
            raise CatalogError("models.yaml, entry 'x': key 'family' is missing.")
        return ScriptedRunner(Path(folder)), Ready("scripted", "float32, 1 threads")

    worker.serve(pipe, load)


def main_that_dies_at_start(pipe: Connection, folder: str) -> None:
    """A segmentation fault in an import, say."""
    (Path(folder) / "starts.log").open("a").write("start\n")
    os.kill(os.getpid(), signal.SIGSEGV)
