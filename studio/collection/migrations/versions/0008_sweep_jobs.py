"""Which sweep a job is of, so that history can show a sweep as one batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table, and fill it with the sweeps there are."""
    op.create_table(
        "sweep_jobs",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("sweep_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_sweep_jobs"),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.id"], name="fk_sweep_jobs_sweep_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sweep_jobs_sweep_id", "sweep_jobs", ["sweep_id"])
    op.execute(
        "INSERT INTO sweep_jobs (job_id, sweep_id, position) "
        "SELECT job.value, sweeps.id, job.key FROM sweeps, json_each(sweeps.job_ids) AS job"
    )
