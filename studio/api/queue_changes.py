"""What changed in the queue since it was last told: a few hundred bytes where the whole is many thousand.

Whoever has a snapshot and applies each change to it in turn has the next one. Two things are left to the
reader: `position` (a queued job's place among the queued ones), and that the time a waiting job has left is
told again only when it is noticeably another. Knows nothing of listeners and of HTTP.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, Field

from studio.records import JobRecord, JobStatus, QueueSnapshot

_JOB_FIELDS = tuple(name for name in JobRecord.model_fields if name not in ("id", "position"))
_OWN_FIELDS = tuple(name for name in QueueSnapshot.model_fields if name not in ("version", "jobs"))
_NOTICEABLE = 0.05
_NOTICEABLE_SECONDS = 1.0


class QueueChange(BaseModel):
    """From the snapshot of version `since` to that of `version`. Fields that say nothing new are left out."""

    version: int
    since: int
    fields: dict[str, Any] = Field(
        default_factory=dict, description="Fields of the snapshot beside its jobs that changed: `worker`, …"
    )
    gone: tuple[str, ...] = Field(default=(), description="Ids of jobs that are no longer among them.")
    jobs: tuple[dict[str, Any], ...] = Field(
        default=(), description="New jobs, whole; of the others `id` and the fields that changed."
    )
    places: tuple[tuple[int, str], ...] = Field(
        default=(),
        description="Index and id of jobs that are new or stand elsewhere. Take all out, then put each in.",
    )

    def as_json(self) -> str:
        """Without what says nothing; a null inside a job says something."""
        said = {name: value for name, value in self.model_dump(mode="json").items() if value or value == 0}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


class SentQueue:
    """The queue as listeners have been told it."""

    def __init__(self, snapshot: QueueSnapshot) -> None:
        self.snapshot = snapshot

    def change_to(self, now: QueueSnapshot) -> QueueChange | None:
        """What makes `now` of what was told, which then is told; None where that is no newer."""
        before = self.snapshot
        if now.version <= before.version:
            return None
        old = {job.id: job for job in before.jobs}
        sent = tuple(_as_sent(old.get(job.id), job) for job in now.jobs)
        self.snapshot = now.model_copy(update={"jobs": sent})
        ids = {job.id for job in sent}
        return QueueChange(
            version=now.version,
            since=before.version,
            fields=_changed(before, now, _OWN_FIELDS),
            gone=tuple(job_id for job_id in old if job_id not in ids),
            jobs=tuple(part for job in sent if (part := _part(old.get(job.id), job))),
            places=_places(before.jobs, sent),
        )


def _as_sent(before: JobRecord | None, now: JobRecord) -> JobRecord:
    """The record; a waiting job's time that is about the same stays as it was told."""
    if (
        before is None
        or now.status is not JobStatus.QUEUED
        or not _about(before.eta_seconds, now.eta_seconds)
    ):
        return now
    return now.model_copy(update={"eta_seconds": before.eta_seconds})


def _about(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= max(_NOTICEABLE_SECONDS, _NOTICEABLE * one)


def _part(before: JobRecord | None, now: JobRecord) -> dict[str, Any] | None:
    """What is to be said of a job; None: nothing."""
    if before is None:
        return now.model_dump(mode="json")
    changed = _changed(before, now, _JOB_FIELDS)
    return {"id": now.id} | changed if changed else None


def _changed(before: BaseModel, now: BaseModel, names: tuple[str, ...]) -> dict[str, Any]:
    """As JSON, those of the fields that are others now."""
    pairs = ((name, getattr(before, name), getattr(now, name)) for name in names)
    differ = {name for name, one, other in pairs if one is not other and one != other}
    return now.model_dump(mode="json", include=differ) if differ else {}


def _places(before: tuple[JobRecord, ...], now: tuple[JobRecord, ...]) -> tuple[tuple[int, str], ...]:
    """Few where jobs only came, went and changed their status; all where they were put in another order."""
    status = {job.id: job.status for job in before}
    moved = {job.id for job in now if status.get(job.id) is not job.status}
    staying = {job.id for job in now} - moved
    if [job.id for job in before if job.id in staying] != [job.id for job in now if job.id in staying]:
        moved |= staying
    return tuple((index, job.id) for index, job in enumerate(now) if job.id in moved)
