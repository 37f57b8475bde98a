"""Fetching from the hub with its own client: listing, resuming, checksums.

Imported in the download process only. Knows the hub's cache layout; nothing of the studio's pages or records.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

# What is ignored below: the hub's client says `dict` where it means one of texts.
from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,  # pyright: ignore[reportUnknownVariableType]
    get_token,
    hf_hub_download,  # pyright: ignore[reportUnknownVariableType]
    hf_hub_url,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import (
    HfFileMetadata,
    are_symlinks_supported,
    http_get,  # pyright: ignore[reportUnknownVariableType]
    repo_folder_name,
)
from huggingface_hub.utils import (
    WeakFileLock,
    build_hf_headers,  # pyright: ignore[reportUnknownVariableType]
)

from pipelines.disk import layout
from pipelines.errors import ModelUnavailable
from studio import durable
from studio.models.hub_refusals import FetchRefused, gigabytes, in_words, page_of, refusal
from studio.models.messages import (
    FetchOrder,
    FilesListed,
    FromFetch,
    Progressed,
    RemoteFile,
    Verifying,
    Wanted,
)

SPARE_BYTES = 2**29
"""Room left on the disk beyond what is fetched."""
CHUNK_BYTES = 2**18
"""Progress and what is kept of a cut connection go in steps of this."""
_REPORT_SECONDS = 0.1

constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file of the hub that the model needs."""

    repo: str
    commit: str
    name: str
    size: int
    oid: str
    """SHA-256 of a large file, git's hash of a small one; the cache names files by it."""

    @property
    def place(self) -> Path:
        """Folder of the repository in the cache."""
        return _repo_folder(self.repo)

    @property
    def snapshot(self) -> Path:
        """Where the file is once it is there."""
        return self.place / "snapshots" / self.commit / self.name

    @property
    def blob(self) -> Path:
        """Where the file's bytes are kept."""
        return self.place / "blobs" / self.oid

    @property
    def part(self) -> Path:
        """What has come of it so far."""
        return self.blob.with_name(f"{self.oid}.incomplete")

    @property
    def done(self) -> int:
        """Bytes on this disk."""
        if self.snapshot.exists() or self.blob.exists():
            return self.size
        part = durable.status(self.part)
        if part is None and self.blob.exists():
            return self.size  # it got its name while this looked
        return min(part.st_size, self.size) if part else 0


class HubFetch:
    """One order on its way."""

    def __init__(self, order: FetchOrder, say: Callable[[FromFetch], None]) -> None:
        self._order = order
        self._say = say
        self._api = HfApi()
        self._tokens: dict[str, str] = {}
        """Repositories that insist on a token, and the token."""

    def run(self) -> None:
        """Fetch everything. Raises FetchRefused."""
        with in_words(self._order.label):
            listed = list(dict.fromkeys(each for want in self._order.wanted for each in self._list(want)))
            self._check_room(listed)
            entries = tuple(RemoteFile(each.name, each.size, each.done) for each in listed)
            self._say(FilesListed(entries, tuple({each.repo: each.commit for each in listed}.items())))
            for index, each in enumerate(listed):
                if not each.snapshot.exists():
                    self._fetch(index, each)

    # --- what there is ------------------------------------------------------------------------

    def _list(self, want: Wanted) -> list[_Listed]:
        newest = self._order.newest
        revision = want.revision if newest else _kept_commit(want) or want.revision
        ask = partial(self._api.model_info, want.repo, revision=revision, files_metadata=True)
        info: Any = self._asked(want.repo, ask)
        siblings = {each.rfilename: each for each in info.siblings or ()}
        if not newest:  # what is here stays in use until all of the newer one has come
            _keep_commit(want, info.sha)
        names = self._names(want, info.sha, list(siblings))
        return [
            _Listed(want.repo, info.sha, name, each.size or 0, each.lfs.sha256 if each.lfs else each.blob_id)
            for name in names
            for each in (siblings[name],)
        ]

    def _names(self, want: Wanted, commit: str, names: list[str]) -> list[str]:
        try:
            if want.whole == "pipeline":
                return layout.of_pipeline(self._index(want, commit, names), names, want.variant)
            found = layout.of_folder(want.path, names, want.variant)
            return found if want.whole == "folder" else [name for name in names if name == want.path]
        except ModelUnavailable as refusal:
            raise FetchRefused(refusal.code, f"{want.repo}: {refusal.detail}") from refusal

    def _index(self, want: Wanted, commit: str, names: list[str]) -> dict[str, Any]:
        index = layout.index_among(names)
        if index is None:
            raise FetchRefused(
                "not_a_model",
                f"{want.repo} holds no model in the diffusers format. Choose another source for it.",
                page_of(want.repo),
            )
        ask = partial(hf_hub_download, want.repo, index, revision=commit)
        return json.loads(Path(self._asked(want.repo, ask)).read_text(encoding="utf-8"))

    def _check_room(self, listed: list[_Listed]) -> None:
        need = sum(each.size - each.done for each in listed)
        cache = Path(constants.HF_HUB_CACHE)
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free
        if need + SPARE_BYTES > free:
            raise FetchRefused(
                "disk_full",
                f"{self._order.label} needs {gigabytes(need)} more, and {gigabytes(free)} are free on the "
                f"disk of {cache}. Free some space, or set HF_HOME to a folder on a larger disk.",
            )

    # --- fetching -----------------------------------------------------------------------------

    def _fetch(self, index: int, file: _Listed) -> None:
        lock = file.place.parent / ".locks" / file.place.name / f"{file.oid}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        file.part.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if not file.blob.exists():
                self._bring(index, file)
                self._say(Verifying(index))
                _verify(file)
                _sync(file.part)
                durable.replace(file.part, file.blob)
        if are_symlinks_supported(constants.HF_HUB_CACHE):
            # The blob is there: the client only gives it its name.
            self._asked(file.repo, partial(hf_hub_download, file.repo, file.name, revision=file.commit))
        else:
            _name_without_symlink(file)
        self._say(Progressed(index, file.size))

    def _bring(self, index: int, file: _Listed) -> None:
        url = hf_hub_url(file.repo, file.name, revision=file.commit)
        metadata: HfFileMetadata = self._asked(file.repo, partial(get_hf_file_metadata, url))
        at_hub = urlsplit(metadata.location).netloc == urlsplit(constants.ENDPOINT).netloc
        token = self._tokens.get(file.repo, False) if at_hub else False
        if file.part.exists() and file.part.stat().st_size > file.size:
            durable.delete(file.part)
        with file.part.open("ab") as out:
            http_get(
                metadata.location,
                out,
                resume_size=out.tell(),
                headers=build_hf_headers(token=token),
                expected_size=file.size,
                tqdm_class=partial(_Bar, lambda done: self._say(Progressed(index, done))),  # type: ignore[arg-type]
            )

    def _asked(self, repo: str, call: Callable[..., T]) -> T:
        """`call` without a token; with this machine's where the hub insists. Raises FetchRefused."""
        try:
            return call(token=self._tokens.get(repo, False))
        except (RepositoryNotFoundError, HfHubHTTPError) as error:
            token = get_token()
            if error.response.status_code not in (401, 403) or repo in self._tokens or not token:
                raise refusal(repo, error, token) from error
            self._tokens[repo] = token
        try:
            return call(token=token)
        except HfHubHTTPError as error:
            raise refusal(repo, error, token) from error


class _Bar:
    """What the client takes for a progress bar: counts bytes and tells of them, not too often."""

    def __init__(self, tell: Callable[[int], None], *, initial: int = 0, **_: Any) -> None:
        self._tell = tell
        self._done = initial
        self._reported_at = 0.0

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._tell(self._done)

    def update(self, count: int) -> None:
        """`count` more bytes have come (negative: thrown away)."""
        self._done += count
        now = time.monotonic()
        if now - self._reported_at >= _REPORT_SECONDS:
            self._reported_at = now
            self._tell(self._done)


# --- the cache ----------------------------------------------------------------------------------


def _repo_folder(repo: str) -> Path:
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def _ref(want: Wanted) -> Path:
    return _repo_folder(want.repo) / "refs" / (want.revision or constants.DEFAULT_REVISION)


def _kept_commit(want: Wanted) -> str | None:
    """The commit an earlier run chose, so that a resumed download is one of the same files."""
    ref = _ref(want)
    return ref.read_text(encoding="ascii").strip() if ref.is_file() else None


def _keep_commit(want: Wanted, commit: str) -> None:
    ref = _ref(want)
    if want.revision == commit or ref.exists():
        return
    ref.parent.mkdir(parents=True, exist_ok=True)
    temp = ref.with_name(f".{ref.name}.new")
    temp.write_text(commit, encoding="ascii")
    durable.replace(temp, ref)


def _name_without_symlink(file: _Listed) -> None:
    """Windows lets few make symbolic links, and there the client copies: a model would lie there twice.

    A hard link is allowed to all; a disk without those has the file under its name alone.
    """
    durable.make_folder(file.snapshot.parent)
    try:
        file.snapshot.hardlink_to(file.blob)
    except OSError:
        durable.replace(file.blob, file.snapshot)


def _verify(file: _Listed) -> None:
    with file.part.open("rb") as content:
        if len(file.oid) == 64:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        else:
            header = f"blob {file.size}\0".encode()
            found = hashlib.sha1(header + content.read(), usedforsecurity=False).hexdigest()
    if found != file.oid:
        durable.delete(file.part)
        raise FetchRefused(
            "damaged",
            f"{file.name} arrived damaged: its checksum is wrong. It was thrown away; download again.",
        )


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        durable.sync(file)
