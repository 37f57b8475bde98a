"""Pictures as one zip, written while it is sent: files, and a manifest that says what they are.

Takes the stored bytes unless another format or a clean copy is wished. Knows no rows.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines.errors import NotFound, PictureRefused
from studio import file_names, images
from studio.collection.metadata import writing
from studio.collection.metadata.likeness import Likeness
from studio.collection.metadata.png import read_likeness
from studio.collection.metadata.writing import EncodedFile
from studio.exchange.clean import clean_copy
from studio.exchange.records import ExportWish
from studio.records import ImageRecord
from studio.settings import PROGRAM

MANIFEST = "manifest.json"
LEFT_OUT = "left-out.txt"
"""Names in words the pictures that are not in the zip; only where there are any."""
_MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_ENCODERS: dict[str, Callable[[Image.Image, Likeness | None], EncodedFile]] = {
    "jpeg": writing.jpeg,
    "webp": writing.webp,
}
Files = Callable[[str], tuple[Path, ImageRecord]]
Records = Callable[[str], ImageRecord]
RightsLines = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Exported:
    """One picture as it goes out."""

    data: bytes
    mime: str
    left_out: tuple[str, ...] = ()


def export_one(path: Path, record: ImageRecord, wish: ExportWish) -> Exported:
    """The bytes of one picture as wished. Raises PictureRefused, OSError."""
    data = path.read_bytes()
    if images.sha256(data) != record.sha256:
        raise PictureRefused(f"Its file is damaged. To see all such files, run: {PROGRAM} collection verify")
    wanted = record.mime if wish.format is None else _MIME[wish.format]
    if wanted == record.mime:
        return Exported(*clean_copy(data, record.mime)) if wish.clean else Exported(data, record.mime)
    picture = images.working_copy(path)
    if wanted == "image/png":
        return Exported(_plain_png(picture), wanted)
    written = _ENCODERS[str(wish.format)](picture, None if wish.clean else _own_likeness(path, record))
    return Exported(written.data, wanted, written.left_out)


def zipped(
    ids: Sequence[str], wish: ExportWish, file_of: Files, record_of: Records, rights_of: RightsLines
) -> Iterator[bytes]:
    """The zip in parts, one or more per picture; the manifest comes last and names what is missing."""
    sink = ExportTarget()
    entries: list[dict[str, Any]] = []
    missing: list[_Missing] = []
    digits = max(3, len(str(len(ids))))
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for number, image_id in enumerate(ids, start=1):
            found = _found(image_id, wish, file_of, record_of)
            if isinstance(found, _Missing):
                missing.append(found)
                continue
            record, exported = found
            name = f"{number:0{digits}d}-{file_name(record, exported.mime)}"
            archive.writestr(name, exported.data)
            rights = rights_of(image_id) if wish.with_rights else None
            entries.append(_entry(name, record, exported, rights))
            yield from sink.take()
        if missing:
            archive.writestr(LEFT_OUT, "".join(one.line() for one in missing))
        archive.writestr(MANIFEST, _manifest(entries, missing))
    yield from sink.take()


@dataclass(frozen=True, slots=True)
class _Missing:
    """A picture that could not go out."""

    id: str
    reason: str
    called: str

    def line(self) -> str:
        """For whoever opens the zip."""
        return f"{self.called}: {self.reason}\n"


def _found(
    image_id: str, wish: ExportWish, file_of: Files, record_of: Records
) -> tuple[ImageRecord, Exported] | _Missing:
    try:
        path, record = file_of(image_id)
        return record, export_one(path, record, wish)
    except (NotFound, PictureRefused) as error:
        reason = error.detail
    except OSError as error:
        reason = error.strerror or "The file cannot be read."
    return _Missing(image_id, reason, _called(image_id, record_of))


def _called(image_id: str, record_of: Records) -> str:
    try:
        record = record_of(image_id)
    except NotFound:
        return image_id
    return record.name or record.label


class ExportTarget(io.RawIOBase):
    """Where the archive is written to, and taken from in between; it cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Remember a part."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> Iterator[bytes]:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        if parts:
            yield b"".join(parts)


def _plain_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _own_likeness(path: Path, record: ImageRecord) -> Likeness | None:
    likeness = read_likeness(path) if record.mime == "image/png" else None
    return likeness if likeness is not None and likeness.pixel_sha256 == record.pixel_sha256 else None


def file_name(record: ImageRecord, mime: str) -> str:
    """What the picture is called when it goes out as `mime`."""
    return file_names.picture(record.name or record.label, record.sha256, mime)


def _entry(
    name: str, record: ImageRecord, exported: Exported, rights: Sequence[str] | None
) -> dict[str, Any]:
    fields = {
        "id", "sha256", "pixel_sha256", "width", "height", "category", "label", "name", "model", "created_at",
        "starred", "tags", "seed", "request", "parents",
    }  # fmt: skip
    said = record.model_dump(mode="json", include=fields)
    entry = {"file": name, **said, "left_out": list(exported.left_out)}
    if rights is not None:
        own = record.rights.model_dump(exclude_none=True) if record.rights else None
        entry |= {"rights": own, "rights_lines": list(rights)}
    return entry


def _manifest(entries: list[dict[str, Any]], missing: list[_Missing]) -> str:
    left = [{"id": one.id, "reason": one.reason} for one in missing]
    return json.dumps({"version": 1, "images": entries, "missing": left}, ensure_ascii=False, indent=1)
