"""The thread that takes jobs from the queue one after the other and sees each to its end.

Job → work order → engine → events to the queue, pictures to the collection. It is the one boundary
where errors of a job become words in its record. Knows nothing of HTTP, of rows and of torch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from pipelines.errors import Cancelled, LikenessError, WorkerLost
from pipelines.events import (
    Completed,
    ControlImage,
    Event,
    Failed,
    ImageReady,
    Phase,
    PhaseChanged,
    Started,
    WorkOrder,
)
from pipelines.request import GenerationRequest
from studio.engine import Engine
from studio.jobs import JobQueue
from studio.models.records import Loading
from studio.records import ImageRecord, JobError, JobRecord, JobStatus

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """The part of the collection that jobs need."""

    def working_file(self, image_id: str) -> Path:
        """An upright 8-bit RGB file of the picture. Raises NotFound, StorageFailure."""
        ...

    def save_generated(
        self,
        *,
        job_id: str,
        request: GenerationRequest,
        image: ImageReady,
        notices: tuple[str, ...],
        provenance: dict[str, Any],
        control: ControlImage | None = None,
    ) -> ImageRecord:
        """Keep the picture, file first and row last; once per job and index. Raises StorageFailure.

        `control`: the control image that guided it, to be kept with it.
        """
        ...


class Dispatcher:
    """Connects queue, engine and collection. Start it once, stop it before the process ends."""

    def __init__(
        self,
        queue: JobQueue,
        engine: Engine,
        collection: Keeper,
        loading_of: Callable[[str], Loading] = lambda model_id: Loading(),
    ) -> None:
        self._queue = queue
        self._engine = engine
        self._collection = collection
        self._loading_of = loading_of
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin with the first queued job."""
        self._queue.on_cancel(self._engine.cancel)
        self._engine.on_state(self._queue.set_worker)
        self._thread.start()

    def stop(self) -> None:
        """End the engine, too. A running job goes back into the queue for the next start."""
        self._stopping.set()
        self._engine.stop()
        self._queue.wake()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._next()
            except LikenessError as error:
                self._fail(error.code, error.detail)
            except Exception:  # the boundary: one bad job never stops the queue
                log.exception("A job failed unexpectedly.")
                self._fail("error", "The job could not be done. The studio's terminal shows the details.")

    def _next(self) -> None:
        job = self._queue.claim(timeout=1.0)
        if job is None:
            return
        try:
            self._make(job)
        except WorkerLost as error:
            if self._stopping.is_set():
                self._queue.release()
            else:
                log.warning("Job %s lost its worker: %s", job.id, error.detail)
                self._queue.requeue()

    def _make(self, job: JobRecord) -> None:
        saved = self._queue.saved(job.id)
        if len(saved) == job.request.num_images:  # the last try ended between its last picture and its end
            self._queue.finish(JobStatus.DONE)
            return
        references = job.request.references
        files = {ref.image_id: str(self._collection.working_file(ref.image_id)) for ref in references}
        loading = self._loading_of(job.request.model or "")
        order = WorkOrder(
            job.id,
            job.request.model_dump(mode="json"),
            files,
            skip=saved,
            memory=loading.choice.value,
            warm_up=loading.warm_up,
            tiling=loading.tiling,
            revisions=loading.revisions,
        )
        with closing(self._engine.run(order)) as events:
            self._follow(job, events)

    def _follow(self, job: JobRecord, events: Iterable[Event]) -> None:
        provenance: dict[str, Any] = {}
        control: ControlImage | None = None
        for event in events:
            match event:
                case Started():
                    provenance = event.provenance
                case ImageReady():
                    self._save(job, event, provenance, control)
                case Completed():
                    memory = event.provenance.get("memory_mb")
                    self._queue.finish(JobStatus.DONE, timings=event.timings, memory_mb=memory)
                case Failed(code, detail):
                    self._fail(code, detail)
                case _:
                    control = event if isinstance(event, ControlImage) else control
                    self._queue.apply(event)

    def _save(
        self, job: JobRecord, image: ImageReady, provenance: dict[str, Any], control: ControlImage | None
    ) -> None:
        now = self._queue.get(job.id)
        if len(now.images) + 1 == job.request.num_images:  # else the worker is at the next one already
            self._queue.apply(PhaseChanged(Phase.SAVING))
        record = self._collection.save_generated(
            job_id=job.id,
            request=job.request,
            image=image,
            notices=now.notices,
            provenance=provenance,
            control=control,
        )
        self._queue.add_image(record.id)

    def _fail(self, code: str, detail: str) -> None:
        if code == Cancelled.code:
            self._queue.finish(JobStatus.CANCELLED)
        else:
            self._queue.finish(JobStatus.FAILED, error=JobError(code=code, message=detail))
