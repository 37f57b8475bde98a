"""Opening what is taken in and what was stored: what cannot be read, in words."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import NotFound, PictureRefused
from studio.settings import PROGRAM


@contextmanager
def opened(source: BinaryIO | Path) -> Generator[BinaryIO]:
    """What is taken in, to read. Raises PictureRefused."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        file = source.open("rb")
    except OSError as error:
        raise PictureRefused("The file cannot be read. Load it again.", field="file") from error
    with file:
        yield file


@contextmanager
def gone_if_unreadable() -> Generator[None]:
    """Raises NotFound where a stored picture cannot be read."""
    try:
        yield
    except (FileNotFoundError, PictureRefused) as error:
        raise gone() from error


def gone() -> NotFound:
    """Of a picture whose file was taken away or cut."""
    return NotFound(
        "The file of this picture is missing or damaged. "
        f"To see all such files, run: {PROGRAM} collection verify"
    )
