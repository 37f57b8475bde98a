"""Takes jobs from the queue, each for a worker that is free, and sees each to its end in a thread of its own.

Job → work order → engine → events to the queue, pictures to the collection. It is the one boundary
where errors of a job become words in its record. A disk that refuses fails no job: the queue is held, says
why, and goes on when the disk can. Knows nothing of HTTP, of rows and of torch.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from pipelines.errors import Cancelled, Conflict, LikenessError, RequestError, StorageFailure, WorkerLost
from pipelines.events import (
    Box,
    Completed,
    ControlImage,
    Event,
    Failed,
    ImageReady,
    Notice,
    Phase,
    PhaseChanged,
    Started,
    WorkOrder,
)
from pipelines.request import CompleteRequest, GenerationRequest, Mode, Role
from studio.choosing import chooser
from studio.engine import Engine, NotBegun
from studio.job_store import UNKNOWN
from studio.jobs import JobQueue
from studio.models.records import LoadOptions
from studio.records import ImageRecord, JobError, JobRecord, JobStatus

HOLD_SECONDS = 2.0
"""Between two tries while the disk refuses."""
_OWN_FAULT = 3
"""Refusals of one thing, while all else can be kept, after which its job fails."""
T = TypeVar("T")
log = logging.getLogger(__name__)


class _Closing(Exception):
    """The studio closes while the disk refuses."""


Wanted = tuple[tuple[CompleteRequest, tuple[str, ...]], ...]
"""Complete requests with their notices."""


class Afterwards(NamedTuple):
    """What follows a job that is done, and what is said about it."""

    wanted: Wanted = ()
    notices: tuple[str, ...] = ()


class JobPictures(Protocol):
    """The part of the collection that jobs need."""

    def working_file(self, image_id: str) -> Path:
        """An upright 8-bit RGB file of the picture. Raises NotFound, StorageFailure."""
        ...

    def mask_file(self, image_id: str) -> Path:
        """An upright 8-bit file of the picture with its transparency. Raises NotFound, StorageFailure."""
        ...

    def original_file(self, image_id: str) -> Path:
        """An upright 8-bit file of the picture as it is, colours and all. Raises NotFound, StorageFailure."""
        ...

    def own_file(self, image_id: str) -> Path | None:
        """The same; None where the working file has all there is. Raises NotFound, StorageFailure."""
        ...

    def save_generated(
        self,
        *,
        job_id: str,
        request: CompleteRequest,
        image: ImageReady,
        notices: tuple[str, ...],
        provenance: dict[str, Any],
        control: ControlImage | None = None,
    ) -> ImageRecord:
        """Keep the picture, file first and row last; once per job and index. Raises StorageFailure.

        `control`: the control image that guided it, to be kept with it.
        """
        ...

    def try_disk(self, size: int) -> None:
        """Write `size` bytes and a row, and undo it. Raises StorageFailure where that cannot be done."""
        ...


class Dispatcher:
    """Connects queue, engine and collection. Start it once, stop it before the process ends."""

    def __init__(
        self,
        queue: JobQueue,
        engine: Engine,
        collection: JobPictures,
        loading_of: Callable[[str], LoadOptions] = lambda model_id: LoadOptions(),
        hold_seconds: float = HOLD_SECONDS,
        heads_of: Callable[[Path], tuple[Box, ...]] = lambda path: (),
        refusal_of: Callable[[JobRecord], str | None] = lambda job: None,
        after: Callable[[JobRecord], Afterwards] = lambda job: Afterwards(),
    ) -> None:
        """`heads_of` says where heads are in a file, in px; `refusal_of`, why a job is not to begin; `after`,
        what is queued when one is done."""
        self._refusal_of = refusal_of
        self._queue = queue
        self._engine = engine
        self._collection = collection
        self._loading_of = loading_of
        self._hold_seconds = hold_seconds
        self._heads_of = heads_of
        self._after = after
        self._stopping = threading.Event()
        self._at_work: dict[str, threading.Thread] = {}
        """By worker, who sees to its job; only the dispatcher's own thread adds to it."""
        self._thread = threading.Thread(target=self._loop, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin with the first queued job."""
        self._queue.on_cancel(self._engine.cancel)
        self._engine.on_state(self._queue.set_worker)  # which lets the queue look again who is free
        self._thread.start()

    def stop(self) -> None:
        """End the engine, too. Running jobs go back into the queue for the next start."""
        self._stopping.set()
        self._engine.stop()
        self._queue.wake()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(_Closing):
                self._next()
        for thread in [*self._at_work.values()]:
            thread.join()

    def _next(self) -> None:
        openings = self._queue.openings
        choose = chooser(self._engine.places(), frozenset(self._at_work))
        job = self._held(partial(self._queue.claim, 1.0, choose, openings))
        if job is not None:
            thread = threading.Thread(target=self._see_to, args=(job,), name=f"job-{job.id[:8]}", daemon=True)
            self._at_work[job.worker] = thread
            thread.start()

    def _see_to(self, job: JobRecord) -> None:
        try:
            with contextlib.suppress(_Closing):
                self._one(job)
        finally:
            self._queue.release(job.id, job.worker)  # where it has not ended, since the studio closes
            del self._at_work[job.worker]
            self._queue.wake()

    def _one(self, job: JobRecord) -> None:
        try:
            self._try(job)
        except LikenessError as error:
            self._fail(job, error.code, error.detail)
        except _Closing:
            raise
        except Exception:  # the boundary: one bad job never stops the queue
            log.exception("A job failed unexpectedly.")
            self._fail(job, "error", "The job could not be done. The studio's terminal shows the details.")

    def _try(self, job: JobRecord) -> None:
        try:
            self._make(job)
        except NotBegun:
            self._queue.release(job.id, job.worker)
        except WorkerLost as error:
            if not self._stopping.is_set():
                log.warning("Job %s lost its worker: %s", job.id, error.detail)
                self._held(partial(self._queue.requeue, job.id))

    def _make(self, job: JobRecord) -> None:
        saved = self._held(partial(self._queue.saved, job.id), job)
        if len(saved) == job.request.num_images:  # the last try ended between its last picture and its end
            self._held(partial(self._queue.finish, job.id, JobStatus.DONE, then=self._then(job)))
            return
        refusal = self._held(partial(self._refusal_of, job), job)
        if refusal is not None:
            raise Conflict(refusal)
        files, masks = self._held(partial(self._files, job.request), job)
        originals, heads = self._held(partial(self._as_stored, job.request), job)
        request = _complete(job)
        loading = self._loading_of(request.model)
        order = WorkOrder(
            job.id,
            request,
            files,
            skip=saved,
            memory=loading.choice.value,
            warm_up=loading.warm_up,
            tiling=loading.tiling,
            revisions=loading.revisions,
            masks=masks,
            originals=originals,
            heads=heads,
        )
        with closing(self._engine.run(order, job.worker)) as events:
            self._follow(job, events)

    def _files(self, request: GenerationRequest) -> tuple[dict[str, str], dict[str, str]]:
        """The files of all references, and those of masks once more with their transparency."""
        keep = self._collection
        files = {ref.image_id: str(keep.working_file(ref.image_id)) for ref in request.references}
        masks = {
            ref.image_id: str(keep.mask_file(ref.image_id))
            for ref in request.references
            if request.role_of(ref) is Role.MASK
        }
        return files, masks

    def _as_stored(self, request: GenerationRequest) -> tuple[dict[str, str], tuple[Box, ...]]:
        """What is enlarged or refined, as it is stored; heads: fixed, or not to be cut by a join."""
        if request.fit == "crop" or request.mode is Mode.FIX_FACE:
            source = request.with_role(Role.SOURCE)[0].image_id
            return {}, self._heads_of(self._collection.working_file(source))
        if request.mode is not Mode.UPSCALE:
            sources = request.with_role(Role.SOURCE) if request.result_size is not None else ()
            own = {each.image_id: self._collection.own_file(each.image_id) for each in sources}
            return {image_id: str(path) for image_id, path in own.items() if path is not None}, ()
        ids = [reference.image_id for reference in request.references]
        heads = self._heads_of(self._collection.working_file(ids[0])) if request.upscaler else ()
        return {image_id: str(self._collection.original_file(image_id)) for image_id in ids}, heads

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
                    done = partial(
                        self._queue.finish, job.id, JobStatus.DONE, timings=event.timings, memory_mb=memory
                    )
                    self._held(partial(done, then=self._then(job)))
                case Failed(code, detail):
                    self._fail(job, code, detail)
                case _:
                    control = event if isinstance(event, ControlImage) else control
                    self._queue.apply(job.id, event)

    def _then(self, job: JobRecord) -> Wanted:
        """What is queued after a job, told in its notices where that is less than was asked."""
        now = self._queue.get(job.id)
        if now.cancel_requested:
            return ()
        try:
            found = self._after(now)
        except LikenessError as error:  # the pictures are made and kept
            found = Afterwards(notices=(error.detail,))
        for words in found.notices:
            self._queue.apply(job.id, Notice(words))
        return found.wanted

    def _save(
        self, job: JobRecord, image: ImageReady, provenance: dict[str, Any], control: ControlImage | None
    ) -> None:
        now = self._queue.get(job.id)
        if len(now.images) + 1 == job.request.num_images:  # else the worker is at the next one already
            self._queue.apply(job.id, PhaseChanged(Phase.SAVING))
        save = partial(
            self._collection.save_generated,
            job_id=job.id,
            request=_complete(job),
            image=image,
            notices=now.notices,
            provenance=provenance,
            control=control,
        )
        self._queue.add_image(job.id, self._held(save, job).id)

    def _fail(self, job: JobRecord, code: str, detail: str) -> None:
        cancelled = code == Cancelled.code
        error = None if cancelled else JobError(code=code, message=detail)
        status = JobStatus.CANCELLED if cancelled else JobStatus.FAILED
        self._held(partial(self._queue.finish, job.id, status, error=error))

    # --- a disk that refuses ----------------------------------------------------------------

    def _held(self, act: Callable[[], T], job: JobRecord | None = None) -> T:
        """What `act` returns; while the disk refuses, the queue is held and it is tried again.

        For a `job`, it is given up where the job is to be cancelled, or where everything else can be kept.
        Raises Cancelled, _Closing, and StorageFailure where that is the job's own.
        """
        own, by = 0, job.id if job else ""
        while True:
            try:
                result = act()
            except StorageFailure as failure:
                own += job is not None and self._can_keep(job.request)
                if job is not None and self._queue.get(job.id).cancel_requested:
                    raise Cancelled from failure
                if own >= _OWN_FAULT:
                    self._queue.hold(None, by)
                    raise
                self._wait(failure, by)
            else:
                self._queue.hold(None, by)
                return result

    def _wait(self, failure: StorageFailure, by: str) -> None:
        if self._queue.snapshot().held != failure.detail:
            log.warning("The queue is held: %s", failure.detail)
        self._queue.hold(failure.detail, by)
        if self._stopping.wait(self._hold_seconds):
            raise _Closing from failure

    def _can_keep(self, request: GenerationRequest) -> bool:
        try:
            self._collection.try_disk(4 * (request.width or 1024) * (request.height or 1024))
        except StorageFailure:
            return False
        return True


def _complete(job: JobRecord) -> CompleteRequest:
    """Its request. Raises RequestError for one of another version's jobs, where this one cannot read it."""
    if not isinstance(job.request, CompleteRequest):
        raise RequestError(UNKNOWN.detail)
    return job.request
