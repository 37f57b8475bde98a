"""Folders of other tools: added, listed with what each holds, and forgotten. Nothing in them is changed."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pipelines.catalog.catalog import Catalog
from pipelines.catalog.foreign_folders import Root
from pipelines.catalog.ids import readable
from pipelines.catalog.models_folder import ModelsFolder
from pipelines.errors import Conflict, NotFound, RequestError, StorageFailure
from pipelines.families import upscaler
from studio import durable
from studio.models.records import ModelRoot, Refused

_MOST_REFUSED = 200
"""Files that cannot be used, of one folder, that are told of one by one."""
_YAML = frozenset({".yaml", ".yml"})
_WORDS = {
    "model": ("model", "models"),
    "enlarger": ("enlarger", "enlargers"),
    "lora": ("LoRA", "LoRAs"),
    "controlnet": ("ControlNet", "ControlNets"),
    "ip_adapter": ("IP-Adapter", "IP-Adapters"),
    "vae": ("VAE", "VAEs"),
    "image_encoder": ("image encoder", "image encoders"),
    "text_encoder": ("text encoder", "text encoders"),
}
"""What there may be in a folder: one, and several."""


class ModelRoots:
    """All verbs about them. `data`: the data folder; None remembers none. Thread-safe."""

    def __init__(self, catalog: Catalog, data: Path | None, on_change: Callable[[], None]) -> None:
        self._catalog, self._data, self._on_change = catalog, data, on_change
        self._lock = threading.Lock()

    def all(self) -> tuple[ModelRoot, ...]:
        """Each as it was found last, those of the start first."""
        given = self._catalog.root_paths.given
        return tuple(record(root, given=root.path in given) for root in self._catalog.roots)

    def add(self, said: str) -> ModelRoot:
        """Use the models of a folder where they are. Raises RequestError, Conflict, StorageFailure."""
        path = self._understood(said)
        with self._lock:
            if any(_same(path, each) for each in self._catalog.root_paths.all()):
                raise Conflict(f"{path} is looked through already.")
            self._write((*self._catalog.root_paths.added(), path))
        self._look()
        return next(each for each in self.all() if each.path == str(path))

    def forget(self, said: str) -> None:
        """Look through it no more; all in it stays as it is. Raises NotFound, Conflict, StorageFailure."""
        path = Path(said)
        with self._lock:
            if path in self._catalog.root_paths.given:
                raise Conflict(f"{path} was given at the start (--model-roots). Leave it out there.")
            added = self._catalog.root_paths.added()
            if path not in added:
                raise NotFound(f"{path} is none of the folders that are looked through.", field="path")
            self._write(tuple(each for each in added if each != path))
        self._look()

    def _look(self) -> None:
        self._catalog.look_through()
        self._on_change()

    def _understood(self, said: str) -> Path:
        """A path as people copy it, in quotes or with `~`."""
        words = said.strip().strip("\"'").strip()
        if not words or "\0" in words or readable(words) != words:
            raise RequestError("Say which folder, as E:\\ComfyUI or /home/me/ComfyUI.", field="path")
        try:
            path = Path(os.path.expandvars(words)).expanduser()
        except RuntimeError as error:
            raise RequestError(f"There is no folder {words}.", field="path") from error
        if not path.is_absolute():
            raise RequestError(f"Say the whole path, as /home/me/{path.name}, not {words}.", field="path")
        path = Path(os.path.normpath(path))
        self._check(path)
        return path

    def _check(self, path: Path) -> None:
        try:
            usable = path.is_dir() or (path.is_file() and path.suffix.lower() in _YAML)
        except (OSError, ValueError):
            usable = False
        if not usable:
            raise RequestError(
                f"There is no folder {path} on the computer that the studio runs on, and no "
                "extra_model_paths.yaml either.",
                field="path",
            )
        own = self._catalog.models_folder
        if own is not None and (_same(path, own) or own.resolve() in path.resolve().parents):
            raise RequestError(
                f"{path} is in the studio's own models folder, which is looked through anyway.", field="path"
            )

    def _write(self, paths: tuple[Path, ...]) -> None:
        file = self._catalog.root_paths.file
        if file is None:
            raise Conflict("This studio remembers nothing: it has no data folder.")
        said = {"roots": [str(path) for path in paths]}
        try:
            durable.make_folder(file.parent)
            durable.write_whole(file, [json.dumps(said, indent=1).encode()])
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a name in it is no text"
            raise StorageFailure(f"{file} cannot be written: {reason}.") from error


def _same(one: Path, other: Path) -> bool:
    if one == other:
        return True
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def record(root: Root, *, given: bool) -> ModelRoot:
    """A folder for people and for JSON. `given`: at the start."""
    found = root.found
    refused = tuple(
        Refused(file=_inside(each.path, root.path), reason=each.reason)
        for each in found.unusable[:_MOST_REFUSED]
    )
    return ModelRoot(
        path=readable(str(root.path)),
        tool=root.tool,
        state=root.state,
        words=root.words,
        given=given,
        holds=counts(found),
        held=held(found),
        again=found.again,
        refused=refused,
        refused_count=len(found.unusable),
    )


def counts(found: ModelsFolder) -> dict[str, int]:
    """How many there are of each kind."""
    kinds = ["model" for _ in found.networks]
    kinds += ["enlarger" if spec.family == upscaler.NAME else "model" for spec in found.specs]
    counted = Counter([*kinds, *(each.identified.kind for each in found.add_ons)])
    return {kind: counted[kind] for kind in _WORDS if counted[kind]}


def held(found: ModelsFolder) -> str:
    """The same in words: '12 models, 1 LoRA'; what cannot be used last."""
    said = [f"{count:,} {_WORDS[kind][count > 1]}" for kind, count in counts(found).items()]
    if refused := len(found.unusable):
        said.append(f"{refused:,} {'files' if refused > 1 else 'file'} that cannot be used")
    return ", ".join(said) or "nothing that the studio can use"


def _inside(path: Path, root: Path) -> str:
    return readable(path.relative_to(root).as_posix() if root in path.parents else str(path))
