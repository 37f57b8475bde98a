"""The jobs that a snapshot of the queue lists, with the place and the time left of those that wait.

Pure, on the jobs in memory; `jobs` holds the lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from studio.job_table import JobTable
from studio.job_times import PastRuns
from studio.records import JobRecord

SHOWN_QUEUED = 1000
"""So many waiting jobs are listed, and how many there are is told: pages get all of it with each change."""


def shown(table: JobTable, past: PastRuns, *, paused: bool) -> Iterator[JobRecord]:
    """Running, queued in order, then ended, newest first."""
    yield from (job.record for job in table.running.values())
    yield from _queued(table, past, paused=paused)
    yield from (job.record for job in table.finished)


def _queued(table: JobTable, past: PastRuns, *, paused: bool) -> Iterator[JobRecord]:
    """All that is ahead of a job is shared by the workers that have something."""
    running = [job.record.eta_seconds for job in table.running.values()]
    known = [eta for eta in running if eta is not None]
    ahead = sum(known) if len(known) == len(running) and not paused else None
    for position, job in enumerate(islice(table.queued, SHOWN_QUEUED)):
        own = past.expect(job.record.request)
        ahead = ahead + own.total if own and ahead is not None else None
        left = ahead / max(1, len(running)) if ahead is not None else None
        yield job.record.model_copy(update={"position": position, "eta_seconds": left})
