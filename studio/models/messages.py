"""What the studio and its download process say to each other. Knows nothing of either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to have of a repository of the hub.

    `whole`: a model in diffusers' format; `folder`: one component in the folder `path` ('' is the root);
    `file`: the file `path`. Without a `revision` the newest commit is taken, and kept from then on.
    """

    repo: str
    whole: Literal["pipeline", "folder", "file"]
    path: str = ""
    revision: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class FetchOrder:
    """Everything one model needs. `newest`: the newest commits, whatever was fetched before."""

    label: str
    wanted: tuple[Wanted, ...]
    newest: bool = False


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to have: bytes in all, and those that are on this disk already."""

    name: str
    size: int
    done: int = 0


@dataclass(frozen=True, slots=True)
class FilesListed:
    """Sizes are known and there is room on the disk; fetching begins.

    `commits`: (repository, commit) of everything that is fetched.
    """

    files: tuple[RemoteFile, ...]
    commits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Progressed:
    """Bytes of the file with this place in the plan that are on the disk."""

    index: int
    done: int


@dataclass(frozen=True, slots=True)
class Verifying:
    """The file is here; its checksum is being compared."""

    index: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """Everything is in its place."""


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """It ended early; `detail` says why and what to do, `link` where to do it."""

    code: str
    detail: str
    link: str | None = None


FromFetch = FilesListed | Progressed | Verifying | Fetched | FetchFailed
