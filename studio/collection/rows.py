"""Writing rows: a stored file becomes a picture of the collection.

Everything happens inside the caller's transaction; the file is already in its place. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from pipelines.request import GenerationRequest
from studio.collection import character_links, lineage, queries
from studio.collection.metadata.letters import is_misread
from studio.collection.metadata.likeness import Likeness
from studio.collection.models import ImageRow, ParentRow, TagRow
from studio.images import PictureFacts
from studio.records import Category, ParentLink

_ID_CHARS = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What a stored file is in itself."""

    sha256: str
    size_bytes: int
    extension: str
    mime: str
    width: int
    height: int
    pixel_sha256: str
    plain: bool

    @property
    def name(self) -> tuple[str, str]:
        """As the store knows it: (SHA-256, extension)."""
        return self.sha256, self.extension

    @classmethod
    def of(cls, taken: PictureFacts, sha256: str, size_bytes: int) -> StoredFile:
        """From what was found in it when it was read."""
        return cls(
            sha256=sha256,
            size_bytes=size_bytes,
            extension=taken.extension,
            mime=taken.mime,
            width=taken.width,
            height=taken.height,
            pixel_sha256=taken.pixel_sha256,
            plain=taken.plain,
        )


def id_of(file: StoredFile) -> str:
    """Its picture's id: the same after a rebuild, so that requests still find their references."""
    return file.sha256[:_ID_CHARS]


def by_hash(session: Session, sha256: str) -> ImageRow | None:
    """The picture with these bytes."""
    return session.scalar(select(ImageRow).where(ImageRow.sha256 == sha256))


def by_hashes(session: Session, sha256s: Iterable[str]) -> dict[str, ImageRow]:
    """Those of these pictures that are here, by their hash."""
    return {
        row.sha256: row for row in session.scalars(select(ImageRow).where(ImageRow.sha256.in_(list(sha256s))))
    }


def extension_of_shown(session: Session, sha256: str) -> str | None:
    """The file ending of the picture with these bytes where it is shown; None in the trash or unlisted.

    Asked once per file of an import: as plain SQL, which takes a third of the time.
    """
    shown = "SELECT extension FROM images WHERE sha256 = ? AND trashed_at IS NULL AND category != ?"
    found = session.connection().exec_driver_sql(shown, (sha256, str(Category.CONTROL))).first()
    return None if found is None else str(found[0])


def of_job(session: Session, job_id: str, batch_index: int) -> ImageRow | None:
    """The picture a job has saved under this index."""
    return session.scalar(
        select(ImageRow).where(ImageRow.job_id == job_id, ImageRow.batch_index == batch_index)
    )


def parents_of(session: Session, request: GenerationRequest) -> tuple[ParentLink, ...]:
    """The references of a request as links that hold without this database: by their pixels."""
    return tuple(
        ParentLink(
            image_id=reference.image_id,
            pixel_sha256=queries.row(session, reference.image_id).pixel_sha256,
            role=request.role_of(reference),
            order=order,
            weight=reference.weight,
        )
        for order, reference in enumerate(request.references)
    )


def loaded(
    file: StoredFile,
    label: str,
    notes: Sequence[str],
    created_at: datetime,
    *,
    said: Mapping[str, str],
    category: Category = Category.UPLOAD,
) -> ImageRow:
    """A row, not yet added, for a picture that was made elsewhere.

    `said`: `tool` and `prompt` where its file tells them.
    """
    row = _row(file, category, label, notes, created_at)
    row.provenance = {"said": dict(said)} if said else {}
    return row


def add_loaded(session: Session, row: ImageRow, parents: Sequence[ParentLink] = ()) -> ImageRow:
    """Add a row that is `loaded`."""
    row.parents = [_parent(session, link) for link in parents]
    return _add(session, row)


def add_all_loaded(session: Session, new: Sequence[ImageRow]) -> None:
    """Add many rows that are `loaded` and have no parents: a tenth of the work of one after the other."""
    _number_all(session, new)
    session.add_all(new)
    lineage.take_places(session, new)
    queries.index_all(session, new)


def add_generated(session: Session, file: StoredFile, likeness: Likeness) -> ImageRow:
    """A row for a picture that was made, with its parents; all that is needed is in its `likeness`."""
    row = _row(file, likeness.category, likeness.model.label, likeness.notes, likeness.created_at)
    row.model = likeness.model.id
    row.job_id = likeness.job_id
    row.batch_index = likeness.batch_index
    row.seed = likeness.seed
    row.request = likeness.request.model_dump(mode="json")
    row.mode = likeness.request.mode
    row.provenance = {**likeness.provenance, "model": likeness.model.model_dump()}
    row.parents = [_parent(session, link) for link in likeness.parents]
    _add(session, row)
    character_links.made(session, row)
    return row


def moment(when: datetime) -> int:
    """Where a picture of this time stands in listings: microseconds from 1970."""
    return (when - _EPOCH) // _MICROSECOND


def set_created_at(session: Session, row: ImageRow, when: datetime) -> None:
    """Change a picture's time, and with it its place in listings and in the full-text index."""
    queries.drop_from_index(session, row)
    row.created_at, row.number = when, _free_number(session, when)
    queries.index(session, row)


def set_name(row: ImageRow, name: str | None) -> None:
    """Change the artist's name for it; None: what it is labelled."""
    row.name = name
    row.sort_name = (name or row.label).casefold()


def set_tags(session: Session, row: ImageRow, tags: Sequence[str]) -> None:
    """Replace the tags; `tags` are different from each other."""
    row.tags.clear()
    session.flush()
    row.tags.extend(TagRow(tag=tag, position=position) for position, tag in enumerate(tags))


def restore(session: Session, row: ImageRow) -> None:
    """Out of the trash, also where it was emptied and the file is still here."""
    row.trashed_at = row.purged_at = None
    session.flush()
    character_links.restored(session, ImageRow.id == row.id)
    marked(session, [row.id], words=False)


def come_again(
    session: Session, row: ImageRow, category: Category, said: Mapping[str, str] | None = None
) -> None:
    """The artist loads a file that is here: it leaves the trash, and a control image becomes their picture.

    `category`: what such a picture becomes. `said`: as in `loaded`, for one of which nothing is known yet,
    or only in letters that were misread.
    """
    known = row.provenance.get("said")
    if said and row.request is None and (known is None or is_misread(known.get("prompt", ""))):
        row.provenance = {**row.provenance, "said": dict(said)}
        queries.index(session, row)
    if row.trashed_at is not None or row.purged_at is not None:
        restore(session, row)
    if row.category == category == Category.CONTROL:
        set_created_at(session, row, datetime.now(UTC))  # a mask in use again is kept for as long again
    if row.category == Category.CONTROL != category:
        row.category = category
        session.flush()
        marked(session, [row.id], words=False)


def marked(session: Session, image_ids: Sequence[str], *, words: bool = True) -> None:
    """What the artist says about these pictures has changed; every such change passes here.

    `words`: their name or tags, which are searched for, have.
    """
    for row in session.scalars(select(ImageRow).where(ImageRow.id.in_(image_ids))) if words else ():
        queries.index(session, row)


def _row(
    file: StoredFile, category: Category, label: str, notes: Sequence[str], created_at: datetime
) -> ImageRow:
    return ImageRow(
        id=id_of(file),
        sha256=file.sha256,
        pixel_sha256=file.pixel_sha256,
        extension=file.extension,
        mime=file.mime,
        size_bytes=file.size_bytes,
        width=file.width,
        height=file.height,
        plain=file.plain,
        category=category,
        label=label,
        created_at=created_at,
        notes=list(notes),
        sort_name=label.casefold(),
        parents=[],
        tags=[],  # known to be none: nothing looks them up
    )


def _parent(session: Session, link: ParentLink) -> ParentRow:
    """The link, to the picture of that id, else to one with the same pixels, else to none yet."""
    same_id = select(ImageRow.id).where(ImageRow.id == link.image_id)
    same_pixels = select(ImageRow.id).where(ImageRow.pixel_sha256 == link.pixel_sha256).limit(1)
    return ParentRow(
        order=link.order,
        role=link.role,
        weight=link.weight,
        pixel_sha256=link.pixel_sha256,
        parent_id=session.scalar(same_id) or session.scalar(same_pixels),
    )


def _add(session: Session, row: ImageRow) -> ImageRow:
    row.number = _free_number(session, row.created_at)
    row.has_references = bool(row.parents)
    session.add(row)
    lineage.take_place(session, row)
    queries.index(session, row)
    return row


def _number_all(session: Session, new: Sequence[ImageRow]) -> None:
    """Each gets the place of its time, or the first free one after it."""
    wanted = [moment(row.created_at) for row in new]
    used = set(session.scalars(select(ImageRow.number).where(ImageRow.number.in_(wanted))))
    last: dict[int, int] = {}
    for row, place in zip(new, wanted, strict=True):
        number = last.get(place, place)
        while number in used:
            number = _free_from(session, number + 1)
        used.add(number)
        row.number = last[place] = number


def _free_number(session: Session, when: datetime) -> int:
    """The place of this time, or the first free one after it."""
    return _free_from(session, moment(when))


def _free_from(session: Session, place: int) -> int:
    """The first free place, this one or later."""
    if session.scalar(select(ImageRow.number).where(ImageRow.number == place)) is None:
        return place
    after = aliased(ImageRow)
    last_of_run = (
        select(ImageRow.number)
        .where(ImageRow.number >= place, ~exists().where(after.number == ImageRow.number + 1))
        .order_by(ImageRow.number)
        .limit(1)
    )
    return session.scalars(last_of_run).one() + 1
