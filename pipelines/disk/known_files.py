"""What files were told to be, remembered by path, size and date: thousands are listed without being opened.

The memory is one JSON file that may be deleted at any time. It counts only for the version of this package
that wrote it. Knows nothing of folders and catalogues.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from pipelines.disk.identify import Identified, identify
from pipelines.disk.json_files import is_object, read_object

_log = logging.getLogger(__name__)

_TOLD = TypeAdapter(Identified)
_Stamp = tuple[int, int, int]
"""Size and time of the last change of a file, and the time of its maker's notes beside it; ns, 0 without."""


class KnownFiles:
    """`path`: where it is remembered, None: for this process alone. Any number of threads may ask.

    `writes`: whether `save` does; of several processes one should.
    """

    def __init__(self, path: Path | None = None, *, writes: bool = True) -> None:
        self._path, self._writes = path, writes
        self._known: dict[str, tuple[_Stamp, Identified]] | None = None
        self._changed = False

    def identify(self, path: Path) -> Identified:
        """As `pipelines.disk.identify.identify`, which is asked only where the file is new or has changed."""
        known = self._remembered()
        seen = path.stat()
        stamp = seen.st_size, seen.st_mtime_ns, _written(path.with_suffix(".json"))
        held = known.get(str(path))
        if held is not None and held[0] == stamp:
            return held[1]
        told = identify(path)
        known[str(path)] = stamp, told
        self._changed = True
        return told

    def save(self) -> None:
        """Write what is new down. Without it nothing but time is lost."""
        if self._path is None or not self._writes or not self._changed:
            return
        self._changed = False
        files = {
            path: [*stamp, _TOLD.dump_python(told, mode="json", exclude_defaults=True)]
            for path, (stamp, told) in self._remembered().copy().items()
        }
        half = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            mine = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # nobody else's business
            with os.fdopen(mine, "w", encoding="utf-8") as file:
                json.dump({"made_by": _version(), "files": files}, file)
            half.replace(self._path)
        except (OSError, ValueError) as error:  # a name of a file that is no text among them
            _log.warning("What files were told to be could not be remembered: %s", error)
            with contextlib.suppress(OSError):
                half.unlink(missing_ok=True)

    def _remembered(self) -> dict[str, tuple[_Stamp, Identified]]:
        if self._known is None:
            self._known = _read(self._path) if self._path else {}
        return self._known


def _read(path: Path) -> dict[str, tuple[_Stamp, Identified]]:
    try:
        said = read_object(path)
    except (OSError, ValueError):
        return {}
    files = said.get("files")
    if said.get("made_by") != _version() or not is_object(files):
        return {}
    known: dict[str, tuple[_Stamp, Identified]] = {}
    for name, entry in files.items():
        with contextlib.suppress(TypeError, ValueError, KeyError):
            size, written, aside, told = entry
            known[name] = (int(size), int(written), int(aside)), _TOLD.validate_python(told)
    return known


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@cache
def _version() -> str:
    """Of the very code that tells files apart: another version may tell them otherwise."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()
