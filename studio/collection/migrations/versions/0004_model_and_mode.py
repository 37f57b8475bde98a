"""An index for the pictures of one model in one mode: a filter that few pass, or none, reads only those."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_images_live_model_mode",
        "images",
        ["model", "mode", "number", "category", "starred", "has_references"],
        sqlite_where=sa.text("trashed_at IS NULL"),
    )
