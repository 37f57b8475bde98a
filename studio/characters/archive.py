"""A character as a zip: `character.json` and its pictures' stored bytes. Written in parts, read with bounds.

Knows no rows; `studio.zips` holds the bounds.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import PictureRefused
from studio.characters.card_files import MAX_ASSETS
from studio.characters.records import (
    MAX_FREE_FIELDS,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    BlueprintField,
    Crop,
    FieldName,
    FreeField,
)
from studio.exchange.exporting import ExportTarget
from studio.zips import SentZip

CONTENTS = "character.json"
VERSION = 1
MAX_PICTURES = 2000
_MAX_CONTENTS = 8 * 2**20
_DAMAGED = "This is no archive of a character, or it is damaged. Export it again and load that."
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class PictureEntry(_Part):
    """A picture of the archive, by the name it has in it."""

    file: _Name
    label: str = Field(default="picture.png", max_length=200)


class KeptCard(_Part):
    """What a card said that has no place here, and the files it brought; all by their names."""

    rest: _Name
    merged: Annotated[tuple[_Name, ...], Field(max_length=16)] = ()
    assets: Annotated[dict[str, _Name], Field(max_length=MAX_ASSETS)] = {}


class ArchiveContents(_Part):
    """What `character.json` says. Unknown keys of later writers are left out."""

    version: int = VERSION
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
    description: str = Field(default="", max_length=MAX_TEXT_CHARS)
    script: str = Field(default="", max_length=MAX_TEXT_CHARS)
    fields: dict[FieldName, BlueprintField] = {}
    free: Annotated[tuple[FreeField, ...], Field(max_length=MAX_FREE_FIELDS)] = ()
    pictures: Annotated[tuple[PictureEntry, ...], Field(max_length=MAX_PICTURES)] = ()
    versions: Annotated[tuple[_Name, ...], Field(max_length=MAX_PICTURES)] = ()
    current: _Name | None = None
    references: Annotated[tuple[_Name, ...], Field(max_length=10)] = ()
    anchor: _Name | None = None
    avatar: _Name | None = None
    crop: Crop | None = None
    card: dict[str, Any] | None = None
    """As archives were written at first: what the card said that the character came from."""
    kept_card: KeptCard | None = None
    """The same as a file of the archive, with the files that came with it."""


class Archive:
    """A zip that was sent, as one of ours. Raises PictureRefused."""

    def __init__(self, sent: SentZip, max_picture_bytes: int) -> None:
        self._max = max_picture_bytes
        self._zip = sent
        self.contents = self._contents()

    def picture(self, name: str) -> io.BytesIO:
        """A picture's bytes. Raises PictureRefused where they are more than a picture may have."""
        return io.BytesIO(self.file(name, self._max))

    def file(self, name: str, most: int) -> bytes:
        """A file of the archive. Raises PictureRefused where there is none, or a larger one."""
        try:
            return self._zip.read(name, most)
        except KeyError as error:
            raise PictureRefused(
                f"The archive has no “{name[:80]}” in it. Export it again.", field="file"
            ) from error

    def _contents(self) -> ArchiveContents:
        try:
            contents = ArchiveContents.model_validate_json(self.file(CONTENTS, _MAX_CONTENTS))
        except (ValidationError, RecursionError) as error:
            raise self._zip.refused() from error
        if contents.version != VERSION:
            raise PictureRefused(
                "This archive was made by a later version of the studio. Update this one.", field="file"
            )
        return contents


def opened(source: BinaryIO) -> SentZip:
    """A zip that may hold a character. Raises PictureRefused."""
    return SentZip(source, max_parts=MAX_PICTURES + MAX_ASSETS + 2, damaged=_DAMAGED)


def zipped(contents: ArchiveContents, files: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    """The archive in parts, one or more per file; stored, since pictures do not get smaller."""
    said = contents.model_dump_json(indent=1, exclude_defaults=True)  # now: what fails is told as an error
    return _parts(said, files)


def _parts(said: str, files: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    sink = ExportTarget()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(CONTENTS, said)
        for name, content in files:
            archive.writestr(name, content())
            yield from sink.take()
    yield from sink.take()
