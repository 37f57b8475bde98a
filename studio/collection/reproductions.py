"""A picture made once more from its own request: how alike it came out, and what could explain why not.

*Identical*: the same pixels; then no second picture is kept. *Close*: a mean difference of at most 2 of 255
and an SSIM of at least 0.97, which eyes do not tell apart. *Different*: anything else. Rows are read and
written inside the caller's transaction; `compare` reads two files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio import images
from studio.collection import drift
from studio.collection.models import ImageRow, JobRow, ReproductionRow
from studio.history_records import Reproduction
from studio.json_values import is_object
from studio.records import JobStatus

ReproductionVerdict = Literal["identical", "close", "different"]
CLOSE_MEAN = 2.0
CLOSE_SSIM = 0.97
_UNEXPLAINED = "Nothing that was written down differs: this device does not always calculate the same."
_NAMES = {
    "device": "device",
    "device_name": "device",
    "dtype": "precision",
    "memory": "way to keep the model in memory",
    "revision": "revision of the model",
    "pipeline": "pipeline",
    "scheduler": "scheduler",
    "step_cache": "share of steps that are computed",
}
_FILES = ("parts", "add_ons", "loras")
"""What is read besides the model itself, each with its hash."""
_HASH_CHARS = 12
"""As many as the page shows of a revision."""


@dataclass(frozen=True, slots=True)
class ReproductionResult:
    """How alike, measured how, and why perhaps not."""

    verdict: ReproductionVerdict
    measures: dict[str, float] = field(default_factory=dict[str, float])
    differences: tuple[str, ...] = ()


def begin(session: Session, job_id: str, image_id: str) -> None:
    """The job is to make this picture once more."""
    session.add(ReproductionRow(job_id=job_id, image_id=image_id, created_at=datetime.now(UTC)))


def original_of(session: Session, job_id: str) -> ImageRow | None:
    """The picture that the job is to make once more; None for other jobs."""
    of_job = select(ReproductionRow.image_id).where(ReproductionRow.job_id == job_id)
    return session.scalar(select(ImageRow).where(ImageRow.id == of_job.scalar_subquery()))


def settle(session: Session, job_id: str, outcome: ReproductionResult, result_id: str | None) -> None:
    """Write down what came of it."""
    row = session.get_one(ReproductionRow, job_id)
    row.verdict, row.result_id = outcome.verdict, result_id
    row.measures, row.differences = outcome.measures, list(outcome.differences)


def open_results(session: Session, image_id: str) -> list[tuple[str, ImageRow]]:
    """(job, new picture) of reproductions that were made and not compared yet."""
    statement = (
        select(ReproductionRow.job_id, ImageRow)
        .join(ImageRow, ImageRow.job_id == ReproductionRow.job_id)
        .where(ReproductionRow.image_id == image_id, ReproductionRow.verdict.is_(None))
    )
    return [(job_id, row) for job_id, row in session.execute(statement)]


def of_picture(session: Session, image_id: str) -> tuple[Reproduction, ...]:
    """All reproductions of a picture, newest first."""
    statement = (
        select(ReproductionRow, JobRow.status)
        .join(JobRow, JobRow.id == ReproductionRow.job_id, isouter=True)
        .where(ReproductionRow.image_id == image_id)
        .order_by(ReproductionRow.created_at.desc())
    )
    return tuple(_record(row, status) for row, status in session.execute(statement))


def reproduced_by(session: Session, image_id: str) -> str | None:
    """The picture that this one is a second make of."""
    return session.scalar(select(ReproductionRow.image_id).where(ReproductionRow.result_id == image_id))


def compare(
    original: Path, result: Path, before: Mapping[str, Any], after: Mapping[str, Any]
) -> ReproductionResult:
    """Compare two pictures of different pixels and their provenances. Raises OSError."""
    import numpy as np

    differences = tuple(explain(before, after)) or (_UNEXPLAINED,)
    with images.plain(original, result, copies=4) as (one, other):
        if one.size != other.size:
            return ReproductionResult("different", {}, differences)
        old, new = (np.asarray(picture, dtype=np.int16) for picture in (one, other))
        apart = np.abs(old - new)
        measures = {
            "mean_difference": round(float(apart.mean()), 4),
            "max_difference": float(apart.max()),
            "ssim": drift.ssim(one, other),
        }
    close = measures["mean_difference"] <= CLOSE_MEAN and measures["ssim"] >= CLOSE_SSIM
    return ReproductionResult("close" if close else "different", measures, differences)


def explain(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What was recorded of both makes and is not the same, in words."""
    for key, name in _NAMES.items():
        if _differ(before, after, key) and not (key == "device_name" and _says_no_more(before, after)):
            yield f"Another {name}: {_shown(before[key])} then, {_shown(after[key])} now."
    if any(_differ(before, after, key) for key in _FILES):
        yield "Other files of LoRAs, or of other parts beside the model, then and now."
    old, new = (_versions(each) for each in (before, after))
    for library in sorted({*old, *new}):
        if old.get(library) != new.get(library):
            yield f"{library} {old.get(library, 'was not there')} then, {new.get(library, 'gone')} now."


def _versions(provenance: Mapping[str, Any]) -> dict[str, Any]:
    said = provenance.get("versions")
    return said if is_object(said) else {}


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    """What was not written down of one of them explains nothing."""
    return key in before and key in after and before[key] != after[key]


def _says_no_more(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """The kinds of device differ already, or are processors, which have no names here."""
    return before.get("device") != after.get("device") or after.get("device") == "cpu"


def _shown(value: object) -> str:
    """Of a hash only its beginning."""
    words = str(value or "unknown").removeprefix("sha256:")
    return words[:_HASH_CHARS] if len(words) >= 40 and words.isalnum() else words


def _record(row: ReproductionRow, status: str | None) -> Reproduction:
    return Reproduction(
        job_id=row.job_id,
        image_id=row.image_id,
        result_id=row.result_id,
        created_at=row.created_at,
        status=None if status is None else JobStatus(status),
        verdict=cast(ReproductionVerdict | None, row.verdict),
        measures=row.measures,
        differences=tuple(row.differences),
    )
