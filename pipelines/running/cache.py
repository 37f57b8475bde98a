"""Models that stay in memory, the least recently used leaving first; counted in bytes of live tensors.

Knows nothing of requests, plans and devices' names; what fits is said by whoever asks for room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipelines.memory import devices

if TYPE_CHECKING:
    import torch

_Model = TypeVar("_Model")
_OURS = ("pipelines.", "diffusers.", "tests.", "benchmarks.")
_OF_A_MODULE = ("_parameters", "_buffers", "_modules")
"""Where torch keeps what belongs to a module."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes of tensors: on an accelerator, and in the computer's memory."""

    device: int = 0
    host: int = 0

    def __add__(self, other: MemoryUse) -> MemoryUse:
        return MemoryUse(self.device + other.device, self.host + other.host)


class ModelCache(Generic[_Model]):
    """Loaded models by key. Not thread-safe: the worker has one thread that works."""

    def __init__(self) -> None:
        self._models: OrderedDict[Hashable, _Model] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._models

    def __len__(self) -> int:
        return len(self._models)

    def __iter__(self) -> Iterator[Hashable]:
        """Keys from the one used longest ago to the latest."""
        return iter(tuple(self._models))

    def get(self, key: Hashable) -> _Model | None:
        """The model, now the most recently used; None where it is not held."""
        if key not in self._models:
            return None
        self._models.move_to_end(key)
        return self._models[key]

    def put(self, key: Hashable, model: _Model) -> None:
        """Keep a model as the most recently used."""
        self._models[key] = model
        self._models.move_to_end(key)

    def drop(self, key: Hashable) -> None:
        """Let go of one model, if it is held, and give its memory back."""
        if self._models.pop(key, None) is not None:
            devices.free_memory()

    def clear(self) -> None:
        """Let go of all."""
        self._models.clear()
        devices.free_memory()

    def make_room(self, fits: Callable[[], bool], keep: Hashable = None) -> None:
        """Let models go, the least recently used first, until `fits` says yes; `keep` always stays."""
        while not fits():
            oldest = next((key for key in self._models if key != keep), None)
            if oldest is None:
                return
            self.drop(oldest)

    def held(self) -> MemoryUse:
        """What all models hold together; tensors they share count once."""
        return held(self._models)


def held(thing: Any) -> MemoryUse:
    """Bytes of all tensors that can be reached from `thing`, each storage counted once."""
    found: dict[tuple[str, int], int] = {}
    for tensor in tensors(thing):
        storage = tensor.untyped_storage()
        found[tensor.device.type, storage.data_ptr()] = storage.nbytes()
    host = sum(size for (kind, _), size in found.items() if kind == "cpu")
    away = sum(size for (kind, _), size in found.items() if kind not in ("cpu", "meta"))
    return MemoryUse(device=away, host=host)


def tensors(thing: Any) -> Iterator[torch.Tensor]:
    """All tensors inside modules, containers, pipelines and the project's own objects."""
    import torch

    seen: set[int] = set()
    waiting = [thing]
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, torch.Tensor):
            yield here
        elif isinstance(here, torch.nn.Module):
            # Torch's own methods make up names and go down in generators of generators: ten times as long.
            own = vars(here)
            waiting += [each for kind in _OF_A_MODULE for each in own[kind].values()]
        else:
            waiting.extend(_inside(here))


def _inside(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, (list, tuple, set, frozenset)):
        return list(thing)
    if not type(thing).__module__.startswith(_OURS):
        return []
    slots = [getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ())]
    return [*slots, *getattr(thing, "__dict__", {}).values()]
