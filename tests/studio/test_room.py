"""Room for pictures in memory: never more than there is, in the order of asking, nobody passed over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio import decoding
from studio.characters import faces, layout
from studio.coach import picture_facts
from studio.collection import drift, reproductions
from studio.room import MemoryBudget
from tests.studio.fixtures import noise


def test_no_more_is_given_out_than_there_is() -> None:
    room, held, most, lock = MemoryBudget(10), [0], [0], threading.Lock()

    def work(size: int) -> None:
        with room.taken(size):
            with lock:
                held[0] += size
                most[0] = max(most[0], held[0])
            time.sleep(0.005)
            with lock:
                held[0] -= size

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 3))
    assert held[0] == 0
    assert most[0] <= 10


def test_what_is_larger_than_the_room_has_it_alone() -> None:
    room = MemoryBudget(10)
    with room.taken(1000):
        other = threading.Thread(target=lambda: room.taken(1).__enter__())
        other.start()
        other.join(0.05)
        assert other.is_alive()
    other.join(5)
    assert not other.is_alive()


def test_a_large_one_is_not_passed_over_by_small_ones() -> None:
    room, order = MemoryBudget(10), list[str]()

    def work(name: str, size: int) -> None:
        with room.taken(size):
            order.append(name)

    with room.taken(5):
        threads = [threading.Thread(target=work, args=each) for each in (("large", 10), ("small", 1))]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order == ["large", "small"]


def test_room_comes_back_after_a_failure() -> None:
    room = MemoryBudget(10)
    with pytest.raises(ValueError, match="broken"), room.taken(10):
        raise ValueError("broken")
    with room.taken(10):
        pass


@pytest.mark.parametrize(
    "look",
    [
        faces.find,
        faces.subject,
        faces.colours,
        picture_facts.look,
        lambda path: layout.lay_out([layout.LabelledPicture(path, "calm", "")], "Mara", 1),
        lambda path: drift.measure(path, path),
        lambda path: reproductions.compare(path, path, {}, {}),
    ],
)
def test_whoever_decodes_a_picture_takes_room_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, look: Callable[[Path], object]
) -> None:
    taken: list[int] = []

    class Counting(MemoryBudget):
        @contextmanager
        def taken(self, size: int) -> Generator[None]:
            taken.append(size)
            with super().taken(size):
                yield

    room = Counting(2**24)
    monkeypatch.setattr(decoding, "ROOM", room)
    path = tmp_path / "picture.png"
    noise(3, 300, 400).save(path)
    look(path)
    assert min(taken) >= 300 * 400 * 4
    with room.taken(2**24):  # all of it came back
        pass
