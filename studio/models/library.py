"""The library of models: what is here, what can be fetched, what the artist decided about it.

Puts catalogue, downloads and ledger together for the service. Thread-safe; never waits for a network.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.catalog.catalog import Catalog
from pipelines.disk.hub_cache import cached_commit
from pipelines.errors import Conflict, NotFound, RequestError, StorageFailure
from pipelines.memory.plan import Hardware, MemoryChoice
from pipelines.request import MODE_LABEL, Mode
from pipelines.spec import Entry, ModelSpec, ReaderSpec
from studio import durable
from studio.models import fitting, folder_records, leaving, places, removal
from studio.models.downloads import Downloads, FetchProcess, launch
from studio.models.ledger import Decisions, Ledger
from studio.models.messages import FetchOrder
from studio.models.records import (
    Consent,
    Download,
    Library,
    LoadOptions,
    MemorySetting,
    ModelCard,
    ModelVersion,
    Origin,
)
from studio.models.roots import ModelRoots


class ModelLibrary:
    """All verbs about models. `folder`: the data folder; None remembers nothing."""

    def __init__(
        self,
        catalog: Catalog,
        folder: Path | None,
        launch: Callable[[FetchOrder], FetchProcess] = launch,
        memory: MemoryChoice = MemoryChoice.AUTO,
    ) -> None:
        self._catalog = catalog
        self._memory = MemorySetting(choice=memory)
        self._ledger = Ledger(folder / "models.json" if folder else None)
        self._downloads = Downloads(self._ledger, self._changed, launch)
        self._version = 0
        self._lock = threading.Lock()
        self.roots = ModelRoots(catalog, folder, self._changed)
        self._hardware: Hardware | None = None
        if leaving.finish(self._ledger, catalog.models_folder):
            catalog.look_through()
        self._prefer_defaults()
        self._hold_pinned()

    # --- looking ------------------------------------------------------------------------------

    def all(self) -> Library:
        """The whole library now."""
        self._catalog.recheck_roots()
        decisions = self._ledger.read()
        cache = places.cache_folder()
        dropped, folder = self._catalog.dropped, self._catalog.models_folder
        return Library(
            version=self._version,
            models=tuple(self._card(spec, decisions) for spec in self._catalog.specs),
            readers=tuple(self._card(spec, decisions) for spec in self._catalog.readers),
            add_ons=tuple(folder_records.add_on(each, folder) for each in dropped.add_ons),
            refused=tuple(folder_records.refused(each, folder) for each in dropped.unusable),
            models_folder=str(folder) if folder else None,
            model_roots=self.roots.all(),
            cache_folder=str(cache),
            free_bytes=_free(cache),
            device=self._hardware.name if self._hardware else None,
            defaults={mode.value: model for mode, model in decisions.defaults.items()},
        )

    def card(self, model_id: str) -> ModelCard:
        """One model. Raises NotFound."""
        return self._card(self._catalog.entry(model_id), self._ledger.read())

    def scan(self) -> Library:
        """Look through the models folder, which is made if it isn't there. Raises StorageFailure."""
        folder = self._catalog.models_folder
        if folder is not None:
            try:
                durable.make_folder(folder)
            except OSError as error:
                raise StorageFailure(f"{folder} cannot be made: {error.strerror}.") from error
        self._catalog.look_through()
        self._changed()
        return self.all()

    def set_hardware(self, hardware: Hardware | None) -> None:
        """What the worker runs on, for telling what fits."""
        if hardware != self._hardware:
            self._hardware = hardware
            self._changed()

    def has_room(self, model_id: str, hardware: Hardware) -> bool:
        """Whether a model can run on such a machine, as far as that can be told."""
        try:
            spec = self._catalog.get(model_id)
        except NotFound:  # one that reads pictures
            return True
        found = fitting.fit(spec, self._catalog, hardware, self.memory_of(model_id))
        return found is None or found.verdict != "impossible"

    # --- files --------------------------------------------------------------------------------

    def download(self, model_id: str) -> Download:
        """Fetch a model and all its parts. Raises NotFound, Conflict."""
        spec = self._catalog.entry(model_id)
        wanted = places.order(spec, self._catalog)
        if not wanted.wanted:
            raise Conflict(f"{spec.label} does not come from the hub; there is nothing to download.")
        self._note_fetched({each.repo for each in wanted.wanted})
        return self._downloads.start(model_id, wanted)

    def update(self, model_id: str) -> Download:
        """Fetch the newest version; the one in use stays in use until all of it is here.

        Raises NotFound, Conflict.
        """
        spec = self._catalog.unpinned(model_id)
        wanted = places.order(spec, self._catalog)
        if not self._updatable(spec):
            raise Conflict(f"{spec.label} is held at one version. Change its entry in models.yaml instead.")
        return self._downloads.start(model_id, replace(wanted, newest=True))

    def cancel(self, model_id: str) -> Download:
        """End a download; what has come stays for the next time. Raises NotFound."""
        return self._downloads.cancel(self._catalog.entry(model_id).id)

    def remove(self, model_id: str) -> ModelCard:
        """Delete a model's own files. Raises NotFound, Conflict, StorageFailure."""
        spec = self._catalog.entry(model_id)
        if self._downloads.is_active(model_id):
            raise Conflict(f"{spec.label} is being downloaded. Cancel that first.")
        if place := self._catalog.dropped.places.get(spec.id):
            card = self.card(spec.id)
            if root := self._catalog.root_of(spec):
                raise Conflict(
                    f"{spec.label} lies in {root}, a folder of another tool, in which the studio only reads. "
                    "Remove it with that tool, or forget the whole folder."
                )
            assert self._catalog.models_folder is not None
            leaving.remove(self._ledger, place, self._catalog.models_folder, spec.label)
            self.scan()
            return card.model_copy(update={"available": "missing", "removable": False, "size_bytes": 0})
        kept = {
            repo
            for other in self._catalog.entries
            if other.source != spec.source and self._catalog.availability(other) == "ready"
            for repo in places.repositories(other, self._catalog)
        }
        fetched = self._fetched(spec, self._ledger.read())
        if not fetched:
            raise Conflict(
                f"The files of {spec.label} were not brought here by the studio. "
                "Remove them with the program that did."
            )
        places.remove_repositories(fetched - kept)
        self._downloads.forget(model_id)
        self._changed()
        return self.card(model_id)

    def stop(self) -> None:
        """End running downloads."""
        self._downloads.stop()

    # --- decisions ----------------------------------------------------------------------------

    def agree(self, model_id: str) -> ModelCard:
        """Note that the artist agrees to the model's licence. Raises NotFound, StorageFailure."""
        licence = self._catalog.entry(model_id).licence

        def change(decisions: Decisions) -> None:
            if decisions.consent_to(licence) is None:
                now = datetime.now(UTC)
                decisions.consents.append(
                    Consent(licence=licence.name, version=licence.version, url=licence.url, agreed_at=now)
                )

        self._decide(change)
        return self.card(model_id)

    def withdraw(self, model_id: str) -> ModelCard:
        """Take an agreement back. Raises NotFound, StorageFailure."""
        licence = self._catalog.entry(model_id).licence

        def change(decisions: Decisions) -> None:
            given = decisions.consent_to(licence)
            decisions.consents = [each for each in decisions.consents if each != given]

        self._decide(change)
        return self.card(model_id)

    def require_consent(self, model_id: str) -> None:
        """Raises RequestError (field `model`) where the licence still has to be agreed to."""
        spec = self._catalog.get(model_id)
        licence = spec.licence
        if licence.needs_consent and self._ledger.read().consent_to(licence) is None:
            raise RequestError(
                f"{spec.label} may not be used commercially ({licence.name}). "
                "Agree to its licence on the Models page first, or choose another model.",
                field="model",
            )

    def set_default(self, mode: Mode, model_id: str | None) -> Library:
        """Choose the model a mode starts with; None: the first that is ready.

        Raises NotFound, RequestError, StorageFailure.
        """
        if model_id is not None and mode not in self._catalog.get(model_id).modes:
            raise RequestError(
                f"{self._catalog.get(model_id).label} can't do {MODE_LABEL[mode]}.", field="model"
            )

        def change(decisions: Decisions) -> None:
            decisions.defaults.pop(mode, None)
            if model_id is not None:
                decisions.defaults[mode] = model_id

        self._decide(change)
        self._prefer_defaults()
        return self.all()

    def default_for(self, model_id: str) -> tuple[str, ...]:
        """The modes that begin with the model."""
        return self._ledger.read().default_for(model_id)

    def memory_of(self, model_id: str) -> MemorySetting:
        """How the model shall be kept: the artist's own setting, else the studio's."""
        return self._ledger.read().memory.get(model_id, self._memory)

    def loading_of(self, model_id: str) -> LoadOptions:
        """How a job loads the model. One of the hub is held from its first use on at what is here then."""
        setting = self.memory_of(model_id)
        try:
            spec = self._catalog.entry(model_id)
        except NotFound:  # taken out of the catalogue while the job waited; the worker says so
            return LoadOptions(**setting.model_dump())
        here = places.commits(spec, self._catalog)
        with contextlib.suppress(StorageFailure):  # held for this job at least
            self._ledger.change(lambda decisions: decisions.hold(model_id, here))
        self._hold_pinned()
        return LoadOptions(**setting.model_dump(), revisions=here)

    def set_memory(self, model_id: str, setting: MemorySetting) -> ModelCard:
        """Choose how a model is kept, from the next job on. Raises NotFound, RequestError, StorageFailure."""
        spec = self._catalog.get(model_id)
        if refused := fitting.refusal(setting.choice, spec, self._catalog, self._hardware):
            raise RequestError(refused, field="choice")

        def change(decisions: Decisions) -> None:
            decisions.memory[model_id] = setting

        self._decide(change)
        return self.card(model_id)

    # --- inside -------------------------------------------------------------------------------

    def _decide(self, change: Callable[[Decisions], None]) -> None:
        self._ledger.change(change)
        self._changed()

    def _changed(self) -> None:
        self._hold_pinned()
        with self._lock:
            self._version += 1

    def _hold_pinned(self) -> None:
        pins = self._ledger.read().pins
        self._catalog.pin({model: pin.commits for model, pin in pins.items()})

    def _prefer_defaults(self) -> None:
        self._catalog.prefer(self._ledger.read().defaults)

    def _card(self, spec: Entry, decisions: Decisions) -> ModelCard:
        catalog = self._catalog
        size = places.size(spec, catalog)
        card = ModelCard(
            id=spec.id,
            label=spec.label,
            description=spec.description,
            source=spec.source,
            page=places.page(spec, catalog),
            origin=self._origin(spec),
            root=str(root) if (root := catalog.root_of(spec)) else None,
            available=catalog.availability(spec),
            licence=spec.licence,
            needs_consent=spec.licence.needs_consent,
            consent=decisions.consent_to(spec.licence),
            size_bytes=size,
            download_bytes=round(spec.download_gb * 1e9) if spec.download_gb else None,
            version=self._version_of(spec, decisions),
            updatable=self._updatable(catalog.unpinned(spec.id)),
            removable=self._removable(spec, decisions) and size > 0,
            shared_with=self._shared_with(spec),
            download=self._download(spec),
            family="",
            modes=(),
            edit=False,
            answers=spec.answers if isinstance(spec, ReaderSpec) else None,
        )
        return card.model_copy(update=self._making(spec, decisions)) if isinstance(spec, ModelSpec) else card

    def _making(self, spec: ModelSpec, decisions: Decisions) -> dict[str, Any]:
        """What only the card of a model that makes pictures says, by field."""
        obstacles = {mode.value: self._catalog.obstacle(spec.id, mode) for mode in spec.modes}
        ready = self._catalog.availability(spec) == "ready"
        setting = decisions.memory.get(spec.id, self._memory)
        choices, refused = fitting.choices(spec, self._catalog, self._hardware)
        return {
            "family": spec.family,
            "modes": tuple(mode.value for mode in spec.modes),
            "edit": spec.edit,
            "absent": {mode: each.reason for mode, each in obstacles.items() if each and ready},
            "fit": fitting.fit(spec, self._catalog, self._hardware, setting),
            "memory": setting,
            "memory_choices": choices,
            "memory_refused": refused,
            "default_for": decisions.default_for(spec.id),
        }

    def _download(self, spec: Entry) -> Download | None:
        return self._downloads.of(spec.id)

    def _version_of(self, spec: Entry, decisions: Decisions) -> ModelVersion | None:
        if self._catalog.folder(spec) is not None:
            return None
        commit = spec.revision or cached_commit(spec.source)
        if commit is None:
            return None
        if self._catalog.unpinned(spec.id).revision:
            return ModelVersion(commit=commit, held="catalogue")
        pin = decisions.pins.get(spec.id)
        return ModelVersion(commit=commit, held="studio" if pin else "no", since=pin.since if pin else None)

    def _updatable(self, unpinned: Entry) -> bool:
        wanted = places.order(unpinned, self._catalog).wanted
        return bool(wanted) and unpinned.revision is None and self._origin(unpinned) == "hub"

    def _origin(self, spec: Entry) -> Origin:
        folder = self._catalog.folder(spec)
        if folder is None:
            return "hub"
        if folder.is_file():
            return "file"
        return "bundled" if "bundled" in folder.parts else "folder"

    def _removable(self, spec: Entry, decisions: Decisions) -> bool:
        folder = self._catalog.models_folder
        if folder is not None and (place := self._catalog.dropped.places.get(spec.id)):
            return self._catalog.root_of(spec) is None and removal.is_own(place, folder)
        return bool(self._fetched(spec, decisions))

    def _fetched(self, spec: Entry, decisions: Decisions) -> set[str]:
        """The entry's repositories that the studio itself brought into the hub's cache."""
        if self._origin(spec) != "hub":
            return set()
        return places.repositories(spec, self._catalog) & set(decisions.fetched)

    def _note_fetched(self, repos: set[str]) -> None:
        """Remember which repositories are not there yet: another program's must never be removed."""
        new = {repo for repo in repos if not places.repository_folder(repo).exists()}
        self._ledger.change(lambda decisions: decisions.note_fetched(new))

    def _shared_with(self, spec: Entry) -> tuple[str, ...]:
        others = (other for other in self._catalog.entries if other.id != spec.id)
        return tuple(other.label for other in others if other.source == spec.source)


def _free(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise StorageFailure(f"{folder} cannot be read: {error.strerror}.") from error
