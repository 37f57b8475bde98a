"""A limit on what the tags of a picture file may take in memory.

Every tag of EXIF and TIFF names the place of its bytes in the file, and thousands may name the same
megabyte. Pillow copies it for each, so that a small file fills the memory as soon as it is opened.
"""

from __future__ import annotations

from typing import IO, Any

from PIL import TiffImagePlugin

MOST_BYTES = 32 * 2**20
"""Of all tags of one directory together. Those of cameras and scanners take some hundred kilobytes."""


class _Counted:
    """A file that ends in the middle once too much was read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._left:
            raise OSError("the tags of the file take more memory than is given to them")
        data = self._file.read(size)
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def limit_tags() -> None:
    """Let Pillow stop reading a directory's tags at MOST_BYTES, wherever in this process it opens a file."""
    directory: Any = TiffImagePlugin.ImageFileDirectory_v2
    original = directory.load
    if getattr(original, "limited", False):
        return

    def load(self: Any, fp: IO[bytes]) -> None:
        original(self, _Counted(fp))

    load.limited = True  # pyright: ignore[reportFunctionMemberAccess]
    directory.load = load
