"""Characters: blueprints, versions, reference sets, designs, runs, and which pictures are of whom."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.String(64)
_SHORT = sa.String(16)


def upgrade() -> None:
    """Add the tables; what there is stays as it is."""
    _designs()
    _characters()
    _pictures()
    _runs()


def _designs() -> None:
    op.create_table(
        "designs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("style_prompt", sa.String, nullable=False),
        sa.Column("negative_prompt", sa.String, nullable=False),
        sa.Column("model", sa.String(128)),
        sa.Column("aspect_ratio", _SHORT),
        sa.Column("seed_policy", _SHORT, nullable=False),
        sa.Column("seed", sa.Integer),
        sa.Column("guidance_scale", sa.Double),
        sa.Column("num_inference_steps", sa.Integer),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_designs"),
    )
    op.create_index("ix_designs_active", "designs", ["active"], unique=True, sqlite_where=sa.text("active"))
    op.create_table(
        "design_references",
        sa.Column("design_id", _ID, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("design_id", "image_id", name="pk_design_references"),
        _key("design_references", "design_id", "designs", "CASCADE"),
        _key("design_references", "image_id", "images", "RESTRICT"),
    )
    op.create_index("ix_design_references_image_id", "design_references", ["image_id"])


def _characters() -> None:
    op.create_table(
        "characters",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("archived_at", sa.DateTime),
        sa.Column("current_version_id", _ID),
        sa.Column("versions_made", sa.Integer, nullable=False),
        sa.Column("avatar_image_id", _ID),
        sa.Column("avatar_version_id", _ID),
        sa.Column("avatar_crop", sa.JSON),
        sa.Column("card", sa.JSON),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_characters"),
        _key("characters", "avatar_image_id", "images", "RESTRICT"),
    )
    op.create_index("ix_characters_position", "characters", ["position"])
    op.create_index("ix_characters_avatar_image_id", "characters", ["avatar_image_id"])
    op.create_table(
        "blueprints",
        sa.Column("character_id", _ID, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("character_id", name="pk_blueprints"),
        _key("blueprints", "character_id", "characters", "CASCADE"),
    )


def _pictures() -> None:
    table = "character_versions"
    op.create_table(
        table,
        sa.Column("id", _ID, nullable=False),
        sa.Column("character_id", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("held_image_id", _ID),
        sa.Column("state", _SHORT, nullable=False),
        sa.Column("source", _SHORT, nullable=False),
        sa.Column("design_id", _ID),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("trashed_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("character_id", "image_id", name=f"uq_{table}_character_id_image_id"),
        sa.UniqueConstraint("character_id", "number", name=f"uq_{table}_character_id_number"),
        _key(table, "character_id", "characters", "CASCADE"),
        _key(table, "image_id", "images", "CASCADE"),
        _key(table, "held_image_id", "images", "RESTRICT"),
        _key(table, "design_id", "designs", "SET NULL"),
    )
    live = sa.text("trashed_at IS NULL")
    op.create_index(f"ix_{table}_live", table, ["character_id", "state", "trashed_at"], sqlite_where=live)
    for column in ("image_id", "held_image_id", "design_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
    _of_character(
        "character_references",
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("anchor", sa.Boolean, nullable=False),
        ondelete="RESTRICT",
    )
    _of_character("character_images")


def _of_character(table: str, *more: sa.Column[Any], ondelete: str = "CASCADE") -> None:
    """A table of which picture belongs to which character."""
    op.create_table(
        table,
        sa.Column("character_id", _ID, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("character_id", "image_id", name=f"pk_{table}"),
        _key(table, "character_id", "characters", "CASCADE"),
        _key(table, "image_id", "images", ondelete),
    )
    op.create_index(f"ix_{table}_image_id", table, ["image_id"])


def _runs() -> None:
    op.create_table(
        "character_runs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", _SHORT, nullable=False),
        sa.Column("character_id", _ID),
        sa.Column("design_id", _ID),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("image_id", _ID),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_character_runs"),
        _key("character_runs", "character_id", "characters", "CASCADE"),
        _key("character_runs", "design_id", "designs", "SET NULL"),
        _key("character_runs", "image_id", "images", "SET NULL"),
    )
    for column in ("character_id", "design_id", "image_id"):
        op.create_index(f"ix_character_runs_{column}", "character_runs", [column])
    op.create_table(
        "character_jobs",
        sa.Column("job_id", _ID, nullable=False),
        sa.Column("character_id", _ID, nullable=False),
        sa.Column("purpose", _SHORT, nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("design_id", _ID),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_character_jobs"),
        _key("character_jobs", "character_id", "characters", "CASCADE"),
        _key("character_jobs", "run_id", "character_runs", "CASCADE"),
        _key("character_jobs", "design_id", "designs", "SET NULL"),
    )
    for column in ("character_id", "run_id"):
        op.create_index(f"ix_character_jobs_{column}", "character_jobs", [column])


def _key(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)
