"""Weights from disk into memory: local files only, safetensors only, no code from anybody.

Knows diffusers' and transformers' loaders; nothing of modes, requests or which part does what.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.catalog.absence import absence
from pipelines.disk.hub_cache import cached_commit
from pipelines.errors import ModelUnavailable
from pipelines.families import registry
from pipelines.memory import devices
from pipelines.request import Mode
from pipelines.running import placement
from pipelines.running.contract import LoadSettings
from pipelines.spec import HUB, SINGLE_FILE, ModelSpec, hub_revision, split_hub

if TYPE_CHECKING:
    import torch

_SAMPLE = 64 * 1024


def forbid_remote_code() -> None:
    """Must be called before diffusers is imported."""
    os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "true"


def quieten_libraries() -> None:
    """No bars and no warnings on the terminal: what matters comes back as errors and notices."""
    import diffusers.utils.logging
    import transformers.utils.logging

    warnings.filterwarnings("ignore", category=FutureWarning, module="diffusers")
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.set_verbosity_error()


@contextmanager
def explained(spec: ModelSpec, settings: LoadSettings) -> Generator[None]:
    """Turns what the loaders raise for missing or damaged weights into ModelUnavailable."""
    with in_words(_what_is_wrong(spec, settings)):
        yield


@contextmanager
def in_words(words: str) -> Generator[None]:
    """Turns what the loaders raise into ModelUnavailable with these words; out of memory stays what it is."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        if devices.is_out_of_memory(error):
            raise
        raise ModelUnavailable(words) from error


def load_pipeline(cls: Any, spec: ModelSpec, settings: LoadSettings, **components: Any) -> Any:
    """A pipeline of class `cls` with all its own parts; `components` replace parts or leave them out."""
    if spec.parts:
        from pipelines.running import split_files

        return split_files.load_pipeline(cls, spec, settings, load_part, **components)
    if settings.file is not None:
        return _load_file(cls, spec, settings, **components)
    source = str(settings.folder or spec.source)
    revision = None if settings.folder else spec.revision
    index = cls.load_config(source, revision=revision, local_files_only=True) if settings.backend else {}
    return cls.from_pretrained(
        source,
        revision=revision,
        variant=spec.variant,
        dtype=settings.dtype,
        local_files_only=True,
        use_safetensors=True,
        quantization_config=placement.quantization(list(index), settings),
        **components,
    )


def _load_file(cls: Any, spec: ModelSpec, settings: LoadSettings, **components: Any) -> Any:
    """All parts from one checkpoint; only the configuration and the words' tables come from a folder."""
    if settings.config is None:
        raise ModelUnavailable(
            f"The configuration for {spec.label} is not on this machine yet. Download it on the Models page."
        )
    return cls.from_single_file(
        str(settings.file),
        config=str(settings.config),
        dtype=settings.dtype,
        local_files_only=True,
        **components,
    )


def load_part(cls: Any, location: str, spec: ModelSpec, settings: LoadSettings, **arguments: Any) -> Any:
    """One component (a class with `from_pretrained`) from a location of the entry's options."""
    source, subfolder = _source(location, spec, settings)
    if revision := _revision(location, spec, settings):
        arguments["revision"] = revision
    return cls.from_pretrained(source, subfolder=subfolder, local_files_only=True, **arguments)


def load_tensors(location: str, spec: ModelSpec, settings: LoadSettings) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file at a location of the entry's options."""
    from safetensors.torch import load_file

    return load_file(file_at(location, spec, settings))


def file_at(location: str, spec: ModelSpec, settings: LoadSettings) -> Path:
    """Where a file at a location of the entry's options lies on this disk."""
    from huggingface_hub import hf_hub_download

    beside = settings.folder or (settings.file.parent if settings.file else None)
    if beside is not None and not location.startswith(HUB):
        return beside / location
    source, path = _source(location, spec, settings)
    revision = _revision(location, spec, settings)
    return Path(hf_hub_download(source, path, revision=revision, local_files_only=True))


def sibling_unet(unet: Any, in_channels: int | None = None) -> Any:
    """Another module with the same tensors, so that an adapter loaded into one never shows in the other.

    `in_channels` fewer than the UNet's: the first convolution keeps only its first channels, which is
    what a UNet computes whose other input channels are zero.
    """
    import torch

    channels = in_channels or unet.config.in_channels
    with torch.device("meta"):
        twin = type(unet).from_config(unet.config, in_channels=channels)
    tensors = dict(unet.state_dict())
    if channels != unet.config.in_channels:
        tensors["conv_in.weight"] = tensors["conv_in.weight"][:, :channels].contiguous()
    twin.load_state_dict(tensors, assign=True)
    return twin.requires_grad_(False).eval()


def copy_scheduler(scheduler: Any) -> Any:
    """A scheduler of its own for a pipeline: schedulers remember the run they are in."""
    return type(scheduler).from_config(scheduler.config)


def identity(spec: ModelSpec, settings: LoadSettings) -> str:
    """Names the very weights: the hub's commit, or a hash over the folder's files or the single file."""
    place = settings.file or settings.folder
    own = fingerprint(place) if place else hub_commit(spec)
    beside = sorted(at for at in spec.parts.values() if at.endswith(SINGLE_FILE) and not at.startswith(HUB))
    if not beside:
        return own
    whole = hashlib.sha256("".join([own, *(fingerprint(Path(at)) for at in beside)]).encode())
    return f"sha256:{whole.hexdigest()[:32]}"


def fingerprint(folder: Path) -> str:
    """Names the weights in `folder`: sizes and samples of every safetensors file and all configurations.

    Also of one file. Cheap (reads at most 128 KiB of a file) and the same on every machine.
    """
    digest = hashlib.sha256()
    base, paths = (folder.parent, [folder]) if folder.is_file() else (folder, sorted(folder.rglob("*")))
    for path in paths:
        if path.suffix.lower() in (SINGLE_FILE, ".gguf", ".json", ".txt") and path.is_file():
            digest.update(f"{path.relative_to(base).as_posix()}:{path.stat().st_size}\n".encode())
            digest.update(_sample(path))
    return f"sha256:{digest.hexdigest()[:32]}"


def hub_commit(spec: ModelSpec) -> str:
    """The commit of a hub model in the cache."""
    return cached_commit(spec.source, spec.revision) or spec.revision or "unknown"


def part_commits(spec: ModelSpec, mode: Mode) -> dict[str, str]:
    """The commits of the other repositories of the hub that `mode` reads parts of."""
    parts = [part for part in registry.needed_files(spec, mode) if part.startswith(HUB)]
    commits = {split_hub(part)[0]: hub_revision(part) or cached_commit(split_hub(part)[0]) for part in parts}
    return {repo: commit for repo, commit in commits.items() if commit}


def _what_is_wrong(spec: ModelSpec, settings: LoadSettings) -> str:
    place = settings.file or settings.folder
    return absence(spec, "downloadable" if place is None else "missing", place)


def _sample(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
        file.seek(max(path.stat().st_size - _SAMPLE, 0))
        return head + file.read(_SAMPLE)


def _source(location: str, spec: ModelSpec, settings: LoadSettings) -> tuple[str, str]:
    """(folder or hub id, path inside it)."""
    if location.startswith(HUB):
        return split_hub(location)
    beside = settings.file.parent if settings.file else None
    return str(settings.folder or beside or spec.source), location


def _revision(location: str, spec: ModelSpec, settings: LoadSettings) -> str | None:
    """The commit a part is read at; None where it is beside the model on this disk, or none is named."""
    if location.startswith(HUB):
        return hub_revision(location)
    return None if settings.folder or settings.file else spec.revision
