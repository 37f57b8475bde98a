"""Which folders of other tools are looked through: those given at the start, and those added since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.disk.json_files import is_list, read_object


@dataclass(frozen=True, slots=True)
class RootPaths:
    """`given`: at the start; `file`: JSON with those added since, read anew at each question; `known`: where
    it is remembered what files are. Plain data, so that the worker can have it.
    """

    given: tuple[Path, ...] = ()
    file: Path | None = None
    known: Path | None = None

    def all(self) -> tuple[Path, ...]:
        """Each once, those given at the start first."""
        return tuple(dict.fromkeys((*self.given, *self.added())))

    def added(self) -> tuple[Path, ...]:
        """Those of the file; none where it cannot be understood."""
        try:
            said = read_object(self.file).get("roots") if self.file else None
        except (OSError, ValueError):
            return ()
        return tuple(Path(each) for each in said if isinstance(each, str) and each) if is_list(said) else ()
