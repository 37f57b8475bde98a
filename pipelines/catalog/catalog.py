"""models.yaml as data: the only place where a model is named.

`load_catalog` validates every entry (pydantic, unknown keys refused) and raises `CatalogError` with
file, entry and key in the message. Importing this module imports neither torch nor diffusers.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipelines.catalog import borrowed_parts, enlargers, models_folder, split_files
from pipelines.catalog.absence import (
    Availability,
    Obstacle,
    absent,
    incomplete,
    index_of,
    lacking,
    miscounted,
)
from pipelines.catalog.foreign_folders import Root, RootLooks
from pipelines.catalog.merging import merged
from pipelines.catalog.models_folder import AddOnFile, ModelsFolder
from pipelines.catalog.root_paths import RootPaths
from pipelines.disk import layout, yaml_files
from pipelines.disk.hub_cache import cached_file, has_cached
from pipelines.disk.json_files import is_list, is_object
from pipelines.disk.known_files import KnownFiles
from pipelines.errors import CatalogError, NotFound, RequestError
from pipelines.families import registry, upscaler
from pipelines.families.route import Route
from pipelines.request import MODE_LABEL, GenerationRequest, Mode
from pipelines.spec import (
    DROPPED,
    HUB,
    SINGLE_FILE,
    Defaults,
    Entry,
    ModelSpec,
    Question,
    ReaderSpec,
    hub_revision,
    pinned,
    split_hub,
)

_Model = TypeVar("_Model", bound=BaseModel)
_RECHECK_SECONDS = 3.0
_HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*")


class Catalog:
    """The models this studio knows, in the order of models.yaml; the first ready one is the default.

    `specs` make pictures; `readers` answer questions about them.
    """

    def __init__(
        self,
        specs: tuple[ModelSpec, ...],
        path: Path,
        folder: Path | None = None,
        readers: tuple[ReaderSpec, ...] = (),
        roots: RootPaths | None = None,
        *,
        remembers: bool = True,
    ) -> None:
        self.path = path
        self.models_folder = folder
        self.root_paths = roots or RootPaths()
        self._known = KnownFiles(self.root_paths.known, writes=remembers)
        self._looks = RootLooks(self._known, self._gather)
        self._lock = threading.RLock()
        self._rechecked = 0.0
        self._listed = specs
        self._listed_readers = readers
        self._own = self.dropped = ModelsFolder()
        self.roots: tuple[Root, ...] = ()
        self._preferred: Mapping[Mode, str] = {}
        self._pins: dict[str, Mapping[str, str]] = {}
        self._take(specs)
        self.look_through()

    @property
    def converted_folder(self) -> Path | None:
        """Where safetensors are kept that were made of files of the models folder; it may not exist."""
        return self.models_folder / ".converted" if self.models_folder else None

    def look_through(self) -> None:
        """Look into the models folder and those of other tools; that follows what models.yaml lists."""
        paths = self.root_paths.all()
        if self.models_folder is None and not paths and not self.roots:
            return
        if self.models_folder is not None:
            self._own = models_folder.look(self.models_folder, self._known)
        self._looks.look(paths)
        self._rechecked = time.monotonic()
        self._gather()

    def recheck_roots(self) -> None:
        """Look again where a drive with another tool's folder has come or gone; asks every few seconds."""
        if self.roots and time.monotonic() - self._rechecked > _RECHECK_SECONDS:
            self._rechecked = time.monotonic()
            if self._looks.restless(self.root_paths.all()):
                self.look_through()

    def _gather(self) -> None:
        """Make one of all that was found, of one file the first."""
        with self._lock:
            roots, together = merged(self._own, self._looks.roots(self.root_paths.all()))
            split = split_files.models(together.networks, together.add_ons, self._listed)
            specs = borrowed_parts.accompanied((*together.specs, *split), together.add_ons, self._listed)
            self.dropped = replace(together, specs=specs)
            listed = {spec.id for spec in self._listed}
            self._take((*self._listed, *(spec for spec in specs if spec.id not in listed)))
            self.roots = roots  # last: whoever sees one that is ready finds its models
            self._known.save()

    def root_of(self, spec: Entry) -> Path | None:
        """The folder of another tool that a model lies in; None for any other."""
        return next((root.path for root in self.roots if spec.id in root.found.places), None)

    def get(self, model_id: str) -> ModelSpec:
        """Raises NotFound."""
        if model_id not in self._by_id and model_id.startswith(DROPPED):
            self.look_through()  # it may have come since
        try:
            return self._by_id[self.dropped.earlier.get(model_id, model_id)]
        except KeyError:
            known = ", ".join(each for each in self._by_id if not each.startswith(DROPPED))
            away = "".join(f" {root.words}" for root in self.roots if root.state == "away")
            raise NotFound(
                f"There is no model '{model_id}'. The models are: {known}.{away}", field="model"
            ) from None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All models, of both kinds."""
        return (*self.specs, *self.readers)

    def entry(self, entry_id: str) -> Entry:
        """A model of either kind. Raises NotFound."""
        reader = next((each for each in self.readers if each.id == entry_id), None)
        return reader or self.get(entry_id)

    def reader(self, question: Question) -> ReaderSpec | None:
        """The first ready model that answers the question, else the first to download; None without one."""
        able = [each for each in self.readers if each.answers == question]
        return next((each for each in able if self.availability(each) == "ready"), able[0] if able else None)

    def add_on(self, add_on_id: str) -> AddOnFile:
        """A file of the models folder that goes with a model. Raises NotFound."""
        found = self._find_add_on(add_on_id)
        if found is None:
            self.look_through()  # it may have come since
            found = self._find_add_on(add_on_id)
        if found is None:
            away = "".join(f" {root.words}" for root in self.roots if root.state == "away")
            raise NotFound(f"There is no '{add_on_id}' in the models folder.{away}", field="loras")
        return found

    def _find_add_on(self, add_on_id: str) -> AddOnFile | None:
        now = self.dropped.earlier.get(add_on_id, add_on_id)
        return next((each for each in self.dropped.add_ons if each.id == now), None)

    def route(self, model_id: str, mode: Mode) -> Route:
        """The route, or RequestError that says what to do instead. Raises NotFound."""
        spec = self.get(model_id)
        return self._routes.get((model_id, mode)) or registry.resolve(spec, mode)

    def folder(self, spec: Entry) -> Path | None:
        """Where the model is on this disk (it may not exist), or None for a model of the hub.

        A folder in diffusers' format, or one .safetensors file.
        """
        if spec.id in self.dropped.places:
            return Path(spec.source)  # whole and resolved since it was found
        folder = (self.path.parent / spec.source).resolve()
        if folder.exists() or spec.source.endswith(SINGLE_FILE) or not _HUB_ID.fullmatch(spec.source):
            return folder
        return None

    def config(self, spec: ModelSpec) -> Path | None:
        """Folder with the configuration of a single-file model; None where it is not on this disk."""
        if spec.config is None:
            return None
        folder = (self.path.parent / spec.config).resolve()
        if folder.is_dir() or not _HUB_ID.fullmatch(spec.config):
            return folder if (folder / layout.INDEX).is_file() else None
        index = cached_file(spec.config, layout.INDEX, None)
        return index.parent if index else None

    def place(self, spec: Entry) -> Path | None:
        """Where the model's files are on this disk: as `folder`, and for a model of the hub in its cache."""
        folder = self.folder(spec)
        if folder is not None:
            return folder if folder.exists() else None
        index = cached_file(spec.source, index_of(spec), spec.revision)
        return index if index is None or _is_one_file(spec) else index.parent

    def needed_files(self, spec: Entry) -> tuple[str, ...]:
        """What the entry's modes need beyond the base model, as written in its options; each once."""
        if not isinstance(spec, ModelSpec):
            return ()
        return tuple(dict.fromkeys(part for mode in spec.modes for part in registry.needed_files(spec, mode)))

    def pin(self, pins: Mapping[str, Mapping[str, str]]) -> None:
        """Hold models at commits: model → repository → commit. What models.yaml says goes first."""
        pins = {model: commits for model, commits in pins.items() if commits}
        if any(self._pins.get(model) != commits for model, commits in pins.items()):
            self._pins |= pins
            self._take(self._unpinned)

    def unpinned(self, entry_id: str) -> Entry:
        """The entry as models.yaml has it. Raises NotFound."""
        spec = self.entry(entry_id)
        return next(each for each in (*self._unpinned, *self._listed_readers) if each.id == spec.id)

    def prefer(self, preferred: Mapping[Mode, str]) -> None:
        """Let modes start with these models wherever they are ready."""
        self._preferred = dict(preferred)

    def availability(self, spec: Entry) -> Availability:
        """Looks at the disk only; never at the network."""
        folder = self.folder(spec)
        if folder is not None:
            return "ready" if folder.is_file() or _is_whole(spec, folder) else "missing"
        cached = cached_file(spec.source, index_of(spec), spec.revision)
        whole = cached is not None and (_is_one_file(spec) or _is_whole(spec, cached.parent))
        return "ready" if whole else "downloadable"

    def unavailable_reason(self, model_id: str, mode: Mode, references: int | None = None) -> str | None:
        """`obstacle` in words, with what to do; None where there is none. Raises NotFound."""
        obstacle = self.obstacle(model_id, mode, references)
        return str(obstacle) if obstacle else None

    def obstacle(self, model_id: str, mode: Mode, references: int | None = None) -> Obstacle | None:
        """What keeps the model from doing `mode` now; None where nothing does.

        `references`: how many are loaded; None: do not look at that. Raises NotFound.
        """
        spec = self.get(model_id)
        if mode not in spec.modes:
            return Obstacle(f"{spec.label} can't do {MODE_LABEL[mode]}.")
        state = self.availability(spec)
        if state != "ready":
            return absent(spec, state, self.folder(spec))
        if lacks := [part for part in spec.parts.values() if not self._has_part(spec, part)]:
            return incomplete(spec, lacks)
        missing = [part for part in registry.needed_files(spec, mode) if not self._has_part(spec, part)]
        if missing:
            return lacking(mode, missing[0])
        if spec.family == upscaler.NAME and (place := self.place(spec)) and enlargers.lacks_package(place):
            return Obstacle(enlargers.NEEDS_SPANDREL.format(label=spec.label))
        return None if references is None else miscounted(self.route(model_id, mode), mode, references)

    def default_model(self, mode: Mode) -> ModelSpec:
        """The preferred model for `mode`, else the first ready one that can do it. Raises RequestError."""
        preferred = self._by_id.get(self._preferred.get(mode, ""))
        for spec in (preferred, *self.specs) if preferred else self.specs:
            if self.unavailable_reason(spec.id, mode) is None:
                return spec
        raise RequestError(
            f"No model on this machine can do {MODE_LABEL[mode]}. Choose another mode, or add a model.",
            field="model",
        )

    def _take(self, unpinned: tuple[ModelSpec, ...]) -> None:
        self._unpinned = unpinned
        specs = tuple(pinned(spec, self._pins.get(spec.id, {})) for spec in unpinned)
        routes = {(spec.id, mode): registry.resolve(spec, mode) for spec in specs for mode in spec.modes}
        self.specs, self._by_id, self._routes = specs, {spec.id: spec for spec in specs}, routes
        self.readers = tuple(pinned(each, self._pins.get(each.id, {})) for each in self._listed_readers)

    def _has_part(self, spec: ModelSpec, part: str) -> bool:
        if part.startswith(HUB):
            repo, path = split_hub(part)
            return has_cached(repo, path, hub_revision(part))
        folder = self.folder(spec)
        if folder is None:
            return has_cached(spec.source, part, spec.revision)
        place = folder / part
        if part.endswith(SINGLE_FILE):
            return place.is_file()
        return layout.is_whole(place) or layout.holds_texts_only(place)


def _is_one_file(spec: Entry) -> bool:
    return isinstance(spec, ModelSpec) and spec.file is not None


def _is_whole(spec: Entry, folder: Path) -> bool:
    if isinstance(spec, ModelSpec):
        return layout.missing(folder, spec.variant) is None
    return layout.is_whole(folder)


def load_catalog(
    path: Path,
    models_folder: Path | None = None,
    roots: RootPaths | None = None,
    *,
    remembers: bool = True,
) -> Catalog:
    """Read and validate models.yaml, and look into the artist's folder and those of other tools (`roots`).

    `remembers`: what files were told to be is written down. Raises CatalogError.
    """
    content = _read(path)
    known: set[str] = set()
    models = tuple(_entry(each, where) for each, where in _named(content["models"], path, known))
    readers = tuple(
        _validated(ReaderSpec, each, where)
        for each, where in _named(content.get("readers") or [], path, known)
    )
    return Catalog(models, path, models_folder, readers, roots, remembers=remembers)


def _named(entries: list[Any], path: Path, known: set[str]) -> Iterator[tuple[Any, str]]:
    """Each entry with the words for its place; an id that is there already is refused."""
    for number, entry in enumerate(entries, start=1):
        name = entry.get("id", f"number {number}") if is_object(entry) else f"number {number}"
        where = f"{path}, entry {name}"
        if str(name) in known:
            raise CatalogError(f"{where}, id: there are two models with this id.")
        known.add(str(name))
        yield entry, where


def _read(path: Path) -> dict[str, list[Any]]:
    try:
        content = yaml_files.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise CatalogError(f"{path}: is not YAML ({error}).") from error
    if not is_object(content) or not {"models"} <= set(content) <= {"models", "readers"}:
        raise CatalogError(f"{path}: must hold the key 'models', and may hold 'readers', and no others.")
    for key, entries in content.items():
        if not is_list(entries) and (entries is not None or key == "models"):
            raise CatalogError(f"{path}, {key}: must be a list of entries.")
    if not content["models"]:
        raise CatalogError(f"{path}: 'models' is empty; at least one model is needed.")
    return content


def _entry(entry: Any, where: str) -> ModelSpec:
    spec = _validated(ModelSpec, entry, where)
    family = registry.FAMILIES.get(spec.family)
    if family is None:
        known = ", ".join(registry.FAMILIES)
        raise CatalogError(f"{where}, family: '{spec.family}' is unknown; known families: {known}.")
    _validated(family.options, spec.options, where, "options.")
    for mode in spec.modes:
        try:
            registry.entry_route(spec, mode)
        except ValueError as error:
            raise CatalogError(f"{where}, modes: {error}.") from error
    for mode, defaults in spec.defaults.items():
        _check_defaults(spec, mode, defaults, f"{where}, defaults.{mode.value}")
    return spec


def _check_defaults(spec: ModelSpec, mode: Mode, defaults: dict[str, Any], where: str) -> None:
    if mode not in spec.modes:
        raise CatalogError(f"{where}: the entry does not list this mode.")
    _validated(Defaults, defaults, where)
    _validated(GenerationRequest, {"mode": mode, **defaults}, where)


def _validated(model: type[_Model], value: Any, where: str, prefix: str = "") -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        wrong = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise CatalogError(f"{where}, {key}: {wrong}.") from error
