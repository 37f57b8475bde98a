"""Which pictures are of whom, and portraits that become versions the moment they are kept.

Works inside the caller's transaction, so that a picture and what it is for are written together or not at
all. Knows rows only; the verbs are in `studio.characters`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, delete, insert, select, text, update
from sqlalchemy.orm import Session

from pipelines.request import Mode, Role
from studio.collection.character_models import (
    CharacterImageRow,
    CharacterJobRow,
    CharacterRow,
    ReferenceRow,
    VersionRow,
)
from studio.collection.models import ImageRow, ParentRow

PORTRAIT, CAST, SHEET = "portrait", "cast", "sheet"
"""What a job can be for."""


def made(session: Session, image: ImageRow) -> None:
    """A made picture was added: link it to its request's character, and make it what its job was for."""
    character_id = (image.request or {}).get("character")
    if character_id is None or session.get(CharacterRow, character_id) is None:
        return
    link(session, character_id, image.id)
    job = session.get(CharacterJobRow, image.job_id)
    if job is None or job.character_id != character_id or job.purpose == SHEET:
        return
    proposed = job.purpose == CAST
    add_version(
        session,
        character_id,
        image.id,
        source=CAST if proposed else "generated",
        design_id=job.design_id,
        proposed=proposed,
    )


def add_version(
    session: Session,
    character_id: str,
    image_id: str,
    *,
    source: str,
    design_id: str | None = None,
    proposed: bool = False,
) -> VersionRow:
    """The next version, current unless it is `proposed`. The same picture again is the version there is."""
    character = session.get_one(CharacterRow, character_id)
    version = session.scalar(
        select(VersionRow).where(VersionRow.character_id == character_id, VersionRow.image_id == image_id)
    )
    if version is None:
        character.versions_made += 1
        version = VersionRow(
            id=uuid.uuid4().hex,
            character_id=character_id,
            number=character.versions_made,
            image_id=image_id,
            held_image_id=image_id,
            state="proposed" if proposed else "kept",
            source=source,
            design_id=design_id,
            created_at=datetime.now(UTC),
        )
        session.add(version)
    if not proposed:
        make_current(character, version)
    session.flush()
    link(session, character_id, image_id)
    return version


def make_current(character: CharacterRow, version: VersionRow) -> None:
    """The version is the portrait now: kept, and out of the trash."""
    version.state, version.trashed_at = "kept", None
    version.held_image_id = version.image_id
    character.current_version_id = version.id
    character.updated_at = datetime.now(UTC)


def link(session: Session, character_id: str, image_id: str) -> None:
    """The picture is one of the character's."""
    session.flush()
    values = {"character_id": character_id, "image_id": image_id}
    session.execute(insert(CharacterImageRow).prefix_with("OR IGNORE").values(values))


def restored(session: Session, which: ColumnElement[bool]) -> None:
    """These pictures came out of the trash, and with them their versions."""
    back = select(ImageRow.id).where(which, ImageRow.trashed_at.is_(None))
    session.execute(
        update(VersionRow)
        .where(VersionRow.image_id.in_(back), VersionRow.trashed_at.is_not(None))
        .values(trashed_at=None, held_image_id=VersionRow.image_id)
    )
    fixed = select(ImageRow).where(ImageRow.id.in_(back), ImageRow.mode == Mode.FIX_FACE)
    for image in session.scalars(fixed).all():
        _kept(session, image)


def _kept(session: Session, image: ImageRow) -> None:
    """A fixed face was kept: as the picture that it was made of is a version, so is it."""
    of = select(ParentRow.parent_id).where(ParentRow.child_id == image.id, ParentRow.role == Role.SOURCE)
    known = select(VersionRow.character_id).where(VersionRow.image_id == image.id)
    fixed = select(VersionRow).where(
        VersionRow.image_id.in_(of), VersionRow.state == "kept", VersionRow.character_id.not_in(known)
    )
    for version in session.scalars(fixed).all():
        add_version(session, version.character_id, image.id, source="generated", design_id=version.design_id)


def unlink(session: Session, character_id: str, image_id: str) -> None:
    """The picture is none of the character's any more, unless it was made for it, or is a version of it."""
    asked = select(ImageRow.id).where(
        ImageRow.id == image_id, ImageRow.request["character"].as_string() == character_id
    )
    version = select(VersionRow.id).where(
        VersionRow.character_id == character_id, VersionRow.image_id == image_id
    )
    if session.scalar(asked) is None and session.scalar(version) is None:
        session.execute(
            delete(CharacterImageRow).where(
                CharacterImageRow.character_id == character_id, CharacterImageRow.image_id == image_id
            )
        )


def link_all(session: Session) -> None:
    """Make the links anew from what they follow from, after a database was made anew."""
    asked = "json_extract(i.request, '$.character')"
    for source in (
        f"SELECT c.id, i.id FROM images AS i JOIN characters AS c ON c.id = {asked}",
        "SELECT character_id, image_id FROM character_versions",
        "SELECT character_id, image_id FROM character_references",
        "SELECT character_id, image_id FROM character_runs WHERE character_id || image_id IS NOT NULL",
    ):
        session.execute(text(f"INSERT OR IGNORE INTO character_images (character_id, image_id) {source}"))


def of_pictures(session: Session, image_ids: Sequence[str]) -> defaultdict[str, list[str]]:
    """Per picture the ids of its characters."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    chosen = (
        select(CharacterImageRow.image_id, CharacterImageRow.character_id)
        .join(CharacterRow, CharacterRow.id == CharacterImageRow.character_id)
        .where(CharacterImageRow.image_id.in_(image_ids))
        .order_by(CharacterRow.position)
    )
    for image_id, character_id in session.execute(chosen):
        found[image_id].append(character_id)
    return found


def pictures_of(character_id: str) -> Select[str]:
    """Ids of a character's pictures."""
    return select(CharacterImageRow.image_id).where(CharacterImageRow.character_id == character_id)


def shared(session: Session, version: VersionRow) -> bool:
    """Something else than this version needs its picture: another character, or a reference set."""
    other = select(VersionRow.id).where(
        VersionRow.held_image_id == version.image_id, VersionRow.id != version.id
    )
    reference = select(ReferenceRow.character_id).where(ReferenceRow.image_id == version.image_id)
    return session.scalar(other) is not None or session.scalar(reference) is not None
