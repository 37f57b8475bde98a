"""Append-only files of JSON lines that several processes may write and any crash may interrupt.

A line is written by one call under a lock (a file beside it), and synced before the call returns: what was
appended survives power loss. A write that fails leaves the file as it was. Reading skips what is no line:
a torn end, bytes of a damaged disk.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from studio import durable

_MAX_LINE = 4 * 2**20
_log = logging.getLogger(__name__)
_to_cut: dict[Path, tuple[int, int]] = {}
"""Void bytes, from and to, that could not be taken out of a file yet."""


class Appended:
    """Lines at the end of a file, durably, that can still be taken back; until then the file is locked."""

    def __init__(self, path: Path, data: bytes) -> None:
        """Append, all or nothing. Raises OSError."""
        self._path = path
        self._lock = _locked(path)
        try:
            with durable.appending(path) as handle:
                _cut(handle, path)
                self._start = os.lseek(handle, 0, os.SEEK_END)
                self._append(handle, b"\n" + data if _is_torn(handle, self._start) else data)
        except BaseException:
            self._lock.close()
            raise

    def keep(self) -> None:
        """Keep the lines."""
        self._lock.close()

    def take_back(self) -> None:
        """Remove the lines again; where the disk refuses, before the next ones are added, or none are."""
        try:
            with durable.appending(self._path) as handle:
                _cut(handle, self._path, (self._start, self._end))
        except OSError as error:
            _to_cut[self._path] = (self._start, self._end)
            _log.error("Lines of %s that are void cannot be taken out yet: %s", self._path, error)
        finally:
            self._lock.close()

    def _append(self, handle: int, data: bytes) -> None:
        try:
            _write(handle, data)
            durable.sync_handle(handle)
        except OSError:
            os.ftruncate(handle, self._start)
            raise
        self._end = os.lseek(handle, 0, os.SEEK_END)


def append(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Add lines durably, all or none. Raises OSError."""
    if appended := begin(path, lines):
        appended.keep()


def begin(path: Path, lines: Iterable[Mapping[str, Any]]) -> Appended | None:
    """Add lines durably, all or none, and say later whether they stay; None where there are none.

    Raises OSError.
    """
    data = b"".join(_line(line) for line in lines)
    return Appended(path, data) if data else None


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line that is a JSON object, in order; nothing where there is no file. Raises OSError."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        yield from _objects(file)


def tail(path: Path, size: int) -> list[dict[str, Any]]:
    """The whole lines among the last `size` bytes. Raises OSError."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return []
    with file:
        start = max(0, file.seek(0, os.SEEK_END) - size)
        file.seek(start)
        if start:
            file.readline(_MAX_LINE)
        return list(_objects(file))


def replace(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Put a new file in the place of the old one, durably; old or new, never half. Raises OSError."""
    with _locked(path):
        durable.write_whole(path, map(_line, lines))


def _objects(file: BinaryIO) -> Iterator[dict[str, Any]]:
    while line := file.readline(_MAX_LINE):
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            yield said


def _line(line: Mapping[str, Any]) -> bytes:
    """Names of files need not be text: what UTF-8 cannot hold is written as JSON's own codes."""
    try:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(line, separators=(",", ":")).encode("ascii")
    return text + b"\n"


def _locked(path: Path) -> durable.Lock:
    return durable.Lock(path.with_name(f"{path.name}.lock"))


def _cut(handle: int, path: Path, void: tuple[int, int] | None = None) -> None:
    """Take void lines out, where nothing came after them."""
    start, end = void or _to_cut.get(path, (0, 0))
    if end and os.lseek(handle, 0, os.SEEK_END) == end:
        os.ftruncate(handle, start)
        durable.sync_handle(handle)
    _to_cut.pop(path, None)


def _is_torn(handle: int, end: int) -> bool:
    """The last line lacks its end."""
    if end == 0:
        return False
    os.lseek(handle, end - 1, os.SEEK_SET)
    return os.read(handle, 1) != b"\n"


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
