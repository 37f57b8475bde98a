"""How long a worker may be quiet before it counts as hung. Arithmetic on seconds, without threads or pipe.

Two measures: a sign of life that each worker gives every few seconds, whatever it is at, and the events of
its work, held to the pace of the steps it has made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.events import Completed, Event, Failed, Phase, PhaseChanged, StepProgress
from studio.engine.messages import Alive, FromWorker, JobEvent, ReadAnswer, Ready


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds, generous: to replace a worker that is only slow costs more than to wait for a lost one."""

    silence: float = 60.0
    """Without a sign of life."""
    start_silence: float = 120.0
    """The same before it is ready: PyTorch may come from a slow disk, and Python stands still meanwhile."""
    stillness: float = 1800.0
    """Alive, but nothing comes of it, where there is no step to measure by: loading, compiling, decoding."""
    step_floor: float = 60.0
    step_factor: float = 20.0
    """A step may take this many times the longest one of its order, and never less than `step_floor`."""


class Patience:
    """With one worker, from its start to its end."""

    def __init__(
        self, limits: TimeLimits = TimeLimits(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._silent = self._still = 0.0
        self._ready, self._working = False, True
        self._phase: Phase | None = None
        self._longest: float | None = None
        self._told_at = clock()

    def begin(self) -> None:
        """It was given something to do."""
        self._working, self._phase, self._longest, self._still = True, None, None, 0.0

    def hear(self, message: FromWorker) -> None:
        """It said something."""
        self._silent = 0.0
        if isinstance(message, Alive):
            return
        self._still = 0.0
        match message:
            case Ready():
                self._ready, self._working = True, False
            case JobEvent(_, event):
                self._follow(event)
            case ReadAnswer():
                self._working = False
            case _:
                pass

    def wait(self, seconds: float) -> str | None:
        """That much time has passed without a word; why it is to be replaced, where it is."""
        self._silent += seconds
        self._still += seconds
        if self._silent >= (self._limits.silence if self._ready else self._limits.start_silence):
            return _SILENT.format(round(self._silent))
        if self._working and self._still >= self._limit():
            return _STILL.format(round(self._still))
        return None

    def _follow(self, event: Event) -> None:
        now = self._clock()
        match event:
            case PhaseChanged(phase):
                self._phase = phase
            case StepProgress():
                self._phase = Phase.DENOISING
                self._longest = max(self._longest or 0.0, now - self._told_at)
            case Completed() | Failed():
                self._working = False
            case _:
                pass
        self._told_at = now

    def _limit(self) -> float:
        if self._phase is not Phase.DENOISING or self._longest is None:
            return self._limits.stillness
        return max(self._limits.step_floor, self._limits.step_factor * self._longest)


_SILENT = "The image worker gave no sign of life for {} seconds and is being replaced."
_STILL = "The image worker did not get on for {} seconds and is being replaced."
