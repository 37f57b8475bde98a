"""The models in memory: each planned, loaded once, and kept while memory lasts.

Knows catalogue, planner and cache; nothing of orders and events.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.catalog.absence import absence
from pipelines.catalog.catalog import Catalog
from pipelines.catalog.measured import measure
from pipelines.errors import ModelUnavailable, OutOfMemory, RequestError
from pipelines.memory import devices, planner
from pipelines.memory.plan import Hardware, MemoryChoice, MemoryPlan, ModelSize, Part, Storage
from pipelines.request import Mode
from pipelines.running import families, loading, readers
from pipelines.running.cache import MemoryUse, ModelCache, held
from pipelines.running.contract import LoadedModel, LoadSettings
from pipelines.running.readers import Reader
from pipelines.running.remembered import ResultCache
from pipelines.spec import ModelSpec, ReaderSpec

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

_UNKNOWN = ModelSize(())
_WORK = 1.3
"""What a reader takes while it works, in sizes of its files."""


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """What the artist has set for a model: how it is kept, and whether it is compiled."""

    choice: MemoryChoice = MemoryChoice.AUTO
    warm_up: bool = False
    tiling: bool | None = None
    """Decode in tiles; None leaves it to the plan."""

    @classmethod
    def read(cls, choice: str, warm_up: bool, tiling: bool | None = None) -> MemoryOptions:
        """Raises RequestError for a word that is no choice."""
        try:
            return cls(MemoryChoice(choice), warm_up, tiling)
        except ValueError as error:
            known = ", ".join(MemoryChoice)
            raise RequestError(
                f"There is no way '{choice}' to keep a model. Use one of: {known}.", field="memory"
            ) from error


@dataclass(frozen=True, slots=True)
class LoadedEntry:
    """A model in memory, the entry it was loaded as, how it is kept, and what was asked for."""

    model: LoadedModel
    spec: ModelSpec
    plan: MemoryPlan
    wish: MemoryOptions
    dtype: torch.dtype
    beside: frozenset[Part] = frozenset()
    """Files of the models folder that the plan has room for."""


class LoadedModels:
    """Loads models onto `device` and lets the least recently used go when another needs the room.

    `look`: what the machine has free now, without what the models here hold.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: str,
        dtype: torch.dtype,
        look: Callable[[], Hardware] | None = None,
    ) -> None:
        self._catalog = catalog
        self._device = device
        self._dtype = dtype
        self._look = look or self._look_at_the_machine
        self._models: ModelCache[LoadedEntry | Reader] = ModelCache()
        self.remembered = ResultCache()
        self._sizes: dict[str, ModelSize] = {}
        self._tried: dict[str, MemoryPlan] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """Models in memory, from the one used longest ago to the latest."""
        return tuple(str(key) for key in self._models)

    def held(self) -> MemoryUse:
        """Bytes of all models' tensors."""
        return self._models.held()

    def take(
        self,
        spec: ModelSpec,
        mode: Mode | None = None,
        wish: MemoryOptions | None = None,
        beside: tuple[Part, ...] = (),
    ) -> LoadedEntry:
        """The model, able to do `mode`, with room around it to work; loaded where it is not yet.

        `beside`: what the request brings in further files. Raises ModelUnavailable, RequestError (a wish
        that cannot be had), torch's error out of memory.
        """
        mode = mode or spec.modes[0]
        self._require(spec, mode)
        wish = wish or MemoryOptions()
        found = self._models.get(spec.id)
        kept = found if isinstance(found, LoadedEntry) else None
        if kept and (mode not in kept.model.modes or kept.wish != wish or kept.spec != spec):
            kept = None
            self._models.drop(spec.id)  # other files have come since, or it shall be kept another way
        if kept is not None:
            kept = self._with_room_for(kept, beside)
        if kept is None:
            present = self._present(spec)
            kept = self._load(spec, present, wish, self._plan(spec, present, wish, beside), beside)
        else:
            self._make_room(kept.plan, held(kept.model), keep=spec.id)
        self.remembered.allow(self._room_to_remember(kept))
        return kept

    def _with_room_for(self, kept: LoadedEntry, beside: tuple[Part, ...]) -> LoadedEntry | None:
        """The model with a plan that counts `beside`; None, and let go, where it must be kept another way."""
        if kept.beside.issuperset(beside):
            return kept
        size = self._size(kept.spec, beside)
        plan = planner.counted(kept.plan, size, self.whole_machine())
        if kept.plan.fits and not plan.fits and kept.wish.choice is MemoryChoice.AUTO:
            self._models.drop(kept.spec.id)
            return None
        kept = replace(kept, plan=plan, beside=frozenset(beside))
        self._models.put(kept.spec.id, kept)
        return kept

    def take_smaller(
        self, spec: ModelSpec, mode: Mode, wish: MemoryOptions, beside: tuple[Part, ...] = ()
    ) -> LoadedEntry:
        """The model alone in memory, kept in the next way that needs less (the same where none does)."""
        self._require(spec, mode)
        present = self._present(spec)
        self.clear()
        before = self._tried.get(spec.id) or self._plan(spec, present, wish, beside)
        smaller = planner.cheaper(before, self._size(spec, beside), self.whole_machine())
        return self._load(spec, present, wish, smaller or before, beside)

    def take_reader(self, spec: ReaderSpec) -> Reader:
        """A model that reads pictures; it stays as the others do, and leaves as they do.

        One that finds no room on the card is put beside it before another has to go. Raises
        ModelUnavailable, OutOfMemory, torch's error out of memory.
        """
        found = self._models.get(spec.id)
        if isinstance(found, Reader) and found.spec == spec:
            return found
        self._models.drop(spec.id)
        place, state = self._catalog.place(spec), self._catalog.availability(spec)
        if place is None or state != "ready":
            raise ModelUnavailable(absence(spec, state, place))
        loading.quieten_libraries()
        reader = readers.load(spec, place, self._device_for(spec, readers.weight(place)))
        self._models.put(spec.id, reader)
        return reader

    def _device_for(self, spec: ReaderSpec, size: int) -> str:
        """Where a reader of so many bytes finds room; others leave where it does nowhere."""
        needs = round(size * _WORK)
        on_device = MemoryPlan(gpu_bytes=needs, ram_bytes=0 if self._look().has_own_memory else needs)
        for device, plan in ((self._device, on_device), ("cpu", MemoryPlan(ram_bytes=needs))):
            if self._has_room(plan, MemoryUse()):
                return device
        self._make_room(on_device, MemoryUse())
        if not self._has_room(on_device, MemoryUse()):
            raise OutOfMemory(f"There is too little memory for {spec.label} now. Close other programs first.")
        return self._device

    def clear(self) -> None:
        """Let go of all models, and of what they computed."""
        self.remembered.clear()
        self._models.clear()

    def _require(self, spec: ModelSpec, mode: Mode) -> None:
        """Raises ModelUnavailable where the files for `mode` are not here."""
        if (reason := self._catalog.unavailable_reason(spec.id, mode)) is not None:
            raise ModelUnavailable(reason)

    def _present(self, spec: ModelSpec) -> frozenset[Mode]:
        """Modes whose files are here: what a model is to be loaded with."""
        return frozenset(m for m in spec.modes if self._catalog.unavailable_reason(spec.id, m) is None)

    def _size(self, spec: ModelSpec, beside: tuple[Part, ...]) -> ModelSize:
        """What the model weighed when it was planned, and `beside`."""
        size = self._sizes.get(spec.id, _UNKNOWN)
        return replace(size, parts=(*size.parts, *beside))

    def _plan(
        self, spec: ModelSpec, present: frozenset[Mode], wish: MemoryOptions, beside: tuple[Part, ...]
    ) -> MemoryPlan:
        size = measure(self._catalog, spec, present) or _UNKNOWN
        self._sizes[spec.id] = size
        if reason := planner.unreadable(size, self._look()):
            raise ModelUnavailable(f"{spec.label} can't run here: {reason}")
        return planner.plan(self._size(spec, beside), self.whole_machine(), wish.choice, wish.tiling)

    def _load(
        self,
        spec: ModelSpec,
        present: frozenset[Mode],
        wish: MemoryOptions,
        plan: MemoryPlan,
        beside: tuple[Part, ...],
    ) -> LoadedEntry:
        self._tried[spec.id] = plan
        self._make_room(plan, MemoryUse())
        log.info("%s: %s", spec.id, plan.reason)
        loading.quieten_libraries()
        settings = self._settings(spec, present, wish, plan)
        model = families.load(spec, settings)
        kept = LoadedEntry(model, spec, plan, wish, settings.dtype, frozenset(beside))
        self._models.put(spec.id, kept)
        return kept

    def _settings(
        self, spec: ModelSpec, present: frozenset[Mode], wish: MemoryOptions, plan: MemoryPlan
    ) -> LoadSettings:
        place = self._catalog.place(spec) if spec.file else self._catalog.folder(spec)
        file = place if place is not None and place.is_file() else None
        return LoadSettings(
            folder=None if file else place,
            modes=present,
            device=self._device,
            dtype=_half() if plan.storage is Storage.HALF else self._dtype,
            memory=plan,
            file=file,
            config=self._catalog.config(spec) if file else None,
            converted=self._catalog.converted_folder,
            warm_up=wish.warm_up,
            backend=planner.backend(plan.storage, self._look()),
            remembered=self.remembered,
        )

    # --- how much there is ---------------------------------------------------------------------
    def whole_machine(self) -> Hardware:
        """What the machine has as if no model were loaded: whatever is needed will be let go."""
        here, taken = self._look(), self._models.held() + self.remembered.held
        if here.has_own_memory:
            return replace(here, free=here.free + taken.device, ram_free=here.ram_free + taken.host)
        return replace(here, free=here.free + taken.host + taken.device)

    def _make_room(self, plan: MemoryPlan, own: MemoryUse, keep: str | None = None) -> None:
        """Let what was computed go before a model has to; `keep` stays."""
        if not self._has_room(plan, own):
            self.remembered.clear()
            devices.free_memory()
        self._models.make_room(lambda: self._has_room(plan, own), keep=keep)

    def _room_to_remember(self, kept: LoadedEntry) -> int:
        """Bytes of the device that a model leaves free at its work, with what is remembered there."""
        here = self._look()
        if not here.has_own_memory:
            return max(0, here.total)
        needed = kept.plan.gpu_bytes - held(kept.model).device + planner.RESERVE
        return max(0, here.free + self.remembered.held.device - needed)

    def _has_room(self, plan: MemoryPlan, own: MemoryUse) -> bool:
        """Whether what `plan` needs beyond what it holds already (`own`) is free now."""
        here = self._look()
        if not here.has_own_memory:
            return plan.ram_bytes - own.host - own.device + planner.RESERVE <= here.free
        on_card = plan.gpu_bytes - own.device + planner.RESERVE <= here.free
        return on_card and plan.ram_bytes - own.host + planner.RESERVE <= here.ram_free

    def _look_at_the_machine(self) -> Hardware:
        here = devices.hardware(self._device, self._dtype)
        if not here.has_own_memory:
            return here
        return replace(here, free=here.free - self._models.held().device - self.remembered.held.device)


def _half() -> torch.dtype:
    import torch

    return torch.bfloat16
