"""Keeping the control image of a picture: as its parent, with a row that is listed only when asked for.

Its file is written inside the transaction of the row, so that the trash cannot let go of it in between.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from PIL import Image
from sqlalchemy.orm import Session

from pipelines.events import ControlImage
from pipelines.request import GenerationRequest, Role
from studio import images
from studio.collection import rows
from studio.collection.metadata.control import ControlMark, encode
from studio.collection.rows import StoredFile
from studio.collection.store import ImageStore
from studio.records import Category, ParentLink

ROLE = "control"


@dataclass(frozen=True, slots=True)
class NewControlImage:
    """A control image, ready to be kept."""

    file: StoredFile
    data: bytes
    mark: ControlMark
    link: ParentLink
    """From the picture that was made along it."""

    @classmethod
    def of(
        cls, made: ControlImage, request: GenerationRequest, parents: Sequence[ParentLink]
    ) -> NewControlImage:
        """From what the worker drew out of the structure reference, which is among `parents`."""
        picture = Image.open(io.BytesIO(made.png)).convert("RGB")
        source = next((link.pixel_sha256 for link in parents if link.role == Role.STRUCTURE), None)
        mark = ControlMark(kind=made.kind, made_from=source)
        data = encode(picture, mark)
        file = StoredFile(
            sha256=images.sha256(data),
            size_bytes=len(data),
            extension="png",
            mime="image/png",
            width=picture.width,
            height=picture.height,
            pixel_sha256=images.pixel_sha256(picture.width, picture.height, picture.tobytes()),
            plain=True,
        )
        link = ParentLink(
            image_id=rows.id_of(file),
            pixel_sha256=file.pixel_sha256,
            role=ROLE,
            order=len(parents),
            weight=request.control.weight if request.control else 1.0,
        )
        return cls(file, data, mark, link)

    def keep(self, session: Session, store: ImageStore) -> None:
        """File and row, where they are not there yet."""
        known = rows.by_hash(session, self.file.sha256)
        if known is None or not store.path(self.file.sha256, self.file.extension).exists():
            store.put(self.data, self.file.extension)
        if known is None:
            now = datetime.now(UTC)
            row = rows.loaded(self.file, self.mark.label, (), now, said={}, category=Category.CONTROL)
            rows.add_loaded(session, row)
