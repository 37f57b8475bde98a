"""What is needed to put a refinement together again: the model's own picture, what it saw, what changed.

One zip for each picture in a folder of bounded size that may be deleted at any time. Knows no rows.
"""

from __future__ import annotations

import io
import logging
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

from pipelines.events import Refined
from studio import durable

MOST_BYTES = 2 << 30
_log = logging.getLogger(__name__)
_ID_CHARS = 32
_DAMAGED = (
    OSError,
    LookupError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What reading a zip and its pictures raises where a bit of it has changed."""
_PICTURES = ("change", "seen", "drawn")


class About(BaseModel):
    """The source's id, what of it the model saw, whether nothing of it shows through, what was measured.

    `frame`: what of the model's picture was enlarged, in px of it; None where nothing was. `reshaped`: what
    was refined is kept beside it, for it is not the source as its file shows it.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    box: tuple[float, float, float, float]
    redrawn: bool
    measures: dict[str, Any]
    frame: tuple[float, float, float, float] | None = None
    reshaped: bool = False


@dataclass(frozen=True, slots=True)
class ModelPicture:
    """`change` (H, W) of the picture's size; `seen` and `drawn` (h, w, 3) of the model's: uint8.

    `large` (h', w', 3): what an enlarger made of `about.frame`, where one did. `source` (H, W, 3): what was
    refined, where that is not the source as its file shows it.
    """

    about: About
    change: NDArray[np.uint8]
    seen: NDArray[np.uint8]
    drawn: NDArray[np.uint8]
    large: NDArray[np.uint8] | None = None
    source: NDArray[np.uint8] | None = None


class ModelPictures:
    """The folder. Whatever goes wrong with it costs corrections and no picture."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most = folder, most_bytes

    def keep(self, image_id: str, refined: Refined, source: str) -> None:
        """For the picture with this id; the oldest are let go where there is no room."""
        about = About(
            source=source,
            box=refined.box,
            redrawn=refined.redrawn,
            measures=refined.measures,
            frame=refined.frame if refined.large else None,
            reshaped=bool(refined.source),
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:  # PNGs are packed already
            file.writestr("about.json", about.model_dump_json())
            for name in _PICTURES:
                file.writestr(f"{name}.png", getattr(refined, name))
            if refined.large:
                file.writestr("large.png", refined.large)
            if refined.source:
                file.writestr("source.png", refined.source)
        try:
            durable.make_folder(self._folder)
            durable.write_whole(self._path(image_id), [out.getvalue()])
            self._let_go()
        except OSError as error:
            _log.warning("The model's picture of %s is not kept: %s", image_id, error)

    def change(self, image_id: str) -> bytes | None:
        """PNG (L) of what changed; None where nothing is known."""
        try:
            with zipfile.ZipFile(self._path(image_id)) as file:
                return file.read("change.png")
        except _DAMAGED:
            return None

    def of(self, image_id: str) -> ModelPicture | None:
        """What was kept for the picture; None where it is gone or damaged."""
        try:
            with zipfile.ZipFile(self._path(image_id)) as file:
                about = About.model_validate_json(file.read("about.json"))
                change, seen, drawn = (file.read(f"{name}.png") for name in _PICTURES)
                large = _pixels(file.read("large.png"), "RGB") if about.frame else None
                source = _pixels(file.read("source.png"), "RGB") if about.reshaped else None
            pictures = _pixels(change, "L"), _pixels(seen, "RGB"), _pixels(drawn, "RGB")
            return ModelPicture(about, *pictures, large, source)
        except _DAMAGED:
            return None

    def _path(self, image_id: str) -> Path:
        return path(self._folder, image_id)

    def _let_go(self) -> None:
        """The oldest, until the rest is within bounds."""
        looked = [(path, durable.status(path)) for path in self._folder.glob("*.zip")]
        found = [(path, stat) for path, stat in looked if stat is not None]  # the folder may go at any time
        total = sum(stat.st_size for _, stat in found)
        for path, stat in sorted(found, key=lambda each: each[1].st_mtime_ns):
            if total <= self._most:
                return
            with suppress(OSError):
                durable.delete(path)
            total -= stat.st_size


def path(folder: Path, image: str) -> Path:
    """Of the picture with this id, or with this hash, which begins with it."""
    return folder / f"{image[:_ID_CHARS]}.zip"


def _pixels(png: bytes, mode: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert(mode))
