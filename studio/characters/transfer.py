"""Characters as files: zip with pictures and JSON, character cards V2/V3 as PNG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from studio.characters.records import Imported


class Transfer:
    """Taking characters in and giving them out."""

    def import_file(self, source: BinaryIO, filename: str) -> Imported:
        """A zip of this studio or a character card. Raises PictureRefused, RequestError; then nothing was kept."""
        raise NotImplementedError

    def zipped(self, character_id: str) -> Iterator[bytes]:
        """The character as a zip, in parts: `character.json` and the pictures' stored bytes."""
        raise NotImplementedError

    def card(self, character_id: str) -> bytes:
        """The portrait as a PNG that is a character card, V3 and V2. Raises NotFound without a portrait."""
        raise NotImplementedError

    def file_name(self, character_id: str, ending: str) -> str:
        """A plain name for a download."""
        raise NotImplementedError
