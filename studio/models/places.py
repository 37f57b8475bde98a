"""Where a catalogue entry's files are on this disk, how large they are, and how they are removed.

Looks at the disk only. Knows the hub's cache through its client; nothing of downloads or decisions.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.catalog.catalog import Catalog
from pipelines.disk.hub_cache import cached_commit
from pipelines.spec import HUB, SINGLE_FILE, Entry, ModelSpec, hub_revision, split_hub
from studio import durable
from studio.models import removal
from studio.models.messages import FetchOrder, Wanted


def cache_folder() -> Path:
    """The hub's cache on this machine."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def page(spec: Entry, catalog: Catalog) -> str | None:
    """Address of the model's page on the hub; None for a model of this disk."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{spec.source}" if catalog.folder(spec) is None else None


def order(spec: Entry, catalog: Catalog) -> FetchOrder:
    """Everything to fetch so that the entry can do all of its modes."""
    variant = spec.variant if isinstance(spec, ModelSpec) else None
    wanted = [] if catalog.folder(spec) else [_own(spec, variant)]
    for part in catalog.needed_files(spec):
        if part.startswith(HUB):
            repo, path = split_hub(part)
            kind = "file" if path.endswith(SINGLE_FILE) else "folder"
            wanted.append(Wanted(repo, kind, path, hub_revision(part)))
        elif catalog.folder(spec) is None:
            kind = "file" if part.endswith(SINGLE_FILE) else "folder"
            wanted.append(Wanted(spec.source, kind, part, spec.revision, variant))
    return FetchOrder(spec.label, tuple(wanted))


def _own(spec: Entry, variant: str | None) -> Wanted:
    if not isinstance(spec, ModelSpec):
        return Wanted(spec.source, "folder", "", spec.revision, variant)
    if spec.file:
        return Wanted(spec.source, "file", spec.file, spec.revision)
    return Wanted(spec.source, "pipeline", "", spec.revision, variant)


def repositories(spec: Entry, catalog: Catalog) -> set[str]:
    """The hub's repositories an entry takes files from."""
    return {want.repo for want in order(spec, catalog).wanted}


def commits(spec: Entry, catalog: Catalog) -> dict[str, str]:
    """The commits of the entry's repositories that are on this disk and would be read now."""
    found = {want.repo: cached_commit(want.repo, want.revision) for want in order(spec, catalog).wanted}
    return {repo: commit for repo, commit in found.items() if commit}


def size(spec: Entry, catalog: Catalog) -> int:
    """Bytes of the entry's own files on this disk; of one of the hub with the parts it shares with others."""
    folder = catalog.folder(spec)
    if folder is not None:
        return _bytes(folder)
    return sum(stored(repo) for repo in repositories(spec, catalog))


def remove_repositories(repos: Iterable[str]) -> None:
    """Delete repositories from the hub's cache, half-fetched files included. Raises StorageFailure."""
    for repo in repos:
        removal.remove_tree(repository_folder(repo))


def repository_folder(repo: str) -> Path:
    """Where the hub's cache keeps a repository; it may not exist."""
    return cache_folder() / ("models--" + repo.replace("/", "--"))


def stored(repo: str) -> int:
    """Bytes of a repository in the cache, which without symbolic links keeps files under `snapshots`, too."""
    return _bytes(repository_folder(repo) / "blobs", repository_folder(repo) / "snapshots")


def _bytes(*places: Path) -> int:
    """Of files, and of all files in folders; what has several names counts once.

    A download gives its files their names while this looks: what is gone by then counts nothing.
    """
    found = (
        status for place in places for path in _files(place) if (status := durable.status(path)) is not None
    )
    sizes = {(each.st_dev, each.st_ino): each.st_size for each in found if stat.S_ISREG(each.st_mode)}
    return sum(sizes.values())


def _files(place: Path) -> Iterator[Path]:
    """The place itself, and all that is no folder below it; what cannot be looked into is passed over."""
    yield place
    for folder, _, names in os.walk(place):
        yield from (Path(folder, name) for name in names)
