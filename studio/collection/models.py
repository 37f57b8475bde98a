"""Rows: pictures, their parents and tags, jobs, and what was measured of pictures.

The schema itself is made by `migrations`; these classes must agree with it (a test compares them).
A table whose rows need a picture points at it with `ondelete="RESTRICT"`: that keeps it from being deleted.
Knows nothing of files or of how rows become records.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes, kept as UTC text of fixed width, so that they sort as they are."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables; constraints are named so that later migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


_FILTERS = ("category", "model", "mode", "starred", "has_references")
_BOTH = ("model", "mode")
_LIVE = text("trashed_at IS NULL")
_TRASHED = text("trashed_at IS NOT NULL")


def _without(*columns: str) -> tuple[str, ...]:
    return tuple(each for each in _FILTERS if each not in columns)


class ImageRow(Base):
    """A picture: one row per stored file."""

    __tablename__ = "images"

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Place in time: microseconds from 1970 to `created_at`, or the next free ones. Listings go by it, and
    `image_search` has it as rowid, so that both can be read in the same order."""
    id: Mapped[str] = mapped_column(String(64), unique=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    pixel_sha256: Mapped[str] = mapped_column(String(64), index=True)
    extension: Mapped[str] = mapped_column(String(8))
    mime: Mapped[str] = mapped_column(String(32))
    size_bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    plain: Mapped[bool]
    """The file is an upright 8-bit RGB PNG: it can be worked on as it is."""
    category: Mapped[str] = mapped_column(String(16))
    label: Mapped[str]
    name: Mapped[str | None]
    model: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    starred: Mapped[bool] = mapped_column(default=False)
    trashed_at: Mapped[datetime | None]
    job_id: Mapped[str | None] = mapped_column(String(64))
    batch_index: Mapped[int | None]
    seed: Mapped[int | None]
    request: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    notes: Mapped[list[str]] = mapped_column(default=list)
    provenance: Mapped[dict[str, Any]] = mapped_column(default=dict)
    mode: Mapped[str | None] = mapped_column(String(32))
    """The request's, for filters."""
    has_references: Mapped[bool] = mapped_column(default=False)
    depth: Mapped[int] = mapped_column(default=0)
    """Generations between it and the first picture of its line; see `lineage`."""
    sort_name: Mapped[str] = mapped_column(default="")
    """What it is called, without regard to case."""
    rights: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    anchor: Mapped[bool] = mapped_column(default=False)
    """Chosen as what later pictures of its line are measured against."""
    purged_at: Mapped[datetime | None]
    """Taken out of the trash for good. Where a made picture still needs the file, the row stays, unlisted."""

    parents: Mapped[list[ParentRow]] = relationship(
        foreign_keys="ParentRow.child_id", order_by="ParentRow.order", cascade="all, delete-orphan"
    )
    tags: Mapped[list[TagRow]] = relationship(order_by="TagRow.position", cascade="all, delete-orphan")

    __table_args__ = (
        UniqueConstraint("job_id", "batch_index"),
        # Each holds all that listings filter by: choosing pictures reads no row.
        Index("ix_images_live", "number", *_FILTERS, sqlite_where=_LIVE),
        Index("ix_images_live_category", "category", "number", *_without("category"), sqlite_where=_LIVE),
        Index("ix_images_live_model", "model", "number", *_without("model"), sqlite_where=_LIVE),
        Index("ix_images_live_model_mode", *_BOTH, "number", *_without(*_BOTH), sqlite_where=_LIVE),
        Index("ix_images_live_mode", "mode", "number", *_without("mode"), sqlite_where=_LIVE),
        Index("ix_images_live_starred", "starred", "number", *_without("starred"), sqlite_where=_LIVE),
        Index("ix_images_live_name", "sort_name", "number", *_FILTERS, sqlite_where=_LIVE),
        Index("ix_images_live_size", "size_bytes", "number", *_FILTERS, sqlite_where=_LIVE),
        Index("ix_images_trash", "purged_at", "number", "trashed_at", sqlite_where=_TRASHED),
    )


class ParentRow(Base):
    """What acted on a made picture, as what, how much: its references, and a control image made of one."""

    __tablename__ = "image_parents"

    child_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    order: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    weight: Mapped[float]
    pixel_sha256: Mapped[str] = mapped_column(String(64), index=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)


class TagRow(Base):
    """A tag of a picture, in the artist's order and spelling."""

    __tablename__ = "image_tags"

    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64, collation="NOCASE"), primary_key=True)
    position: Mapped[int]

    __table_args__ = (Index("ix_image_tags_tag", "tag"),)


class DriftRow(Base):
    """How far a picture is from an anchor: measured once, can be measured again."""

    __tablename__ = "drift"

    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    anchor_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    method: Mapped[int]
    """Of another method than the studio's own: to be measured again."""
    structure: Mapped[float]
    colour: Mapped[float]


class ReproductionRow(Base):
    """A job that was to make a picture once more, and what came of it."""

    __tablename__ = "reproductions"

    job_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), index=True)
    result_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    """The new picture; None where its pixels were the same, or none came."""
    created_at: Mapped[datetime]
    verdict: Mapped[str | None] = mapped_column(String(16))
    measures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    differences: Mapped[list[str]] = mapped_column(default=list)


class JobRow(Base):
    """A job of the durable queue. Its pictures are the images whose `job_id` it is."""

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Order of arrival."""
    place: Mapped[int | None]
    """Queued jobs run by it; None, as older studios left it: by `number`."""
    repeat: Mapped[bool] = mapped_column(default=False, server_default=text("0"))
    """When it is done, the same is asked for with a new seed."""
    id: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(16))
    request: Mapped[dict[str, Any]]
    """The complete request; never changes."""
    model: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(32))
    tab: Mapped[str | None] = mapped_column(String(128))
    attempts: Mapped[int] = mapped_column(default=0)
    """How often the job was begun."""
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None]
    notices: Mapped[list[str]] = mapped_column(default=list)
    timings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Seconds per phase."""
    seconds: Mapped[float | None]
    """Seconds per picture without loading and waiting; feeds the model's cost."""
    memory_mb: Mapped[int | None]
    """Most accelerator memory the job took, in MiB; feeds the model's cost."""

    __table_args__ = (
        Index("ix_jobs_status_number", "status", "number"),
        Index("ix_jobs_model_status_number", "model", "status", "number"),
    )


class QueueSwitchRow(Base):
    """One of `QueueSwitches`, as the artist left it."""

    __tablename__ = "queue_switches"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    on: Mapped[bool]


class SweepRow(Base):
    """A sweep: its axes, and which job makes which place of the grid."""

    __tablename__ = "sweeps"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    body: Mapped[dict[str, Any]]
    """`request`, as it was asked for; `x` and `y`, each `field` and `values` (y may be null)."""
    job_ids: Mapped[list[str]]
    """Row by row."""

    jobs: Mapped[list[SweepJobRow]] = relationship(
        order_by="SweepJobRow.position", cascade="all, delete-orphan", lazy="raise"
    )


class SweepJobRow(Base):
    """The same from the other side: which sweep a job is of."""

    __tablename__ = "sweep_jobs"

    job_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sweep_id: Mapped[str] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
