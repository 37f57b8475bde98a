"""Lineage, drift, reproductions, rights; pictures are numbered by their time, so that search streams too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILTERS = ("category", "model", "mode", "starred", "has_references")
_FIRST_OF = {"live_name": "sort_name", "live_size": "size_bytes"} | {f"live_{n}": n for n in _FILTERS[:4]}
_OLD_INDEXES = ("created_at_id", "category_created_at_id", "model_created_at_id", "starred_created_at_id")


def upgrade() -> None:
    """Add columns and tables, fill what follows from earlier columns, renumber, index anew."""
    _columns()
    _drift()
    _reproductions()
    connection = op.get_bind()
    _fill(connection)
    _renumber(connection)
    _indexes()


def _columns() -> None:
    for column in (
        sa.Column("mode", sa.String(32)),
        sa.Column("has_references", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("depth", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sort_name", sa.String, nullable=False, server_default=""),
        sa.Column("rights", sa.JSON),
        sa.Column("anchor", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("purged_at", sa.DateTime),
    ):
        op.add_column("images", column)


def _drift() -> None:
    op.create_table(
        "drift",
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("anchor_id", sa.String(64), nullable=False),
        sa.Column("method", sa.Integer, nullable=False),
        sa.Column("structure", sa.Double, nullable=False),
        sa.Column("colour", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "anchor_id", name="pk_drift"),
        _to_image("drift", "image_id", "CASCADE"),
        _to_image("drift", "anchor_id", "CASCADE"),
    )


def _reproductions() -> None:
    op.create_table(
        "reproductions",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("result_id", sa.String(64)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("measures", sa.JSON, nullable=False),
        sa.Column("differences", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_reproductions"),
        _to_image("reproductions", "image_id", "CASCADE"),
        _to_image("reproductions", "result_id", "SET NULL"),
    )
    op.create_index("ix_reproductions_image_id", "reproductions", ["image_id"])
    op.create_index("ix_reproductions_result_id", "reproductions", ["result_id"])


def _to_image(table: str, column: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["images.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def _fill(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            "UPDATE images SET mode = json_extract(request, '$.mode'), has_references = EXISTS "
            "(SELECT 1 FROM image_parents WHERE image_parents.child_id = images.id)"
        )
    )
    names = connection.execute(sa.text("SELECT id, name, label FROM images")).all()
    depths = _depths(connection.execute(sa.text(_PRIMARY_PARENTS)).all())
    connection.execute(
        sa.text("UPDATE images SET sort_name = :sort_name, depth = :depth WHERE id = :id"),
        [
            {
                "id": line.id,
                "sort_name": (line.name or line.label).casefold(),
                "depth": depths.get(line.id, 0),
            }
            for line in names
        ]
        or [{"id": "", "sort_name": "", "depth": 0}],
    )


_PRIMARY_PARENTS = (
    "SELECT child_id, parent_id FROM image_parents WHERE role != 'mask' "
    "ORDER BY child_id, role != 'source', \"order\""
)


def _depths(edges: Iterable[Any]) -> dict[str, int]:
    """Per picture the number of steps along first parents; a picture without parents is not in it."""
    first: dict[str, str | None] = {}
    for child, parent in edges:
        first.setdefault(child, parent)
    depths: dict[str, int] = {}
    for child in first:
        line = [child]
        while (above := first.get(line[-1])) in first and above not in depths and above not in line:
            line.append(str(above))
        for one in reversed(line):
            depths[one] = 1 + depths.get(first[one] or "", 0)
    return depths


def _renumber(connection: sa.Connection) -> None:
    """Numbers are microseconds now; full-text search follows."""
    lines = connection.execute(sa.text("SELECT number, created_at FROM images ORDER BY created_at, id")).all()
    changes: list[dict[str, int]] = []
    last = None
    for line in lines:
        created = datetime.fromisoformat(line.created_at).replace(tzinfo=UTC)
        wanted = (created - _EPOCH) // timedelta(microseconds=1)
        last = wanted if last is None else max(wanted, last + 1)
        changes.append({"old": line.number, "new": last})
    if changes:
        connection.execute(sa.text("UPDATE images SET number = :new WHERE number = :old"), changes)
    connection.execute(sa.text("DELETE FROM image_search"))
    tags = connection.execute(sa.text("SELECT image_id, tag FROM image_tags ORDER BY image_id, position"))
    by_image: dict[str, list[str]] = {}
    for image_id, tag in tags:
        by_image.setdefault(image_id, []).append(tag)
    words = connection.execute(sa.text("SELECT number, id, request, label, name FROM images")).all()
    if words:
        connection.execute(
            sa.text(_INSERT_WORDS), [_words(line, by_image.get(line.id, [])) for line in words]
        )


_INSERT_WORDS = (
    "INSERT INTO image_search (rowid, prompt, label, name, tags) "
    "VALUES (:number, :prompt, :label, :name, :tags)"
)


def _words(line: Any, tags: list[str]) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(line.request) if line.request else {}
    return {
        "number": line.number,
        "prompt": request.get("prompt", ""),
        "label": line.label,
        "name": line.name or "",
        "tags": "\n".join(tags),
    }


def _indexes() -> None:
    for name in _OLD_INDEXES:
        op.drop_index(f"ix_images_{name}", "images")
    op.drop_index("ix_images_trashed", "images")
    live, trashed = sa.text("trashed_at IS NULL"), sa.text("trashed_at IS NOT NULL")
    op.create_index("ix_images_live", "images", ["number", *_FILTERS], sqlite_where=live)
    for name, first in _FIRST_OF.items():
        rest = [column for column in _FILTERS if column != first]
        op.create_index(f"ix_images_{name}", "images", [first, "number", *rest], sqlite_where=live)
    op.create_index("ix_images_trash", "images", ["purged_at", "number", "trashed_at"], sqlite_where=trashed)
