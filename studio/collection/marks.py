"""What an artist says about a picture: star, name, tags, category, rights, anchor. Cleaned, then written.

Works inside the caller's transaction. Knows no files.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipelines.errors import RequestError
from studio import images
from studio.collection import rows
from studio.collection.models import ImageRow
from studio.records import Category, Rights

MAX_TAGS = 64
MAX_TAG_CHARS = 64
MAX_NAME_CHARS = 200
MAX_RIGHTS_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkChange:
    """What is to be changed, clean; None: stays as it is."""

    starred: bool | None = None
    name: str | None = None
    tags: tuple[str, ...] | None = None
    category: Category | None = None
    rights: Rights | None = None
    anchor: bool | None = None

    @classmethod
    def of(
        cls,
        *,
        starred: bool | None = None,
        name: str | None = None,
        tags: tuple[str, ...] | None = None,
        category: Category | None = None,
        rights: Rights | None = None,
        anchor: bool | None = None,
    ) -> MarkChange:
        """From what was sent. Raises RequestError."""
        return cls(
            starred=starred,
            name=None if name is None else clean(name, MAX_NAME_CHARS, "name"),
            tags=None if tags is None else clean_tags(tags),
            category=category,
            rights=None if rights is None else _clean_rights(rights),
            anchor=anchor,
        )


def apply(session: Session, row: ImageRow, change: MarkChange) -> None:
    """Write it."""
    row.starred = row.starred if change.starred is None else change.starred
    row.anchor = row.anchor if change.anchor is None else change.anchor
    row.category = row.category if change.category is None else change.category
    if change.name is not None:
        rows.set_name(row, change.name or None)
    if change.rights is not None:
        row.rights = change.rights.model_dump(exclude_none=True) or None
    if change.tags is not None:
        rows.set_tags(session, row, change.tags)
    rows.marked(session, [row.id])


def clean(text: str, most: int, field: str) -> str:
    """One line of visible text. Raises RequestError where it is longer than `most`."""
    line = " ".join(images.visible(text).split())
    if len(line) > most:
        raise RequestError(f"The {field} is too long. Use at most {most} characters.", field=field)
    return line


def clean_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Without empty ones and repetitions, which may differ in case. Raises RequestError."""
    different: dict[str, str] = {}
    for tag in tags:
        line = clean(tag, MAX_TAG_CHARS, "tags")
        different.setdefault(line.casefold(), line)
    different.pop("", None)
    if len(different) > MAX_TAGS:
        raise RequestError(f"These are too many tags. Use at most {MAX_TAGS}.", field="tags")
    return tuple(different.values())


def _clean_rights(rights: Rights) -> Rights:
    said = {
        name: clean(value, MAX_RIGHTS_CHARS, "rights") for name, value in rights.model_dump().items() if value
    }
    return Rights(**{name: value for name, value in said.items() if value})
