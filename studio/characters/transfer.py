"""Characters as files: zips with pictures and JSON, character cards as PNG, JSON and CHARX."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.errors import Conflict, NotFound, PictureRefused, RequestError
from studio import file_names, images
from studio.characters import (
    archive,
    blueprints,
    card_assets,
    card_files,
    card_json,
    cards,
    kept_cards,
    reading,
)
from studio.characters.archive import Archive, ArchiveContents, KeptCard, PictureEntry
from studio.characters.card_files import CardFile
from studio.characters.cards import CharacterTexts
from studio.characters.kept_cards import CardRemainder
from studio.characters.records import BlueprintDraft, Imported, VersionSource, VersionState
from studio.characters.rows import clean_name, new_row
from studio.characters.tools import Tools, character
from studio.collection import character_links, queries
from studio.collection.character_models import CharacterRow, ReferenceRow, VersionRow
from studio.collection.models import ImageRow
from studio.records import ImageRecord
from studio.zips import SentZip

_MAX_CARD_FILE = 64 * 2**20
_MAX_PNG_ASSETS = 256 * 2**20
_TOO_MUCH_FOR_A_PNG = (
    f"The files of this character's card are more than {_MAX_PNG_ASSETS // 2**20} MB, too much for "
    "a PNG. Export it as CHARX."
)
_REST = "card/card.json"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_JPEG = b"\xff\xd8\xff"
_STRANGE_ZIP = (
    "This zip holds no character: neither character.json, as this studio writes it, nor the card.json of a "
    "CHARX card."
)


class Transfer:
    """Taking characters in and giving them out."""

    def __init__(self, tools: Tools) -> None:
        self._collection = tools.collection
        self._store = tools.collection.store
        self._database = tools.database

    # --- in ---------------------------------------------------------------------------------

    def import_file(self, source: BinaryIO, filename: str) -> Imported:
        """A zip of this studio or a character card (PNG, JSON, CHARX).

        Raises PictureRefused; then there is no character. Pictures that came in before the fault stay in
        the collection, as uploads.
        """
        with kept_cards.SETTLING:
            try:
                return self._import(source, filename)
            finally:
                kept_cards.settle(self._store, self._database)

    def _import(self, source: BinaryIO, filename: str) -> Imported:
        head = source.read(len(_ZIPS[0]))
        source.seek(0)
        if head not in _ZIPS and not _is_zip_behind_picture(head, source):
            return self._import_card(card_files.read(self._bounded(source)), filename)
        sent = archive.opened(source)
        if archive.CONTENTS in sent.names():
            return self._import_zip(sent)
        if card_files.CHARX_CARD in sent.names():
            return self._import_card(card_files.read_charx(sent), filename)
        raise PictureRefused(_STRANGE_ZIP, field="file")

    def _bounded(self, source: BinaryIO) -> bytes:
        most = min(_MAX_CARD_FILE, self._store.settings.max_upload_bytes)
        data = source.read(most + 1)
        if len(data) > most:
            raise PictureRefused(f"The file is larger than {most // 2**20} MB.", field="file")
        return data

    def _import_card(self, sent: CardFile, filename: str) -> Imported:
        card = cards.read(sent.said, sent.notes)
        picture, notes = self._portrait(sent.picture, filename)
        kept = kept_cards.keep(self._store, card.rest, card.merged, sent.assets)
        draft = BlueprintDraft(revision=0, fields=card.fields, free=card.free, script=card.script)
        with self._database.transaction() as session:
            row = _named(session, card.name, card.description)
            row.card = kept
            blueprints.save(session, row.id, draft, overwrite=True)
            if picture is not None:
                character_links.add_version(session, row.id, picture.id, source=VersionSource.IMPORTED)
            return Imported(character=reading.one(session, row.id), notes=(*card.notes, *notes))

    def _portrait(self, data: bytes | None, filename: str) -> tuple[ImageRecord | None, tuple[str, ...]]:
        """A PNG must be a picture; the icon of another card may be missing or none."""
        if data is None:
            return None, ("The card brings no picture; the character has no portrait yet.",)
        is_card = filename.casefold().endswith((".json", ".charx"))
        try:
            return self._collection.add_upload(io.BytesIO(data), filename)[0], ()
        except PictureRefused as error:
            if not is_card:
                raise
            return None, (f"The card's picture could not be taken in: {error.detail}",)

    def _import_zip(self, zipped: SentZip) -> Imported:
        sent = Archive(zipped, self._store.settings.max_upload_bytes)
        said = sent.contents
        wanted = dict.fromkeys((*said.versions, *said.references))
        labels = {entry.file: entry.label for entry in said.pictures}
        ids = {
            name: self._collection.add_upload(sent.picture(name), labels.get(name, name))[0].id
            for name in wanted
        }
        kept = self._kept_of(sent)
        draft = BlueprintDraft(revision=0, fields=said.fields, free=said.free, script=said.script)
        with self._database.transaction() as session:
            row = _named(session, said.name, said.description)
            row.card = kept
            blueprints.save(session, row.id, draft, overwrite=True)
            versions = _add_versions(session, row, said, ids)
            _add_references(session, row, said, ids)
            notes = _add_avatar(session, row, said, versions)
            session.flush()
            return Imported(character=reading.one(session, row.id), notes=notes)

    def _kept_of(self, sent: Archive) -> dict[str, Any] | None:
        said = sent.contents
        if said.kept_card is not None:
            rest, _ = card_json.parse(sent.file(said.kept_card.rest, card_json.MAX_BYTES), "The card")
            assets = {
                uri: partial(sent.file, name, card_files.MAX_ASSET_BYTES)
                for uri, name in said.kept_card.assets.items()
            }
            return kept_cards.keep(self._store, rest, said.kept_card.merged, assets)
        if said.card is not None:
            return kept_cards.keep(self._store, card_json.clean(said.card)[0], (), {})
        return None

    # --- out --------------------------------------------------------------------------------

    def zipped(self, character_id: str) -> Iterator[bytes]:
        """The character as a zip, in parts: `character.json` and the pictures' stored bytes.

        Raises NotFound where one of them is missing or damaged, before the first part.
        """
        with self._database.reading() as session:
            row = character(session, character_id)
            contents, ids = _contents(session, row)
            card = row.card
        for entry in contents.pictures:
            self._check(contents.name, entry.label, ids[entry.file])
        files = [(name, self._reads(image_id)) for name, image_id in ids.items()]
        if card is not None:
            kept = kept_cards.kept(self._store, card)
            said, more = _kept_files(kept)
            contents, files = contents.model_copy(update={"kept_card": said}), [*files, *more]
        return archive.zipped(contents, files)

    def card(self, character_id: str) -> bytes:
        """The portrait as a PNG that is a character card, V3 and V2. Raises NotFound without a portrait."""
        person, kept, current = self._person(character_id)
        if current is None:
            raise NotFound(f"{person.name} has no portrait yet. Generate or load one first.")
        whole = cards.write(person, kept.rest, kept.merged)
        said, files = card_assets.for_png(whole, kept.assets)
        texts = {"chara": card_json.dump(cards.second(said)), "ccv3": card_json.dump(cards.third(said))}
        assets: dict[str, bytes] = {}
        for key, content in files.items():
            assets[key] = content()
            if sum(map(len, assets.values())) > _MAX_PNG_ASSETS:
                raise Conflict(_TOO_MUCH_FOR_A_PNG)
        return card_files.with_chunks(self._plain_png(current), card_files.chunks(texts | assets))

    def charx(self, character_id: str) -> Iterator[bytes]:
        """The character as a CHARX card, in parts: `card.json`, the portrait and the card's files.

        Raises NotFound where the portrait is missing or damaged, before the first part.
        """
        person, kept, current = self._person(character_id)
        if current is not None:
            self._check(person.name, "the portrait", current)
        portrait = None if current is None else partial(self._plain_png, current)
        said, files = card_assets.for_charx(
            cards.write(person, kept.rest, kept.merged), kept.assets, portrait
        )
        return card_files.charx(cards.third(said), files.items())

    def _person(self, character_id: str) -> tuple[CharacterTexts, CardRemainder, str | None]:
        """(who it is, what its card brought, the picture of its current version)."""
        with self._database.reading() as session:
            row = character(session, character_id)
            current = session.get(VersionRow, row.current_version_id or "")
            blueprint = blueprints.read(session, row.id)
            changed = max(row.updated_at, blueprint.updated_at or row.updated_at)
            person = CharacterTexts(row.name, row.description, blueprint, changed)
            image_id, card = current.image_id if current else None, row.card
        return person, kept_cards.kept(self._store, card), image_id

    def _check(self, name: str, label: str, image_id: str) -> None:
        try:
            self._collection.file(image_id)
        except NotFound as error:
            raise NotFound(
                f"A picture of {name} is missing or damaged: {label}. Load it again from a copy, or take it "
                "from the character, and export again."
            ) from error

    def _plain_png(self, image_id: str) -> bytes:
        """The picture and nothing else."""
        buffer = io.BytesIO()
        with images.plain(self._collection.working_file(image_id)) as (picture,):
            picture.save(buffer, "PNG")
        return buffer.getvalue()

    def file_name(self, character_id: str, ending: str) -> str:
        """What a download is called."""
        with self._database.reading() as session:
            name = character(session, character_id).name
        return f"{file_names.stem(name, 'character')}.{ending}"

    def _reads(self, image_id: str) -> Callable[[], bytes]:
        return lambda: self._collection.file(image_id)[0].read_bytes()


def _is_zip_behind_picture(head: bytes, source: BinaryIO) -> bool:
    """RisuAI can write a CHARX card behind a JPEG, so that file managers show the portrait."""
    found = head.startswith(_JPEG) and zipfile.is_zipfile(source)
    source.seek(0)
    return found


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
        made[name] = character_links.add_version(session, row.id, ids[name], source=VersionSource.IMPORTED)
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
    )
    return contents, {name: image_id for image_id, name in names.items()}


def _kept_files(kept: CardRemainder) -> tuple[KeptCard, list[tuple[str, Callable[[], bytes]]]]:
    """(what is said of them, contents by name in the archive)."""
    names = {uri: f"card/{number:04d}" for number, uri in enumerate(kept.assets, start=1)}
    rest = card_json.dump(kept.rest)
    files = [(_REST, lambda: rest), *((names[uri], content) for uri, content in kept.assets.items())]
    return KeptCard(rest=_REST, merged=kept.merged, assets=names), files


def _pictures(session: Session, image_ids: Sequence[str]) -> list[ImageRow]:
    return [queries.row(session, image_id) for image_id in dict.fromkeys(image_ids)]


def _name(place: int, picture: ImageRow) -> str:
    return f"pictures/{place:03d}-{picture.sha256[:8]}.{picture.extension}"
