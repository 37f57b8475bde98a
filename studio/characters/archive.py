"""A character as a zip: `character.json` and its pictures' stored bytes. Written in parts, read with bounds.

Names inside an archive are only ever looked up, never used as paths; sizes are counted while they are
unpacked, since what an archive says of itself may be a lie. Knows no rows.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import PictureRefused
from studio.characters.records import (
    MAX_FREE_FIELDS,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    BlueprintField,
    Crop,
    FieldName,
    FreeField,
)
from studio.exchange.exporting import Sink

CONTENTS = "character.json"
VERSION = 1
MAX_PICTURES = 2000
_MAX_CONTENTS = 8 * 2**20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class PictureEntry(_Part):
    """A picture of the archive, by the name it has in it."""

    file: _Name
    label: str = Field(default="picture.png", max_length=200)


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


class Archive:
    """A zip that was sent. Raises PictureRefused for what is not one of ours."""

    def __init__(self, source: BinaryIO, max_picture_bytes: int) -> None:
        self._max = max_picture_bytes
        try:
            self._zip = zipfile.ZipFile(source)
            names = self._zip.namelist()
        except _DAMAGED as error:
            raise _refused() from error
        if len(names) > MAX_PICTURES + 1 or len(set(names)) != len(names):
            raise _refused()
        self.contents = self._contents()

    def picture(self, name: str) -> io.BytesIO:
        """A picture's bytes. Raises PictureRefused where they are more than a picture may have."""
        return io.BytesIO(self._read(name, self._max))

    def _contents(self) -> ArchiveContents:
        try:
            contents = ArchiveContents.model_validate_json(self._read(CONTENTS, _MAX_CONTENTS))
        except (ValidationError, RecursionError) as error:
            raise _refused() from error
        if contents.version != VERSION:
            raise PictureRefused(
                "This archive was made by a later version of the studio. Update this one.", field="file"
            )
        return contents

    def _read(self, name: str, most: int) -> bytes:
        try:
            with self._zip.open(name) as file:
                data = file.read(most + 1)
        except KeyError as error:
            raise PictureRefused(
                f"The archive has no “{name[:80]}” in it. Export it again.", field="file"
            ) from error
        except _DAMAGED as error:
            raise _refused() from error
        if len(data) > most:
            raise PictureRefused(
                f"“{name[:80]}” in the archive is larger than {most // 2**20} MB.", field="file"
            )
        return data


def zipped(contents: ArchiveContents, files: Iterable[tuple[str, Callable[[], Path]]]) -> Iterator[bytes]:
    """The archive in parts, one or more per picture; stored, since pictures do not get smaller."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(CONTENTS, contents.model_dump_json(indent=1, exclude_defaults=True))
        for name, path in files:
            archive.writestr(name, path().read_bytes())
            yield from sink.take()
    yield from sink.take()


def _refused() -> PictureRefused:
    return PictureRefused(
        "This is no archive of a character, or it is damaged. Export it again and load that.", field="file"
    )
