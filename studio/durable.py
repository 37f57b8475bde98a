"""Files, where systems differ: locking, syncing, replacing, deleting, appending, and who may read them.

What is made here can be read by its owner alone where the system knows owners (POSIX: 700 and 600). A file
is synced when the disk has it, not when it was sent there (macOS: F_FULLFSYNC); new names survive power
loss where folders can be synced (not on Windows, whose file systems see to it). Windows refuses to replace
or to delete what another program has open, mostly for moments: it is tried for a while. Functions raise
OSError.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from filelock import FileLock, Timeout

T = TypeVar("T")

_WINDOWS = os.name == "nt"
_FILE_MODE = 0o600
_FOLDER_MODE = 0o777 if _WINDOWS else 0o700
_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
_POLL_SECONDS = 0.01
_NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""What file systems answer that cannot sync a folder (some of networks), or whose folder may not be read."""
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}\.part")


class LockedElsewhere(Exception):
    """Another process, or another part of this one, holds the lock."""


class InUse(PermissionError):
    """Another program has the file open, and Windows lets nobody replace or delete it."""


class Lock:
    """A file that one holder at a time has; free once it is closed or its process ends, however it ends."""

    def __init__(self, path: Path, *, wait: bool = True) -> None:
        """Raises LockedElsewhere where it is held and not to be waited for, OSError."""
        self._lock = FileLock(path, mode=_FILE_MODE, thread_local=False)
        try:
            self._lock.acquire(timeout=-1 if wait else 0, poll_interval=_POLL_SECONDS)
        except Timeout as error:
            raise LockedElsewhere(str(path)) from error

    def close(self) -> None:
        """Let others have it."""
        self._lock.release()

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# --- making -------------------------------------------------------------------------------------


def make_folder(folder: Path) -> None:
    """Make it, and those above it that are missing, durably; one that is there stays as it is."""
    if folder.is_dir():
        return
    if folder.parent != folder and not folder.parent.is_dir():
        make_folder(folder.parent)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    sync_folder(folder.parent)


def create(path: Path) -> BinaryIO:
    """A new file to write to; its folder is made where it is missing. Raises FileExistsError."""
    try:
        return _opened(path, "xb")
    except FileNotFoundError:
        make_folder(path.parent)
        return _opened(path, "xb")


def ensure(path: Path) -> None:
    """An empty file where there is none: whoever writes it next cannot make it readable for all."""
    with contextlib.suppress(FileExistsError):
        create(path).close()


@contextmanager
def appending(path: Path) -> Generator[int]:
    """A handle whose writes, bytes as they are, go to the end; also to read from. Made where it isn't."""
    fresh = not path.exists()
    with _opened(path, "a+b") as file:
        if fresh:
            sync_folder(path.parent)
        yield file.fileno()


def write_whole(path: Path, parts: Iterable[bytes], *, private: bool = True) -> None:
    """The file with this content, durably; what was there before stays until all of it is on the disk.

    `private`: its owner alone may read it; else whoever may read what this person makes.
    """
    temp = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with _opened(temp, "xb") if private else temp.open("xb") as file:
            file.writelines(parts)
            sync(file)
        replace(temp, path)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            delete(temp)


def clear_unfinished(folder: Path) -> int:
    """Delete what a crash amid `write_whole` left in `folder`; returns how many."""
    named = (path for path in folder.glob(".*.part") if _UNFINISHED.fullmatch(path.name))
    left = [path for path in named if not path.is_dir()]
    for path in left:
        delete(path)
    return len(left)


def open_to_others(folder: Path) -> bool:
    """Others on this machine may look into it: somebody, or an earlier version, made it so."""
    return not _WINDOWS and folder.is_dir() and bool(folder.stat().st_mode & 0o077)


# --- syncing ------------------------------------------------------------------------------------


def sync(file: BinaryIO) -> None:
    """Everything written to the file is on the disk."""
    file.flush()
    sync_handle(file.fileno())


def sync_handle(handle: int) -> None:
    """As `sync`, of an open file or folder whose writes are not buffered."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # not every file system has it; then as elsewhere
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            return
    os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """New and removed names in `folder` survive power loss, where the system can see to it."""
    if _WINDOWS:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            sync_handle(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise


# --- replacing and deleting ---------------------------------------------------------------------


def replace(source: Path, target: Path, *, same: bool = False) -> None:
    """Give `source` the name `target`, in place of what has it.

    `same`: a target of equal bytes that cannot be replaced may stay, and `source` goes.
    """
    try:
        _patiently(lambda: source.replace(target))
    except PermissionError:
        if not (same and target.is_file() and filecmp.cmp(source, target, shallow=False)):
            raise
        delete(source)


def status(path: Path) -> os.stat_result | None:
    """Its size and times; None where there is nothing to be seen, as of a file that has just gone."""
    try:
        return path.stat()
    except OSError:
        return None


def is_mine(path: Path) -> bool:
    """Whether it belongs to who runs this; where a system does not say whose files are, it does."""
    mine = getattr(os, "getuid", None)
    return mine is None or path.stat().st_uid == mine()


def delete(path: Path) -> None:
    """Delete a file; one that is not there is no fault."""
    _patiently(lambda: path.unlink(missing_ok=True))


def delete_tree(folder: Path) -> None:
    """Delete a folder with all in it; one that is not there is no fault. Links in it are not followed."""
    with contextlib.suppress(FileNotFoundError):
        _patiently(lambda: shutil.rmtree(folder))


def _patiently(act: Callable[[], T]) -> T:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return act()
        except PermissionError as error:
            if not _WINDOWS:
                raise
            if time.monotonic() > until:
                raise InUse(error.errno, error.strerror, error.filename) from error
        time.sleep(_PAUSE_SECONDS)


def _opened(path: Path, mode: Literal["xb", "a+b"]) -> BinaryIO:
    return open(path, mode, opener=_privately)


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, _FILE_MODE)
