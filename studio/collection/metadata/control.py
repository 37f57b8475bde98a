"""Control images as files: outlines that were made on the way to a picture, and say so themselves.

The same outlines of the same reference are the same bytes, so they are kept once. Knows no rows.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict

from studio.collection.metadata import own_chunks

CHUNK = "likeness-control"
VERSION = 1
DRAWN_LABEL = "Control image ("
"""How records of control images begin that were made on the way to a picture."""


class ControlMark(BaseModel):
    """What a control image is. Unknown keys of later writers are left out when read."""

    model_config = ConfigDict(frozen=True)

    version: int = VERSION
    kind: str
    """A `pipelines.request.ControlKind`, or that of a later studio."""
    made_from: str | None
    """Pixel hash of the structure reference."""

    @property
    def label(self) -> str:
        """Names it in records."""
        return f"{DRAWN_LABEL}{self.kind.replace('_', ' ')})"


def encode(picture: Image.Image, mark: ControlMark) -> bytes:
    """PNG bytes of an RGB picture; the same for the same input."""
    return own_chunks.encode(picture, CHUNK, mark)


def read_mark(path: Path) -> ControlMark | None:
    """What a PNG says of itself; None where it is no control image of ours."""
    mark = own_chunks.read(path, CHUNK, ControlMark)
    return mark if mark is not None and mark.version == VERSION else None
