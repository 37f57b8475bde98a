"""What networks have computed, kept for the next try: one bounded store for the whole worker.

A key says what was computed, by which network in which state, and of what; equal keys mean equal results, bit
for bit. What is given out is a copy. Knows bytes; nothing of networks, pictures and words.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.running.cache import MemoryUse

if TYPE_CHECKING:
    from pipelines.running.contents import Frozen

MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class ResultKey:
    """What makes a result the same result."""

    what: str
    """The computation: a class and its method."""
    owner: int
    """The network that computes; no other ever has its number. 0: none does."""
    state: bytes
    """A digest of the network as it is now: weights, numbers, quantisation, LoRAs and their weights."""
    given: bytes
    """A digest of what it is given: pixels with their size, crop and layout, words, numbers, devices."""


class ResultCache:
    """Results by key; those unused for longest leave first. `limit`: bytes of all of them together.

    They lie where they were computed while `allow` has left room there, else in the computer's memory.
    Not thread-safe: the worker has one thread that works.
    """

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self.limit = limit
        self._on_device = limit
        self._kept: OrderedDict[ResultKey, Frozen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def held(self) -> MemoryUse:
        """Bytes of all results."""
        away = sum(each.device_bytes for each in self._kept.values())
        return MemoryUse(device=away, host=sum(each.bytes for each in self._kept.values()) - away)

    def get(self, key: ResultKey, make: Callable[[], Any], needed: Callable[[Any], Any] | None = None) -> Any:
        """The result of `key`, made where it is not there. `needed`: the part of it that is worth keeping."""
        if (kept := self.find(key)) is not None:
            return kept
        made = make()
        self.keep(key, needed(made) if needed else made)
        return made

    def find(self, key: ResultKey) -> Any:
        """A copy of the result of `key`; None where it is not there."""
        if (kept := self._kept.get(key)) is None:
            return None
        self._kept.move_to_end(key)
        return kept.thaw()

    def keep(self, key: ResultKey, result: Any) -> None:
        """Keep a copy of `result`; one that cannot be copied, or is larger than the limit, is let be.

        Where there is no memory for a copy, all that is kept is let go.
        """
        import torch

        from pipelines.running.contents import Unknown, freeze

        try:
            frozen = freeze(result)
        except Unknown:
            return
        except torch.OutOfMemoryError:
            self.clear()
            return
        if frozen.bytes <= self.limit:
            self._kept[key] = frozen
            self._make_room()

    def allow(self, device_bytes: int) -> None:
        """So many bytes may lie on the device; the rest moves to the computer's memory."""
        self._on_device = device_bytes
        self._make_room()

    def forget(self, owner: int) -> None:
        """Let go of all that the network `owner` has computed."""
        for key in [key for key in self._kept if key.owner == owner]:
            del self._kept[key]

    def clear(self) -> None:
        """Let go of all."""
        self._kept.clear()

    def _make_room(self) -> None:
        held = self.held
        while held.device + held.host > self.limit:
            self._kept.popitem(last=False)
            held = self.held
        for key, frozen in self._kept.items():
            if held.device <= self._on_device:
                return
            if frozen.device_bytes:
                self._kept[key] = frozen.in_host_memory()
                held = self.held
