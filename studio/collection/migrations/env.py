"""Alembic's entry: run the wanted migrations on the connection that `upgrade` hands in."""

from __future__ import annotations

from alembic import context

from studio.collection.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
