"""Avatars: a rectangle on an untouched picture, and files of any size made from it on demand."""

from __future__ import annotations

from typing import Literal

from studio.characters.records import Avatar, Crop, CropGuess

SIZES = (64, 128, 256, 512, 1024)
"""Longest sides in px that are offered; any from 16 to 2048 can be asked for."""
Format = Literal["png", "webp", "jpeg"]


class Avatars:
    """The avatars of all characters."""

    def guess(
        self, character_id: str, version_id: str, aspect: Literal["free", "1:1", "3:4"] = "1:1"
    ) -> CropGuess:
        """Where the crop tool starts: around the face where one is found, else the upper middle."""
        raise NotImplementedError

    def set(self, character_id: str, version_id: str, crop: Crop) -> Avatar:
        """“Apply”: this part of this version is the avatar. Raises RequestError where it is not on the picture."""
        raise NotImplementedError

    def clear(self, character_id: str) -> None:
        """No avatar any more; the portrait stands in for it."""
        raise NotImplementedError

    def export(self, character_id: str, side: int = 256, kind: Format = "png") -> tuple[bytes, str]:
        """(bytes, MIME type), `side` px at its longest; cut from the portrait's middle where no crop is set.

        Raises NotFound without a portrait, RequestError for a side outside 16–2048.
        """
        raise NotImplementedError
