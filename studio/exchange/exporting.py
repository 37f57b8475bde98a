"""Pictures as one zip, written while it is sent: files, and a manifest that says what they are.

Takes the stored bytes unless another format or a clean copy is wished. Knows no rows.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines.errors import NotFound, PictureRefused
from studio import images
from studio.collection.metadata import writing
from studio.collection.metadata.likeness import Likeness
from studio.collection.metadata.png import read_likeness
from studio.collection.metadata.writing import Written
from studio.exchange.clean import clean_copy
from studio.exchange.records import ExportWish
from studio.records import ImageRecord

MANIFEST = "manifest.json"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_ENCODERS: dict[str, Callable[[Image.Image, Likeness | None], Written]] = {
    "jpeg": writing.jpeg,
    "webp": writing.webp,
}
Files = Callable[[str], tuple[Path, ImageRecord]]
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
    wanted = record.mime if wish.format is None else _MIME[wish.format]
    if wanted == record.mime:
        return Exported(*clean_copy(data, record.mime)) if wish.clean else Exported(data, record.mime)
    picture = images.working_copy(path)
    if wanted == "image/png":
        return Exported(_plain_png(picture), wanted)
    written = _ENCODERS[str(wish.format)](picture, None if wish.clean else _own_likeness(path, record))
    return Exported(written.data, wanted, written.left_out)


def zipped(ids: Sequence[str], wish: ExportWish, file_of: Files, rights_of: RightsLines) -> Iterator[bytes]:
    """The zip in parts, one or more per picture; the manifest comes last and names what is missing."""
    sink = Sink()
    entries: list[dict[str, Any]] = []
    missing: list[dict[str, str]] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for number, image_id in enumerate(ids, start=1):
            try:
                path, record = file_of(image_id)
                exported = export_one(path, record, wish)
            except (NotFound, PictureRefused) as error:
                missing.append({"id": image_id, "reason": error.detail})
                continue
            except OSError as error:
                missing.append({"id": image_id, "reason": error.strerror or "The file cannot be read."})
                continue
            name = f"{number:0{max(3, len(str(len(ids))))}d}-{file_name(record, exported.mime)}"
            archive.writestr(name, exported.data)
            rights = rights_of(image_id) if wish.with_rights else None
            entries.append(_entry(name, record, exported, rights))
            yield from sink.take()
        archive.writestr(MANIFEST, _manifest(entries, missing))
    yield from sink.take()


class Sink(io.RawIOBase):
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
    """A name that is safe on every system and in headers: plain letters, digits, `-`, part of the hash."""
    stem = Path((record.name or record.label).replace("\\", "/")).stem
    plain = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:60]
    return f"{plain or 'picture'}-{record.sha256[:8]}.{_ENDINGS.get(mime, 'bin')}"


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


def _manifest(entries: list[dict[str, Any]], missing: list[dict[str, str]]) -> str:
    return json.dumps({"version": 1, "images": entries, "missing": missing}, ensure_ascii=False, indent=1)
