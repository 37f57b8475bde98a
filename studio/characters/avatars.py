"""Avatars: a rectangle on an untouched picture, and files of any size made from it on demand.

The first guess is around what `faces` finds; else it is the upper middle. Knows no detector itself.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Literal

from PIL import Image

from pipelines.errors import NotFound, RequestError
from studio import images
from studio.characters import faces, reading
from studio.characters.crops import RATIO, Aspect, around
from studio.characters.records import Avatar, Crop, CropGuess
from studio.characters.tools import Tools, character, version
from studio.collection import queries
from studio.collection.character_models import CharacterRow, VersionRow

Format = Literal["png", "webp", "jpeg"]
_SMALLEST, _LARGEST = 16, 2048


class Avatars:
    """The avatars of all characters."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._database = tools.database

    def guess(self, character_id: str, version_id: str, aspect: Aspect = "1:1") -> CropGuess:
        """Where the crop tool starts: around a face or a figure's head, else the upper middle."""
        with self._database.reading() as session:
            image_id = version(session, character_id, version_id).image_id
            picture = queries.row(session, image_id)
        head = faces.find(self._tools.collection.working_file(image_id))
        crop = around(head, picture.width, picture.height, aspect)
        return CropGuess(crop=crop, around=head.kind if head else "middle")

    def set(self, character_id: str, version_id: str, crop: Crop) -> Avatar:
        """“Apply”: this part of this version is the avatar. Raises RequestError where it can't be."""
        with self._database.transaction() as session:
            owner = character(session, character_id)
            row = version(session, character_id, version_id)
            picture = queries.row(session, row.image_id)
            _check(crop, picture.width, picture.height)
            owner.avatar_image_id, owner.avatar_version_id = picture.id, row.id
            owner.avatar_crop, owner.updated_at = crop.model_dump(), datetime.now(UTC)
        return Avatar(image_id=picture.id, version_id=version_id, crop=crop)

    def clear(self, character_id: str) -> None:
        """No avatar any more; the portrait stands in for it."""
        with self._database.transaction() as session:
            owner = character(session, character_id)
            owner.avatar_image_id = owner.avatar_version_id = owner.avatar_crop = None

    def export(self, character_id: str, side: int = 256, kind: Format = "png") -> tuple[bytes, str]:
        """(bytes, MIME type), `side` px at its longest; of the portrait's upper middle where no crop is set.

        Raises NotFound without a portrait, RequestError for a side outside 16–2048.
        """
        if not _SMALLEST <= side <= _LARGEST:
            raise RequestError(f"Avatars are from {_SMALLEST} to {_LARGEST} px.", field="side")
        image_id, crop = self.source(character_id)
        scale = side / max(crop.width, crop.height)
        size = (max(1, round(crop.width * scale)), max(1, round(crop.height * scale)))
        box = (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)
        with images.plain(self._tools.collection.working_file(image_id), copies=2) as (picture,):
            small = picture.crop(box).resize(size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, kind.upper(), quality=92)
        return buffer.getvalue(), f"image/{kind}"

    def source(self, character_id: str) -> tuple[str, Crop]:
        """(picture, rectangle) of the avatar, or of what stands in for it. Raises NotFound."""
        with self._database.reading() as session:
            owner = character(session, character_id)
            avatar = reading.avatar(owner)
            if avatar is not None:
                return avatar.image_id, avatar.crop
            current = session.get(VersionRow, owner.current_version_id or "")
            if current is None:
                raise _without_portrait(owner)
            picture = queries.row(session, current.image_id)
            return picture.id, around(None, picture.width, picture.height, "1:1")


def _without_portrait(owner: CharacterRow) -> NotFound:
    return NotFound(f"{owner.name} has no portrait yet. Generate or load one first.")


def _check(crop: Crop, width: int, height: int) -> None:
    if crop.x + crop.width > width or crop.y + crop.height > height:
        raise RequestError("The crop reaches beyond the picture. Move it inside.", field="crop")
    ratio = RATIO[crop.aspect]
    if crop.aspect != "free" and abs(crop.width - crop.height * ratio) > 1.0:
        raise RequestError(f"The crop is not {crop.aspect}. Set it again, or choose free.", field="crop")
