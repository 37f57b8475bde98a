"""Where pictures of a command go: a file, a folder, the pipe. No file is written over unasked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.shell.client import USAGE, Json, ShellError
from studio.shell.wishes import PIPE

_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where pictures shall go; `out` as it was typed, None: this folder."""

    out: str | None
    force: bool

    @property
    def is_pipe(self) -> bool:
        """Whether the picture goes to stdout, which then carries nothing else."""
        return self.out == PIPE

    def check(self, count: int) -> None:
        """Raises ShellError where so many pictures cannot go there: before any is made."""
        if self.is_pipe and count > 1:
            raise ShellError("Only one picture fits into a pipe; name a folder with --out.", USAGE)
        if self.out is None or self.is_pipe:
            return
        path = Path(self.out)
        if path.is_file() and not self.force:
            raise ShellError(f"{path} exists; --force writes over it.", USAGE)
        parent = path if path.is_dir() else path.parent
        if not parent.is_dir():
            raise ShellError(f"There is no folder {parent}.", USAGE)

    def paths(self, records: Sequence[Json]) -> list[Path]:
        """A path for each picture, none of which exists unless that is forced."""
        path = Path(self.out or ".")
        if not path.is_dir():
            several = [path.with_stem(f"{path.stem}-{n}") for n in range(1, len(records) + 1)]
            return [path] if len(records) == 1 else [self._free(each) for each in several]
        return [self._free(path / f"likeness-{each['id'][:8]}{_ENDINGS[each['mime']]}") for each in records]

    def _free(self, path: Path) -> Path:
        names = (path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, 10_000)))
        return path if self.force else next(each for each in names if not each.exists())


def written(target: Target, records: Sequence[Json], contents: Sequence[bytes]) -> list[str]:
    """Put each content where its record's picture goes: the paths, none for the pipe. Raises ShellError."""
    if target.is_pipe:
        sys.stdout.buffer.write(b"".join(contents))
        sys.stdout.buffer.flush()
        return []
    return [_write(path, content) for path, content in zip(target.paths(records), contents, strict=True)]


def _write(path: Path, content: bytes) -> str:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ShellError(f"{path} cannot be written: {error.strerror}.", USAGE) from error
    return str(path)
