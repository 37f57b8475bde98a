"""Tells of each step at once, and now and then what the picture looks like so far, drawn beside the work.

A preview waits for the card, makes a JPEG of what it brings, and so costs a quick model a good part of each
step. It is therefore drawn in a thread of its own, at most ten times a second, from the newest latents, and
one that is not ready when the picture is denoised is left out. Knows nothing of models and latents.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType

from pipelines.events import Event, PreviewReady, StepProgress

EVERY_SECONDS = 0.1

MakeJpeg = Callable[[], bytes]


class LatePreviews:
    """Of picture `index` of a batch, while it is denoised; `emit` is called by two threads in turn.

    `at_once`: it and those after it, drawn together, each step of the call one of each; only it is shown.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        pictures: int,
        index: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        at_once: int = 1,
    ) -> None:
        self._emit = emit
        self._pictures, self._index, self._at_once = pictures, index, at_once
        self._clock = clock
        self._telling = threading.Lock()
        self._open = True
        self._drawing = False
        self._next_at = float("-inf")
        self._wanted: SimpleQueue[MakeJpeg | None] = SimpleQueue()

    def __enter__(self) -> LatePreviews:
        threading.Thread(target=self._work, name="previews", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._telling:
            self._open = False
        self._wanted.put(None)

    def step(self, step: int, of: int, prepare: Callable[[], MakeJpeg]) -> None:
        """`step`, from 0, `of` so many is done; `prepare` keeps what to draw from, where a preview is due."""
        with self._telling:
            done = self._index * of + (step + 1) * self._at_once
            self._emit(StepProgress(done, of * self._pictures, self._index))
        now = self._clock()
        if not self._drawing and now >= self._next_at:
            self._drawing, self._next_at = True, now + EVERY_SECONDS
            self._wanted.put(prepare())

    def _work(self) -> None:
        while (draw := self._wanted.get()) is not None:
            preview = draw()
            with self._telling:
                if self._open:
                    self._emit(PreviewReady(preview, self._index))
            self._drawing = False
