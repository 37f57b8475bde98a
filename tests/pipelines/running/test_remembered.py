from __future__ import annotations

from typing import Any

import pytest
import torch

from pipelines.running import contents
from pipelines.running.remembered import ResultCache, ResultKey

KIB = 1024


def key(given: str, owner: int = 1, state: bytes = b"") -> ResultKey:
    return ResultKey("encode", owner, state, given.encode())


class Maker:
    """Makes results of a size, and says of which names it had to."""

    def __init__(self, store: ResultCache, size: int = 256) -> None:
        self.store, self.size = store, size
        self.made: list[str] = []

    def ask(self, name: str, **changes: Any) -> torch.Tensor:
        def make() -> torch.Tensor:
            self.made.append(name)
            return torch.full((self.size,), float(len(name)))

        return self.store.get(key(name, **changes), make)


def test_the_same_is_made_once_and_anything_else_anew() -> None:
    maker = Maker(ResultCache())
    first, again = maker.ask("a"), maker.ask("a")
    assert torch.equal(first, again)
    assert first is not again
    for changes in ({"owner": 2}, {"state": b"other"}):
        maker.ask("a", **changes)
    assert maker.made == ["a"] * 3


def test_nobody_can_spoil_what_is_kept() -> None:
    maker = Maker(ResultCache())
    maker.ask("a").zero_()
    maker.ask("a").zero_()
    assert maker.ask("a").eq(1).all()


def test_never_more_than_the_limit_the_longest_unused_going_first() -> None:
    store = ResultCache(3 * KIB)
    maker = Maker(store)
    for name in ("a", "b", "c", "a", "d", "a", "b"):
        maker.ask(name)
        assert store.held.host <= 3 * KIB
    assert maker.made == ["a", "b", "c", "d", "b"]
    Maker(store, size=KIB).ask("too large")
    assert len(store) == 3


def test_what_a_network_made_goes_with_it() -> None:
    store = ResultCache()
    maker = Maker(store)
    maker.ask("a")
    maker.ask("a", owner=2)
    store.forget(1)
    maker.ask("a", owner=2)
    assert maker.made == ["a", "a"]
    store.clear()
    assert (len(store), store.held.host) == (0, 0)


def test_what_cannot_be_copied_is_made_each_time() -> None:
    store = ResultCache()
    made = [store.get(key("a"), object) for _ in range(2)]
    assert made[0] is not made[1]
    assert len(store) == 0


def test_without_memory_for_a_copy_the_result_is_still_given(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ResultCache()
    maker = Maker(store)
    maker.ask("a")

    def full(value: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(contents, "freeze", full)
    assert maker.ask("bb").eq(2).all()
    assert len(store) == 0


class OnDevice(contents.Frozen):
    """As if its numbers lay on an accelerator."""

    @property
    def device_bytes(self) -> int:
        return self.bytes

    def in_host_memory(self) -> contents.Frozen:
        return contents.Frozen(self.tensors, self.devices, self.build)


def test_what_the_device_has_no_room_for_moves_to_the_computers_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = contents.freeze

    def freeze(value: Any) -> contents.Frozen:
        frozen = plain(value)
        return OnDevice(frozen.tensors, frozen.devices, frozen.build)

    monkeypatch.setattr(contents, "freeze", freeze)
    store = ResultCache(4 * KIB)
    maker = Maker(store)
    for name in ("a", "b", "c"):
        maker.ask(name)
    assert (store.held.device, store.held.host) == (3 * KIB, 0)
    store.allow(KIB + 1)
    assert (store.held.device, store.held.host) == (KIB, 2 * KIB)
    maker.ask("d")
    assert (store.held.device, store.held.host) == (KIB, 3 * KIB)
    for name in ("a", "b", "c", "d"):
        maker.ask(name)
    assert maker.made == ["a", "b", "c", "d"]
