"""A queue that can be steered: moved and repeated jobs, and switches that outlive a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("jobs", sa.Column("place", sa.Integer(), nullable=True))
    op.add_column("jobs", sa.Column("repeat", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    op.create_table(
        "queue_switches",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_queue_switches"),
    )
