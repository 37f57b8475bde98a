"""Characters as files: zip with pictures and JSON, character cards V2/V3 as PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import NotFound, PictureRefused, RequestError
from studio.characters import archive, blueprints, cards, reading
from studio.characters.archive import Archive, ArchiveContents, PictureEntry
from studio.characters.records import BlueprintDraft, Imported, Source, VersionState
from studio.characters.rows import clean_name, new_row
from studio.characters.tools import Tools, character
from studio.collection import character_links, queries
from studio.collection.character_models import CharacterRow, ReferenceRow, VersionRow
from studio.collection.models import ImageRow

_MAX_CARD_FILE = 64 * 2**20
_ZIP = b"PK\x03\x04"


class Transfer:
    """Taking characters in and giving them out."""

    def __init__(self, tools: Tools) -> None:
        self._collection = tools.collection
        self._database = tools.database

    # --- in ---------------------------------------------------------------------------------

    def import_file(self, source: BinaryIO, filename: str) -> Imported:
        """A zip of this studio or a character card. Raises PictureRefused; then there is no character.

        Pictures that came in before the fault stay in the collection, as uploads.
        """
        head = source.read(len(_ZIP))
        source.seek(0)
        if head == _ZIP:
            return self._import_zip(source)
        return self._import_card(source, filename)

    def _import_card(self, source: BinaryIO, filename: str) -> Imported:
        most = min(_MAX_CARD_FILE, self._collection.store.settings.max_upload_bytes)
        data = source.read(most + 1)
        if len(data) > most:
            raise PictureRefused(f"The file is larger than {most // 2**20} MB.", field="file")
        card = cards.read(data)
        picture, _ = self._collection.add_upload(io.BytesIO(data), filename)
        draft = BlueprintDraft(revision=0, fields=card.fields, free=card.free, script=card.script)
        with self._database.transaction() as session:
            row = _named(session, card.name, card.description)
            row.card = card.rest
            blueprints.save(session, row.id, draft, overwrite=True)
            character_links.add_version(session, row.id, picture.id, source=Source.IMPORTED)
            return Imported(character=reading.one(session, row.id), notes=card.notes)

    def _import_zip(self, source: BinaryIO) -> Imported:
        sent = Archive(source, self._collection.store.settings.max_upload_bytes)
        said = sent.contents
        wanted = dict.fromkeys((*said.versions, *said.references))
        labels = {entry.file: entry.label for entry in said.pictures}
        ids = {
            name: self._collection.add_upload(sent.picture(name), labels.get(name, name))[0].id
            for name in wanted
        }
        draft = BlueprintDraft(revision=0, fields=said.fields, free=said.free, script=said.script)
        with self._database.transaction() as session:
            row = _named(session, said.name, said.description)
            row.card = said.card
            blueprints.save(session, row.id, draft, overwrite=True)
            versions = _add_versions(session, row, said, ids)
            _add_references(session, row, said, ids)
            notes = _add_avatar(session, row, said, versions)
            session.flush()
            return Imported(character=reading.one(session, row.id), notes=notes)

    # --- out --------------------------------------------------------------------------------

    def zipped(self, character_id: str) -> Iterator[bytes]:
        """The character as a zip, in parts: `character.json` and the pictures' stored bytes."""
        with self._database.reading() as session:
            contents, ids = _contents(session, character(session, character_id))
        return archive.zipped(contents, ((name, self._path(image_id)) for name, image_id in ids.items()))

    def card(self, character_id: str) -> bytes:
        """The portrait as a PNG that is a character card, V3 and V2. Raises NotFound without a portrait."""
        with self._database.reading() as session:
            row = character(session, character_id)
            current = session.get(VersionRow, row.current_version_id or "")
            if current is None:
                raise NotFound(f"{row.name} has no portrait yet. Generate or load one first.")
            blueprint = blueprints.read(session, row.id)
        path = self._collection.working_file(current.image_id)
        return cards.write(path, row.name, row.description, blueprint, row.card or {})

    def file_name(self, character_id: str, ending: str) -> str:
        """A plain name for a download."""
        with self._database.reading() as session:
            name = character(session, character_id).name
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60]
        return f"{plain or 'character'}.{ending}"

    def _path(self, image_id: str) -> Callable[[], Path]:
        return lambda: self._collection.file(image_id)[0]


def _named(session: Session, name: str, description: str) -> CharacterRow:
    """A name that shows nothing here is replaced."""
    try:
        clean_name(name)
    except RequestError:
        name = "Unnamed"
    return new_row(session, name, description)


def _add_versions(
    session: Session, row: CharacterRow, said: ArchiveContents, ids: dict[str, str]
) -> dict[str, VersionRow]:
    made: dict[str, VersionRow] = {}
    for name in said.versions:
        made[name] = character_links.add_version(session, row.id, ids[name], source=Source.IMPORTED)
    if said.current in made:
        character_links.make_current(row, made[said.current])
    return made


def _add_references(session: Session, row: CharacterRow, said: ArchiveContents, ids: dict[str, str]) -> None:
    different = list(dict.fromkeys(ids[name] for name in said.references))
    anchor = ids.get(said.anchor or "")
    for position, image_id in enumerate(different):
        first = image_id == (anchor if anchor in different else different[0])
        session.add(ReferenceRow(character_id=row.id, image_id=image_id, position=position, anchor=first))
        character_links.link(session, row.id, image_id)


def _add_avatar(
    session: Session, row: CharacterRow, said: ArchiveContents, versions: dict[str, VersionRow]
) -> tuple[str, ...]:
    version = versions.get(said.avatar or "")
    if version is None or said.crop is None:
        return ()
    picture = queries.row(session, version.image_id)
    crop = said.crop
    if crop.x + crop.width > picture.width or crop.y + crop.height > picture.height:
        return ("The avatar's crop does not fit its picture and was left out.",)
    row.avatar_image_id, row.avatar_version_id = picture.id, version.id
    row.avatar_crop = crop.model_dump()
    return ()


def _contents(session: Session, row: CharacterRow) -> tuple[ArchiveContents, dict[str, str]]:
    """(what is said, picture ids by their names in the archive)."""
    versions = session.scalars(
        select(VersionRow)
        .where(
            VersionRow.character_id == row.id,
            VersionRow.trashed_at.is_(None),
            VersionRow.state == VersionState.KEPT,
        )
        .order_by(VersionRow.number)
    ).all()
    references = session.scalars(
        select(ReferenceRow).where(ReferenceRow.character_id == row.id).order_by(ReferenceRow.position)
    ).all()
    pictures = _pictures(session, [each.image_id for each in (*versions, *references)])
    names = {picture.id: _name(place, picture) for place, picture in enumerate(pictures, start=1)}
    by_version = {version.id: names[version.image_id] for version in versions}
    blueprint, avatar = blueprints.read(session, row.id), reading.avatar(row)
    contents = ArchiveContents(
        name=row.name,
        description=row.description,
        script=blueprint.script,
        fields={name: said for name, said in blueprint.fields.items() if said.value or said.locked},
        free=blueprint.free,
        pictures=tuple(PictureEntry(file=names[each.id], label=each.name or each.label) for each in pictures),
        versions=tuple(by_version.values()),
        current=by_version.get(row.current_version_id or ""),
        references=tuple(names[each.image_id] for each in references),
        anchor=next((names[each.image_id] for each in references if each.anchor), None),
        avatar=by_version.get(row.avatar_version_id or ""),
        crop=avatar.crop if avatar else None,
        card=row.card,
    )
    return contents, {name: image_id for image_id, name in names.items()}


def _pictures(session: Session, image_ids: Sequence[str]) -> list[ImageRow]:
    return [queries.row(session, image_id) for image_id in dict.fromkeys(image_ids)]


def _name(place: int, picture: ImageRow) -> str:
    return f"pictures/{place:03d}-{picture.sha256[:8]}.{picture.extension}"
