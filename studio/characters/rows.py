"""Rows of characters: names, texts, places in the list. Inside the caller's transaction."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pipelines.errors import RequestError
from studio.characters.records import MAX_NAME_CHARS, MAX_TEXT_CHARS
from studio.collection import marks
from studio.collection.character_models import CharacterRow

SPACE = 1024
"""Between two places of the list, so that one can come between."""


def new_row(session: Session, name: str, description: str = "") -> CharacterRow:
    """A character at the end of the list. Raises RequestError."""
    now = datetime.now(UTC)
    last = session.scalar(select(func.max(CharacterRow.position)))
    row = CharacterRow(
        id=uuid.uuid4().hex,
        name=clean_name(name),
        position=(last or 0) + SPACE,
        description=clean_text(description),
        versions_made=0,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def clean_name(name: str) -> str:
    """A name on one line. Raises RequestError for an empty or too long one."""
    line = marks.clean(name, MAX_NAME_CHARS, "name")
    if not line:
        raise RequestError("The name is empty. Give the character a name.", field="name")
    return line


def copy_name(name: str) -> str:
    """For a duplicate."""
    return f"{name[: MAX_NAME_CHARS - 7]} (copy)"


def clean_text(text: str) -> str:
    """A text of several lines, without control characters. Raises RequestError for a too long one."""
    if len(text) > MAX_TEXT_CHARS:
        raise RequestError(
            f"The description is too long. Use at most {MAX_TEXT_CHARS:,} characters.", field="description"
        )
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32).strip()


def place_after(session: Session, row: CharacterRow) -> int:
    """A free place right behind; where there is no room, everything behind moves on."""
    behind = select(func.min(CharacterRow.position)).where(CharacterRow.position > row.position)
    following = session.scalar(behind)
    if following is None or following - row.position > 1:
        return row.position + (SPACE if following is None else (following - row.position) // 2)
    session.execute(
        update(CharacterRow)
        .where(CharacterRow.position > row.position)
        .values(position=CharacterRow.position + SPACE)
    )
    return row.position + SPACE // 2
