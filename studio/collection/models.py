"""Rows: pictures, their parents and tags, and jobs.

The schema itself is made by `migrations`; these classes must agree with it (a test compares them).
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


class ImageRow(Base):
    """A picture: one row per stored file."""

    __tablename__ = "images"

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Row number, also in `image_search`."""
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

    parents: Mapped[list[ParentRow]] = relationship(
        foreign_keys="ParentRow.child_id", order_by="ParentRow.order", cascade="all, delete-orphan"
    )
    tags: Mapped[list[TagRow]] = relationship(order_by="TagRow.position", cascade="all, delete-orphan")

    __table_args__ = (
        UniqueConstraint("job_id", "batch_index"),
        Index("ix_images_created_at_id", "created_at", "id"),
        Index("ix_images_category_created_at_id", "category", "created_at", "id"),
        Index("ix_images_model_created_at_id", "model", "created_at", "id"),
        Index("ix_images_starred_created_at_id", "starred", "created_at", "id"),
        Index("ix_images_trashed", "created_at", "id", sqlite_where=text("trashed_at IS NOT NULL")),
    )


class ParentRow(Base):
    """A reference of a made picture: what acted on it, as what, how much."""

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


class JobRow(Base):
    """A job of the durable queue. Its pictures are the images whose `job_id` it is."""

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Order of arrival: queued jobs run by it."""
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
