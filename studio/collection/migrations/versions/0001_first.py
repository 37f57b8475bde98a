"""Pictures, parents, tags, full-text search, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first schema."""
    _images()
    _parents()
    _tags()
    _jobs()
    op.execute(
        "CREATE VIRTUAL TABLE image_search USING fts5("
        "prompt, label, name, tags, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')"
    )


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pixel_sha256", sa.String(64), nullable=False),
        sa.Column("extension", sa.String(8), nullable=False),
        sa.Column("mime", sa.String(32), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("plain", sa.Boolean, nullable=False),
        sa.Column("category", sa.String(16), nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("name", sa.String),
        sa.Column("model", sa.String(64)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("starred", sa.Boolean, nullable=False),
        sa.Column("trashed_at", sa.DateTime),
        sa.Column("job_id", sa.String(64)),
        sa.Column("batch_index", sa.Integer),
        sa.Column("seed", sa.Integer),
        sa.Column("request", sa.JSON),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_images"),
        sa.UniqueConstraint("id", name="uq_images_id"),
        sa.UniqueConstraint("sha256", name="uq_images_sha256"),
        sa.UniqueConstraint("job_id", "batch_index", name="uq_images_job_id_batch_index"),
    )
    op.create_index("ix_images_pixel_sha256", "images", ["pixel_sha256"])
    op.create_index("ix_images_created_at_id", "images", ["created_at", "id"])
    op.create_index("ix_images_category_created_at_id", "images", ["category", "created_at", "id"])
    op.create_index("ix_images_model_created_at_id", "images", ["model", "created_at", "id"])
    op.create_index("ix_images_starred_created_at_id", "images", ["starred", "created_at", "id"])
    trashed = sa.text("trashed_at IS NOT NULL")
    op.create_index("ix_images_trashed", "images", ["created_at", "id"], sqlite_where=trashed)


def _parents() -> None:
    op.create_table(
        "image_parents",
        sa.Column("child_id", sa.String(64), nullable=False),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("pixel_sha256", sa.String(64), nullable=False),
        sa.Column("parent_id", sa.String(64)),
        sa.PrimaryKeyConstraint("child_id", "order", name="pk_image_parents"),
        sa.ForeignKeyConstraint(
            ["child_id"], ["images.id"], name="fk_image_parents_child_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["images.id"], name="fk_image_parents_parent_id", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_image_parents_pixel_sha256", "image_parents", ["pixel_sha256"])
    op.create_index("ix_image_parents_parent_id", "image_parents", ["parent_id"])


def _tags() -> None:
    op.create_table(
        "image_tags",
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("tag", sa.String(64, collation="NOCASE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "tag", name="pk_image_tags"),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name="fk_image_tags_image_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_image_tags_tag", "image_tags", ["tag"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("tab", sa.String(128)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_detail", sa.String),
        sa.Column("notices", sa.JSON, nullable=False),
        sa.Column("timings", sa.JSON, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("memory_mb", sa.Integer),
        sa.PrimaryKeyConstraint("number", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
    )
    op.create_index("ix_jobs_status_number", "jobs", ["status", "number"])
    op.create_index("ix_jobs_model_status_number", "jobs", ["model", "status", "number"])
