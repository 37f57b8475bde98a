"""Sweeps: the pictures of a grid are queued together, each an ordinary job, and shown as that grid."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import Session

from pipelines.errors import LikenessError, NotFound, RequestError
from pipelines.planning import alternatives
from pipelines.planning.alternatives import Lists, no_lists
from pipelines.planning.complete import Completion
from pipelines.request import RANDOM_SEED, GenerationRequest
from studio import kept_requests
from studio.collection import queries
from studio.collection.collection import Collection
from studio.collection.models import ImageRow, JobRow, SweepRow, UtcDateTime
from studio.jobs import JobQueue
from studio.records import JobError, JobRecord, JobStatus
from studio.sweeps import axes, pictures, sheet
from studio.sweeps.axes import Axis, Value
from studio.sweeps.grid import Grid
from studio.sweeps.records import (
    BatchRequest,
    Labelled,
    LeftOut,
    Sweep,
    SweepCell,
    SweepEstimate,
    SweepPage,
    SweepRequest,
    SweepStarted,
)

_WHOLE_PROMPTS = ("prompt", axes.ALTERNATIVES)
"""Axes that say all of the prompt come before those that change a part of it."""
_SAY_THEMSELVES = ("prompt", "prompt_part", axes.ALTERNATIVES, "model", "mode", pictures.FIELD)
"""Axes whose values need no name before them."""
_OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


class Sweeps:
    """All sweeps of the studio."""

    def __init__(
        self,
        collection: Collection,
        queue: JobQueue,
        complete: Callable[[GenerationRequest], Completion],
        named: Callable[[str, Value], str] = lambda field, value: str(value),
        lists: Lists = no_lists,
    ) -> None:
        """`named` says what a value of an axis is called; `lists` reads those that prompts name."""
        self._lists = lists
        self._named = named
        self._database = collection.database
        self._collection = collection
        self._queue = queue
        self._complete = complete

    def estimate(self, asked: SweepRequest | BatchRequest) -> SweepEstimate:
        """How many pictures it would be and how long they would take. Raises as `start` does."""
        grid = self._worked_out(asked)
        seconds = [self._queue.expected(done.request) for done in grid.cells]
        known = [each for each in seconds if each is not None]
        notices = dict.fromkeys(words for done in grid.cells for words in done.notices)
        return SweepEstimate(
            pictures=len(grid.cells),
            seconds=sum(known) if len(known) == len(seconds) else None,
            notices=tuple(notices),
            left_out=grid.left_out,
        )

    def start(self, asked: SweepRequest | BatchRequest, *, tab: str | None = None) -> SweepStarted:
        """Queue all pictures, those of one model after each other; of a sweep all or none.

        Raises RequestError where an axis is none, the grid too large, or a picture of it cannot be made.
        """
        grid = self._worked_out(asked)
        order = grid.by_model()
        sweep_id = uuid.uuid4().hex
        ids = [""] * len(order)

        def note(session: Session, job_ids: tuple[str, ...]) -> None:
            for place, job_id in zip(order, job_ids, strict=True):
                ids[place] = job_id
            session.add(grid.row(sweep_id, ids))

        wanted = [(grid.cells[place].request, grid.cells[place].notices) for place in order]
        self._queue.add_all(wanted, tab, note)
        return SweepStarted(batch=sweep_id, jobs=tuple(ids), left_out=grid.left_out)

    def get(self, sweep_id: str) -> Sweep:
        """How it stands. Raises NotFound."""
        with self._database.reading() as session:
            row = session.get(SweepRow, sweep_id)
            if row is None:
                raise NotFound("There is no such sweep.")
            return self._record(session, row)

    def newest(self, limit: int = 20, cursor: str | None = None, *, cells: bool = True) -> SweepPage:
        """Newest first; without `cells` only what each was and how far it is. Raises RequestError."""
        newest = (SweepRow.created_at, SweepRow.id)
        query = select(SweepRow).order_by(*(each.desc() for each in newest)).limit(limit + 1)
        with self._database.reading() as session:
            if cursor is not None:
                last = session.get(SweepRow, cursor)
                if last is None:
                    raise RequestError("This is not a cursor of this list.", field="cursor")
                end = tuple_(literal(last.created_at, UtcDateTime()), last.id)
                query = query.where(tuple_(*newest) < end)
            found = session.scalars(query).all()
            rows = found[:limit]
            items = [self._record(session, row) if cells else _outline(session, row) for row in rows]
        return SweepPage(items=tuple(items), next=rows[-1].id if len(found) > limit else None)

    def cancel(self, sweep_id: str) -> Sweep:
        """End what is not made yet; `resume` goes on with it. Raises NotFound."""
        for cell in self.get(sweep_id).cells:
            if cell.status in _OPEN:
                self._queue.cancel(cell.job_id)
        return self.get(sweep_id)

    def resume(self, sweep_id: str) -> Sweep:
        """Queue what was cancelled or failed again. Raises NotFound."""
        for cell in self.get(sweep_id).cells:
            if cell.status in (JobStatus.CANCELLED, JobStatus.FAILED):
                self._queue.steering.retry(cell.job_id)
        return self.get(sweep_id)

    def sheet(self, sweep_id: str) -> bytes:
        """PNG of the whole grid with its values, as it stands. Raises NotFound."""
        found = self.get(sweep_id)
        rows = _labels(found.y) if found.y else [""]
        files = {
            (cell.x, cell.y): self._collection.working_file(cell.image.id)
            for cell in found.cells
            if cell.image is not None
        }
        buffer = io.BytesIO()
        sheet.draw(_labels(found.x), rows, files).save(buffer, "PNG")
        return buffer.getvalue()

    # --- inside -----------------------------------------------------------------------------

    def _worked_out(self, asked: SweepRequest | BatchRequest) -> Grid:
        if isinstance(asked, SweepRequest):
            return self._swept(asked)
        ids = pictures.chosen(asked.images)
        with self._database.reading() as session:
            sources = pictures.read(session, ids)
        return pictures.worked_out(asked.request, ids, sources, self._complete)

    def _swept(self, asked: SweepRequest) -> Grid:
        x = self._axis(asked.x, asked.request, "x")
        y = self._axis(asked.y, asked.request, "y") if asked.y else None
        if y is not None and y.field == x.field != "prompt_part":
            raise RequestError("Both axes go over the same setting. Choose another for one.", field="y")
        axes.check_cells(len(x.values), len(y.values) if y else 1)
        base = asked.request.model_copy(update={"num_images": 1})
        cells: list[Completion] = []
        for row in y.values if y else (None,):
            for column in x.values:
                given = _settings(base, x, column, y, row)
                if cells and given.get("seed", RANDOM_SEED) == RANDOM_SEED:
                    given["seed"] = cells[0].request.seed
                cells.append(self._cell(given, x, column, y, row))
        return Grid(asked.request, x, y, tuple(cells))

    def _axis(self, axis: Axis, request: GenerationRequest, name: str) -> Labelled:
        values = (
            self._all_drawn(request, name) if axis.field == axes.ALTERNATIVES else axes.values(axis, name)
        )
        labels = tuple(self._named(axis.field, value) for value in values)
        return Labelled(field=axis.field, values=values, labels=labels)

    def _all_drawn(self, request: GenerationRequest, name: str) -> tuple[Value, ...]:
        if not alternatives.is_open(request.prompt):
            raise RequestError(
                "This prompt leaves nothing open. Write choices, as in “{red | blue} hair”.", field=name
            )
        return alternatives.every(request.prompt, self._lists, axes.MOST_CELLS)

    def _cell(
        self, given: dict[str, Any], x: Labelled, column: Value, y: Labelled | None, row: Value | None
    ) -> Completion:
        place = f"{x.field} {column}" + (f", {y.field} {row}" if y else "")
        try:
            return self._complete(GenerationRequest.model_validate(given))
        except ValidationError as error:
            words = error.errors()[0]["msg"]
            raise RequestError(f"The picture with {place} can't be asked for: {words}.", field="x") from error
        except LikenessError as error:
            error.detail = f"The picture with {place}: {error.detail}"
            raise

    def _record(self, session: Session, row: SweepRow) -> Sweep:
        now = {job.id: job for job in self._queue.snapshot().jobs}
        jobs = {job.id: job for job in session.scalars(select(JobRow).where(JobRow.id.in_(row.job_ids)))}
        chosen = select(ImageRow).where(ImageRow.job_id.in_(row.job_ids), ImageRow.purged_at.is_(None))
        made = {picture.job_id: picture for picture in session.scalars(chosen)}
        columns = len(row.body["x"]["values"])
        cells = tuple(
            _cell(place, columns, job_id, now.get(job_id), jobs.get(job_id), made.get(job_id))
            for place, job_id in enumerate(row.job_ids)
        )
        return _told(row, cells, sum(cell.status not in _OPEN for cell in cells))


def _outline(session: Session, row: SweepRow) -> Sweep:
    """Without its places."""
    waiting = select(func.count()).where(JobRow.id.in_(row.job_ids), JobRow.status.in_(_OPEN))
    return _told(row, (), len(row.job_ids) - session.scalars(waiting).one())


def _told(row: SweepRow, cells: tuple[SweepCell, ...], ended: int) -> Sweep:
    return Sweep(
        id=row.id,
        created_at=row.created_at,
        request=kept_requests.read(row.body["request"]),
        x=Labelled.model_validate(row.body["x"]),
        y=Labelled.model_validate(row.body["y"]) if row.body["y"] else None,
        cells=cells,
        ended=ended,
        total=len(row.job_ids),
        left_out=tuple(LeftOut.model_validate(each) for each in row.body.get("left_out", ())),
    )


def _settings(
    base: GenerationRequest, x: Labelled, column: Value, y: Labelled | None, row: Value | None
) -> dict[str, Any]:
    """What was asked for, with this place's values; what was left open stays open."""
    given = base.model_dump(mode="json", exclude_unset=True)
    steps = [(x, column, "x")] if y is None or row is None else [(y, row, "y"), (x, column, "x")]
    for axis, value, name in sorted(steps, key=lambda step: step[0].field not in _WHOLE_PROMPTS):
        given = axes.applied(given, axis.field, value, axis.values[0], name)
    return given


def _labels(axis: Labelled) -> list[str]:
    """What stands above or beside the values."""
    words = axis.labels or tuple(map(str, axis.values))
    if axis.field in _SAY_THEMSELVES:
        return list(words)
    name = axes.called(axis.field) + (":" if "." in axis.field else "")
    return [f"{name} {each}" for each in words]


def _cell(
    place: int, columns: int, job_id: str, now: JobRecord | None, job: JobRow | None, picture: ImageRow | None
) -> SweepCell:
    status = now.status if now else JobStatus(job.status) if job else None
    error = JobError(code=job.error_code, message=job.error_detail or "") if job and job.error_code else None
    return SweepCell(
        x=place % columns,
        y=place // columns,
        job_id=job_id,
        status=status,
        error=now.error if now else error,
        image=queries.summary(picture) if picture else None,
    )
