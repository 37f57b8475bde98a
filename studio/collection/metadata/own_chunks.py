"""PNG files that say in a chunk of ours what they are: control images and character sheets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TypeVar

from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ValidationError

Mark = TypeVar("Mark", bound=BaseModel)


def encode(picture: Image.Image, chunk: str, mark: BaseModel) -> bytes:
    """PNG bytes of an RGB picture; the same for the same input."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(chunk, mark.model_dump_json())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def read(path: Path, chunk: str, kind: type[Mark]) -> Mark | None:
    """The mark of a PNG; None where it has none of this kind."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            text = image.info.get(chunk)
    except (OSError, SyntaxError, ValueError):
        return None
    try:
        return kind.model_validate_json(text) if isinstance(text, str) else None
    except ValidationError:
        return None
