"""What of the hub is on this disk already; asks the network nothing."""

from __future__ import annotations

from pathlib import Path

from pipelines.disk import layout
from pipelines.spec import SINGLE_FILE

_WITHOUT_WEIGHTS = ("tokenizer_config.json", "preprocessor_config.json")
"""What components have that have no weights."""


def cached_file(repo: str, filename: str, revision: str | None) -> Path | None:
    """The file in the hub's cache on this disk."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repo, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def cached_commit(repo: str, revision: str | None = None) -> str | None:
    """The commit of a repository in the hub's cache that `revision` means; None where it is not there."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    place = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")
    ref = place / "refs" / (revision or constants.DEFAULT_REVISION)
    commit = ref.read_text(encoding="ascii").strip() if ref.is_file() else revision
    return commit if commit and (place / "snapshots" / commit).is_dir() else None


def has_cached(repo: str, path: str, revision: str | None) -> bool:
    """Whether a file, or all of a component's folder, is in the hub's cache."""
    if path.endswith(SINGLE_FILE):
        return cached_file(repo, path, revision) is not None
    configuration = cached_file(repo, f"{path}/config.json".lstrip("/"), revision)
    if configuration is not None:
        return layout.is_whole(configuration.parent)
    return any(cached_file(repo, f"{path}/{name}".lstrip("/"), revision) for name in _WITHOUT_WEIGHTS)
