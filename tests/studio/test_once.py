from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from studio.once import once


def test_who_asks_at_the_same_moment_waits_for_one_answer() -> None:
    both_asked = threading.Barrier(2, timeout=10)
    asked: list[int] = []

    @once(4)
    def double(number: int) -> int:
        asked.append(number)
        threading.Event().wait(0.2)
        return 2 * number

    def ask(number: int) -> int:
        both_asked.wait()
        return double(number)

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(ask, [3, 3])] == [6, 6]
    assert asked == [3]
    assert double.answered == 1


def test_other_questions_do_not_wait() -> None:
    other_answered = threading.Event()

    @once(4)
    def answer(number: int) -> int:
        if number == 1:
            assert other_answered.wait(10)
        return number

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(answer, 1)
        assert answer(2) == 2
        other_answered.set()
        assert first.result(10) == 1


def test_a_failure_is_not_kept() -> None:
    worked = iter([False, True])

    @once(4)
    def answer() -> str:
        if not next(worked):
            raise OSError("not there yet")
        return "there"

    with pytest.raises(OSError, match="not there yet"):
        answer()
    assert answer() == "there"
