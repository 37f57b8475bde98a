"""Rows of characters and designs. They point at pictures, so the collection knows them: what they need stays.

The verbs are in `studio.characters`. The schema is made by `migrations`; these classes must agree with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from studio.collection.models import Base

_NONE = JSON(none_as_null=True)


class CharacterRow(Base):
    """A character of the cast."""

    __tablename__ = "characters"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    position: Mapped[int]
    description: Mapped[str] = mapped_column(default="")
    archived_at: Mapped[datetime | None]
    current_version_id: Mapped[str | None] = mapped_column(String(64))
    """No foreign key, since versions point back here; only ever a version of this character."""
    versions_made: Mapped[int] = mapped_column(default=0)
    """Number of the newest version there ever was."""
    avatar_image_id: Mapped[str | None] = mapped_column(
        ForeignKey("images.id", ondelete="RESTRICT"), index=True
    )
    avatar_version_id: Mapped[str | None] = mapped_column(String(64))
    avatar_crop: Mapped[dict[str, Any] | None] = mapped_column(_NONE)
    card: Mapped[dict[str, Any] | None] = mapped_column(_NONE)
    """What the character card it came from says beyond what has a place here."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_characters_position", "position"),)


class BlueprintRow(Base):
    """What is said of a character. Each part of `body` tells in which revision it was last changed."""

    __tablename__ = "blueprints"

    character_id: Mapped[str] = mapped_column(
        ForeignKey("characters.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]
    body: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class VersionRow(Base):
    """A portrait of a character. Only its state and the trash ever change."""

    __tablename__ = "character_versions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    character_id: Mapped[str] = mapped_column(ForeignKey("characters.id", ondelete="CASCADE"))
    number: Mapped[int]
    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), index=True)
    held_image_id: Mapped[str | None] = mapped_column(
        ForeignKey("images.id", ondelete="RESTRICT"), index=True
    )
    """The same picture, unless the version is in the trash: it keeps the picture from being deleted."""
    state: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16))
    design_id: Mapped[str | None] = mapped_column(ForeignKey("designs.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime]
    trashed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("character_id", "image_id"),
        UniqueConstraint("character_id", "number"),
        # Holds all that is counted, in the order it is counted in.
        Index(
            "ix_character_versions_live",
            "character_id",
            "state",
            "trashed_at",
            sqlite_where=text("trashed_at IS NULL"),
        ),
    )


class ReferenceRow(Base):
    """An approved picture of a character's reference set."""

    __tablename__ = "character_references"

    character_id: Mapped[str] = mapped_column(
        ForeignKey("characters.id", ondelete="CASCADE"), primary_key=True
    )
    image_id: Mapped[str] = mapped_column(
        ForeignKey("images.id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    position: Mapped[int]
    anchor: Mapped[bool] = mapped_column(default=False)


class CharacterImageRow(Base):
    """The pictures of a character: made for it, its versions, its references. Follows from those."""

    __tablename__ = "character_images"

    character_id: Mapped[str] = mapped_column(
        ForeignKey("characters.id", ondelete="CASCADE"), primary_key=True
    )
    image_id: Mapped[str] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class DesignRow(Base):
    """A named production design; at most one is active."""

    __tablename__ = "designs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    style_prompt: Mapped[str] = mapped_column(default="")
    negative_prompt: Mapped[str] = mapped_column(default="")
    model: Mapped[str | None] = mapped_column(String(128))
    aspect_ratio: Mapped[str | None] = mapped_column(String(16))
    seed_policy: Mapped[str] = mapped_column(String(16), default="random")
    seed: Mapped[int | None]
    guidance_scale: Mapped[float | None]
    num_inference_steps: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_designs_active", "active", unique=True, sqlite_where=text("active")),)


class DesignReferenceRow(Base):
    """A style reference of a design."""

    __tablename__ = "design_references"

    design_id: Mapped[str] = mapped_column(ForeignKey("designs.id", ondelete="CASCADE"), primary_key=True)
    image_id: Mapped[str] = mapped_column(
        ForeignKey("images.id", ondelete="RESTRICT"), primary_key=True, index=True
    )
    position: Mapped[int]
    weight: Mapped[float]


class RunRow(Base):
    """Several jobs asked for at once: a cast brought to a design, or a character sheet."""

    __tablename__ = "character_runs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    character_id: Mapped[str | None] = mapped_column(
        ForeignKey("characters.id", ondelete="CASCADE"), index=True
    )
    design_id: Mapped[str | None] = mapped_column(ForeignKey("designs.id", ondelete="SET NULL"), index=True)
    body: Mapped[dict[str, Any]]
    image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    """The laid-out sheet."""
    created_at: Mapped[datetime]


class CharacterJobRow(Base):
    """What a job was queued for: a portrait, a proposal of a cast run, a picture of a sheet."""

    __tablename__ = "character_jobs"

    job_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    character_id: Mapped[str] = mapped_column(ForeignKey("characters.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    run_id: Mapped[str | None] = mapped_column(
        ForeignKey("character_runs.id", ondelete="CASCADE"), index=True
    )
    design_id: Mapped[str | None] = mapped_column(ForeignKey("designs.id", ondelete="SET NULL"))
    position: Mapped[int] = mapped_column(default=0)
    label: Mapped[str] = mapped_column(default="")
