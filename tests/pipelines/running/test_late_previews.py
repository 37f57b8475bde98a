"""Previews are drawn beside the work: told in order, at most ten a second, and waited for by nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise

from pipelines.events import Event, PreviewReady, StepProgress
from pipelines.running.late_previews import EVERY_SECONDS, LatePreviews


class Told:
    """The events, and a wait for some of them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, 20)


def picture(data: bytes) -> Callable[[], Callable[[], bytes]]:
    return lambda: lambda: data


def test_a_step_is_told_at_once_and_its_preview_when_it_is_drawn() -> None:
    told, let_go = Told(), threading.Event()

    def draw() -> bytes:
        assert let_go.wait(20)
        return b"one"

    with LatePreviews(told, pictures=2, index=1) as previews:
        previews.step(0, 4, lambda: draw)
        previews.step(1, 4, picture(b"two"))
        assert told.events == [StepProgress(5, 8, 1), StepProgress(6, 8, 1)]
        let_go.set()
        told.wait(3)
    assert told.events[2] == PreviewReady(b"one", 1)


def test_no_more_than_ten_a_second_are_prepared() -> None:
    told, now, prepared = Told(), [0.0], []

    def prepare() -> Callable[[], bytes]:
        prepared.append(now[0])
        return lambda: b"x"

    with LatePreviews(told, 1, 0, clock=lambda: now[0]) as previews:
        for step in range(100):
            previews.step(step, 100, prepare)
            told.wait(step + 1 + len(prepared))
            while previews._drawing:
                pass
            now[0] += 0.03
    assert len(prepared) == 25
    gaps = [later - sooner for sooner, later in pairwise(prepared)]
    assert min(gaps) >= EVERY_SECONDS


def test_one_that_comes_after_the_picture_is_left_out() -> None:
    told, let_go, drawn = Told(), threading.Event(), threading.Event()

    def draw() -> bytes:
        assert let_go.wait(20)
        drawn.set()
        return b"late"

    with LatePreviews(told, 1, 0) as previews:
        previews.step(0, 1, lambda: draw)
    let_go.set()
    assert drawn.wait(20)
    assert told.events == [StepProgress(1, 1, 0)]


def test_its_thread_ends_with_the_picture() -> None:
    with LatePreviews(Told(), 1, 0) as previews:
        previews.step(0, 1, picture(b"x"))
        [thread] = [each for each in threading.enumerate() if each.name == "previews"]
    thread.join(20)
    assert not thread.is_alive()
