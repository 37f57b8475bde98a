"""Character sheets as files: pictures laid out on one, which says so itself and names what is on it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict

from pipelines.request import Role
from studio.collection.metadata import own_chunks
from studio.records import ParentLink

CHUNK = "likeness-sheet"
VERSION = 1


class SheetPart(BaseModel):
    """One picture on a sheet."""

    model_config = ConfigDict(frozen=True)

    label: str
    seed: int
    image_id: str
    pixel_sha256: str


class SheetMark(BaseModel):
    """What a sheet is. Unknown keys of later writers are left out when read."""

    model_config = ConfigDict(frozen=True)

    version: int = VERSION
    name: str
    """Of the character when the sheet was laid out."""
    character: str
    parts: tuple[SheetPart, ...]

    @property
    def label(self) -> str:
        """Names it in records."""
        return f"Character sheet of {self.name}"

    @property
    def parents(self) -> tuple[ParentLink, ...]:
        """The pictures on it."""
        return tuple(
            ParentLink(
                image_id=part.image_id, pixel_sha256=part.pixel_sha256, role=Role.CHARACTER, order=order
            )
            for order, part in enumerate(self.parts)
        )


def encode(picture: Image.Image, mark: SheetMark) -> bytes:
    """PNG bytes of an RGB picture; the same for the same input."""
    return own_chunks.encode(picture, CHUNK, mark)


def read_mark(path: Path) -> SheetMark | None:
    """What a PNG says of itself; None where it is no sheet of ours."""
    mark = own_chunks.read(path, CHUNK, SheetMark)
    return mark if mark is not None and mark.version == VERSION else None
