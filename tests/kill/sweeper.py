"""An artist of sweeps and of edits over many pictures, who cancels, resumes, trashes, pauses: to be killed.

Its arguments are `DATA_DIR MODELS_YAML`, and `--finish` to bring everything to its end. It says on stdout
what it is about to do and, once the studio has answered, what was promised.
"""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from unittest import mock

from pipelines.errors import Conflict
from pipelines.request import GenerationRequest
from studio.main import open_studio
from studio.records import JobStatus
from studio.service import StudioService
from studio.settings import Settings
from studio.sweeps.axes import Axis
from studio.sweeps.records import BatchRequest, SweepRequest
from tests.kill.victim import SIDE, QuickEngine
from tests.studio.fixtures import picture

SOURCES = 5
_TURNS = 1_000
_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


def _say(*words: object) -> None:
    """One write: a line is heard whole or not at all."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class _Artist:
    def __init__(self, service: StudioService) -> None:
        self._service = service
        data = [picture(seed, width=SIDE, height=SIDE) for seed in range(SOURCES)]
        self._sources = [service.add_upload(io.BytesIO(each), "p.png")[0].id for each in data]

    def act(self) -> None:
        """Anything."""
        random.choice((self.sweep, self.edit, self.cancel, self.resume, self.trash, self.pause))()

    def sweep(self) -> None:
        request = GenerationRequest(
            model="tiny", prompt="a red hat", seed=random.randrange(2**32), width=SIDE, height=SIDE
        )
        asked = SweepRequest(
            request=request,
            x=Axis(field="num_inference_steps", values=(1, 2, 3)),
            y=Axis(field="prompt_part", values="red | blue"),
        )
        started = self._service.sweeps.start(asked)
        _say("sweep", started.batch, *started.jobs)

    def edit(self) -> None:
        """Over all pictures; those in the trash are left out."""
        request = GenerationRequest(
            mode="smart_edit",  # type: ignore[arg-type]
            model="tiny",
            prompt="make it blue",
            seed=random.randrange(2**32),
            num_inference_steps=1,
            finish={"scale": 1},  # type: ignore[arg-type]
        )
        started = self._service.sweeps.start(BatchRequest(request=request, images=tuple(self._sources)))
        assert len(started.jobs) + len(started.left_out) == SOURCES
        _say("sweep", started.batch, *started.jobs)

    def cancel(self) -> None:
        for one in self._service.sweeps.newest(3).items:
            self._service.sweeps.cancel(one.id)

    def resume(self) -> None:
        for one in self._service.sweeps.newest(3).items:
            try:
                self._service.sweeps.resume(one.id)
            except Conflict:  # it has just ended
                continue

    def trash(self) -> None:
        """Put one away, or bring it back; never the first, so that an edit is of one at least."""
        chosen = random.choice(self._sources[1:])
        record = self._service.image(chosen)
        (self._service.restore if record.trashed_at else self._service.trash)(chosen)

    def pause(self) -> None:
        wanted = random.random() < 0.5
        _say("pausing", wanted)
        self._service.steering.switch(paused=wanted)
        _say("paused", wanted)

    def finish(self) -> None:
        """Nothing is paused or in the trash any more, and each sweep is gone on with until it is whole."""
        self._service.steering.switch(paused=False)
        for source in self._sources:
            self._service.restore(source)
        for one in self._service.sweeps.newest(100).items:
            self._service.sweeps.resume(one.id)
        snapshot = self._service.snapshot()
        while any(job.status in _OPEN for job in snapshot.jobs):
            snapshot = self._service.watch(snapshot.version, 1.0)


def main(*given: str) -> None:
    """Act until killed; with `--finish`, until everything is made."""
    settings = Settings(data_dir=Path(given[0]), models=Path(given[1]), device="cpu")
    mock.patch("studio.engine.local.LocalEngine", QuickEngine).start()
    with open_studio(settings) as service:
        artist = _Artist(service)
        _say("open")
        if "--finish" in given:
            artist.finish()
            return
        for _ in range(_TURNS):
            artist.act()
