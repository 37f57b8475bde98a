"""The process that gets killed: the whole studio but its server, put together by `app.open_studio`.

Its arguments are `DATA_DIR MODELS_YAML quick|real|bundled --backlog N --repeat M`. It fills the queue up to
N jobs (0: none are added), tells on stdout what it has promised (`accepted JOB`, `saved IMAGE`), and ends by
itself once nothing is queued or running. `quick` replaces the worker by pixels made of the seed, so
that nearly all time is spent in the queue and in saving. M requests seen so far are queued once more,
those that were begun more than once first, then the newest.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import NoReturn
from unittest import mock

from pipelines.errors import WorkerLost
from pipelines.events import (
    Completed,
    Event,
    ImageReady,
    Phase,
    PhaseChanged,
    ReadOrder,
    Started,
    StepProgress,
    WorkOrder,
)
from pipelines.request import GenerationRequest, Mode, Reference
from studio.engine import Place
from studio.main import open_studio
from studio.records import JobStatus, QueueSnapshot, WorkerState
from studio.service import StudioService
from studio.settings import Settings

SIDE = 64
BUNDLED = "portrait-mini"
_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


def quick_pixels(seed: int) -> bytes:
    """The picture of a seed, the same in every process."""
    return random.Random(seed).randbytes(SIDE * SIDE * 3)


class QuickEngine:
    """An engine in this very process; takes the place of `LocalEngine`."""

    def __init__(self, models_yaml: Path, device: str, *others: object) -> None:
        self._state = WorkerState(state="ready", device=device)

    def places(self) -> tuple[Place, ...]:
        """One."""
        return (Place(),)

    def run(self, order: WorkOrder, worker: str = "") -> Generator[Event]:
        """Steps of a millisecond, then the picture."""
        request = order.request
        yield Started({"device": "quick"})
        for index in range(request.num_images):
            if index in order.skip:
                continue
            yield PhaseChanged(Phase.DENOISING)
            for step in range(1, 4):
                time.sleep(0.001)
                yield StepProgress(3 * index + step, 3 * request.num_images)
            seed = request.seed + index
            yield ImageReady(index, seed, SIDE, SIDE, quick_pixels(seed))
        yield Completed()

    def read(self, order: ReadOrder, patience: float = 0.0) -> NoReturn:
        """It knows no model that reads pictures."""
        raise WorkerLost("There is no image worker here.")

    def cancel(self, job_id: str) -> None:
        """Orders are over before a cancel could reach them."""

    def on_state(self, listener: Callable[[WorkerState], None]) -> None:
        """Always ready."""
        listener(self._state)

    def stop(self) -> None:
        """Nothing runs."""


def _request(kind: str) -> GenerationRequest:
    return GenerationRequest(
        model="tiny",
        prompt="a portrait",
        seed=random.randrange(2**32),
        width=SIDE,
        height=SIDE,
        num_inference_steps=3 if kind == "quick" else 6,
        num_images=random.randint(1, 3),
    )


def _bundled_request(pictures: Sequence[str]) -> GenerationRequest:
    """A portrait, or a change of one that is here."""
    seed, source = random.randrange(2**32), random.choice([None, *pictures[:1]])
    if source is None:
        return GenerationRequest(
            model=BUNDLED, prompt="a woman with red hair", seed=seed, num_images=random.randint(1, 2)
        )
    return GenerationRequest(
        mode=random.choice([Mode.SMART_EDIT, Mode.IMG2IMG]),
        model=BUNDLED,
        prompt="make her hair blue",
        seed=seed,
        references=(Reference(image_id=source),),
    )


class _Victim:
    """Fills the queue and tells what was promised."""

    def __init__(self, service: StudioService, kind: str) -> None:
        self._service = service
        self._kind = kind
        self._told = {image for job in service.snapshot().jobs for image in job.images}

    def fill(self, backlog: int) -> None:
        """Queue jobs until so many wait."""
        for _ in range(backlog - len(_open(self._service.snapshot()))):
            if self._kind == "bundled":
                self.submit(_bundled_request([one.id for one in self._service.images().items]))
            else:
                self.submit(_request(self._kind))

    def submit(self, request: GenerationRequest) -> None:
        """A job is promised once its id is printed."""
        _say(f"accepted {self._service.submit(request).id}")

    def drain(self) -> None:
        """Tell of every picture that is saved until nothing is left to do."""
        snapshot = self._service.snapshot()
        while True:
            for image in (image for job in snapshot.jobs for image in job.images):
                if image not in self._told:
                    self._told.add(image)
                    _say(f"saved {image}")
            if not _open(snapshot):
                return
            snapshot = self._service.watch(snapshot.version, 1.0)


def _say(words: str) -> None:
    """One write: a line is heard whole or not at all."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _open(snapshot: QueueSnapshot) -> list[str]:
    return [job.id for job in snapshot.jobs if job.status in _OPEN]


def _requests(database: Path, most: int) -> list[GenerationRequest]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT request FROM jobs GROUP BY request ORDER BY max(attempts) DESC, max(number) DESC LIMIT ?",
            (most,),
        )
        return [GenerationRequest.model_validate(json.loads(text)) for (text,) in rows]


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("engine", choices=["quick", "real", "bundled"])
    parser.add_argument("--backlog", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=0)
    return parser.parse_args(given)


def main(*given: str) -> None:
    """Run until drained, or killed."""
    arguments = _arguments(given)
    settings = Settings(data_dir=arguments.data_dir, models=arguments.models, device="cpu")
    if arguments.engine == "quick":
        mock.patch("studio.engine.local.LocalEngine", QuickEngine).start()
    with open_studio(settings) as service:
        _say("open")
        victim = _Victim(service, arguments.engine)
        victim.fill(arguments.backlog)
        for request in _requests(settings.database, arguments.repeat):
            victim.submit(request)
        victim.drain()
