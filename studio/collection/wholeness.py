"""Whether a stored file still holds the bytes it is named by.

Disks forget bits and hands mix files up, and neither changes a file's length: what is to be trusted is read
once, and again only when the file looks another than it did then. Knows nothing of pictures.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from pathlib import Path

_MOST = 50_000
"""Files remembered; of more, those looked at longest ago are read again."""

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_Look = tuple[int, int, int, int]


class Wholeness:
    """Remembers what was read. Thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, _Look] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, path: Path, sha256: str) -> bool:
        """The file holds what hashes to `sha256`. Raises FileNotFoundError, OSError."""
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return False
        look = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        with self._lock:
            if self._known.get(path) == look:
                self._known.move_to_end(path)
                return True
        if sha256_of(path) != sha256:
            return False
        with self._lock:
            self._known[path] = look
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return True


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole_webp(path: Path) -> bool:
    """Thumbnails are not synced: one that a power cut left too short says so by its own length."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
            return (
                len(head) == 8 and int.from_bytes(head[4:], "little") + 8 == os.fstat(file.fileno()).st_size
            )
    except OSError:  # not there, or not to be read: made anew, and where that fails it is said
        return False


def is_whole_png(path: Path) -> bool:
    """A copy that lacks its end was cut, or is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - len(_PNG_END)))
            return file.read() == _PNG_END
    except OSError:  # not there, or not to be read: made anew, and where that fails it is said
        return False
