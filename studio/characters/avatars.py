"""Avatars: a rectangle on an untouched picture, and files of any size made from it on demand.

Faces are found by scikit-image's own cascade, in a small copy of the picture; drawn faces that it does not
know are no error, the first guess is the upper middle then.
"""

from __future__ import annotations

import functools
import io
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from pipelines.errors import NotFound, RequestError
from studio.characters import reading
from studio.characters.records import Avatar, Crop, CropGuess
from studio.characters.tools import Tools, character, version
from studio.collection import queries
from studio.collection.character_models import CharacterRow, VersionRow

Format = Literal["png", "webp", "jpeg"]
Aspect = Literal["free", "1:1", "3:4"]
_RATIO: dict[Aspect, float] = {"free": 3 / 4, "1:1": 1.0, "3:4": 3 / 4}
"""Width through height; of a free crop only the first guess."""
_SMALLEST, _LARGEST = 16, 2048
_SIDE = 320
"""Longest side in px of the copy in which faces are looked for."""
_AROUND = 2.0
"""Height of the first guess in heights of the face."""
_ONE_AT_A_TIME = threading.Lock()
_Box = tuple[float, float, float, float]
"""x, y, width, height in parts of the picture."""


class Avatars:
    """The avatars of all characters."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._database = tools.database

    def guess(self, character_id: str, version_id: str, aspect: Aspect = "1:1") -> CropGuess:
        """Where the crop tool starts: around the face where one is found, else the upper middle."""
        with self._database.reading() as session:
            image_id = version(session, character_id, version_id).image_id
            picture = queries.row(session, image_id)
        face = _face(self._tools.collection.working_file(image_id))
        crop = _around(face, picture.width, picture.height, aspect)
        return CropGuess(crop=crop, face=face is not None)

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
        with Image.open(self._tools.collection.working_file(image_id)) as file:
            picture = file.convert("RGB").crop((crop.x, crop.y, crop.x + crop.width, crop.y + crop.height))
        scale = side / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        buffer = io.BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS).save(buffer, kind.upper(), quality=92)
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
            return picture.id, _around(None, picture.width, picture.height, "1:1")


def _without_portrait(owner: CharacterRow) -> NotFound:
    return NotFound(f"{owner.name} has no portrait yet. Generate or load one first.")


def _check(crop: Crop, width: int, height: int) -> None:
    if crop.x + crop.width > width or crop.y + crop.height > height:
        raise RequestError("The crop reaches beyond the picture. Move it inside.", field="crop")
    ratio = _RATIO[crop.aspect]
    if crop.aspect != "free" and abs(crop.width - crop.height * ratio) > 1.0:
        raise RequestError(f"The crop is not {crop.aspect}. Set it again, or choose free.", field="crop")


def _around(face: _Box | None, width: int, height: int, aspect: Aspect) -> Crop:
    """A rectangle of this shape around the face, else as large as fits; inside the picture."""
    ratio = _RATIO[aspect]
    tall = min(height, width / ratio)
    left, top = (width - tall * ratio) / 2, (height - tall) * 0.15
    if face is not None:
        x, y, wide, high = face
        tall = min(tall, max(high * height * _AROUND, 16.0))
        left = (x + wide / 2) * width - tall * ratio / 2
        top = (y + high / 2) * height - tall * 0.5
    size = (max(1, int(tall * ratio)), max(1, int(tall)))
    if aspect == "1:1":
        size = (min(size), min(size))
    return Crop(
        x=round(min(max(left, 0), width - size[0])),
        y=round(min(max(top, 0), height - size[1])),
        width=size[0],
        height=size[1],
        aspect=aspect,
    )


@functools.lru_cache(maxsize=256)
def _face(path: Path) -> _Box | None:
    """The largest face in parts of the picture; None where none is found."""
    import numpy as np

    with Image.open(path) as file:
        picture = file.convert("L")
    picture.thumbnail((_SIDE, _SIDE))
    least = max(24, min(picture.size) // 6)
    if min(picture.size) < least:
        return None
    with _ONE_AT_A_TIME:
        found = _cascade().detect_multi_scale(
            img=np.asarray(picture),
            scale_factor=1.15,
            step_ratio=1.3,
            min_size=(least, least),
            max_size=(min(picture.size), min(picture.size)),
        )
    if not found:
        return None
    best = max(found, key=lambda box: box["width"] * box["height"])
    return (
        best["c"] / picture.width,
        best["r"] / picture.height,
        best["width"] / picture.width,
        best["height"] / picture.height,
    )


@functools.cache
def _cascade() -> Any:
    from skimage import data, feature

    return feature.Cascade(data.lbp_frontal_face_cascade_filename())
