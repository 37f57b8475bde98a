"""How long a job takes: measured while it runs, expected from past runs of the same model and mode.

Pure arithmetic on seconds; the clock is passed in. Where nothing is known the answer is None, never a
guess. Knows nothing of rows, events and threads.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from pipelines.events import Phase
from pipelines.request import GenerationRequest, Mode

_REMEMBERED = 8
_AFTER = (Phase.DECODING, Phase.ENLARGING, Phase.SAVING)
_AROUND = (Phase.ENCODING, Phase.DECODING, Phase.SAVING)
_Kind = tuple[str | None, Mode, bool]


@dataclass(frozen=True, slots=True)
class Expected:
    """Seconds a job is expected to take, without loading the model."""

    denoising: float
    before: float
    after: float

    @property
    def total(self) -> float:
        """From the end of loading to the saved pictures."""
        return self.before + self.denoising + self.after


class PastRuns:
    """The last finished runs of each model and mode on this machine; quick drafts apart."""

    def __init__(self) -> None:
        self._runs: dict[_Kind, deque[Expected]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def add(self, request: GenerationRequest, timings: Mapping[str, float]) -> None:
        """Learn from a complete run; `timings` in seconds per phase."""
        if not timings.get(Phase.DENOISING):
            return
        self._runs[_kind(request)].append(
            Expected(
                denoising=timings[Phase.DENOISING] / _work(request),
                before=timings.get(Phase.ENCODING, 0.0),
                after=sum(timings.get(phase, 0.0) for phase in _AFTER) / request.num_images,
            )
        )

    def expect(self, request: GenerationRequest) -> Expected | None:
        """Median of the remembered runs, scaled to the work of `request`; None where there are none."""
        runs = self._runs.get(_kind(request))
        if not runs:
            return None
        return Expected(
            denoising=median(run.denoising for run in runs) * _work(request),
            before=median(run.before for run in runs),
            after=median(run.after for run in runs) * request.num_images,
        )


@dataclass(slots=True)
class Progress:
    """One running job: seconds spent in each phase and the pace of its steps."""

    clock: Callable[[], float]
    expected: Expected | None = None
    timings: dict[str, float] = field(default_factory=dict[str, float])
    phase: Phase | None = None
    _since: float = 0.0
    _denoising_since: float | None = None
    _step: int = 0
    _total: int = 0

    def enter(self, phase: Phase | None) -> None:
        """The job is in `phase` from now on; None: it ended."""
        now = self.clock()
        if self.phase is not None:
            self.timings[self.phase] = self.timings.get(self.phase, 0.0) + now - self._since
        self.phase, self._since = phase, now
        if phase is Phase.DENOISING and self._denoising_since is None:
            self._denoising_since = now

    def reach(self, step: int, total: int) -> None:
        """`step` of `total` is done now."""
        if self._denoising_since is None:
            self._denoising_since = self._since
        self._step, self._total = step, total

    def eta(self) -> float | None:
        """Seconds to the saved pictures as seen at this moment."""
        if self._step and self._denoising_since is not None:
            return self._eta_by_steps(self._denoising_since)
        if self.expected is None:
            return None
        waited = 0.0 if self.phase in (None, Phase.LOADING) else self.clock() - self._since
        return max(0.0, self.expected.total - self.timings.get(Phase.ENCODING, 0.0) - waited)

    def _eta_by_steps(self, since: float) -> float | None:
        left = self._total - self._step
        after = self.expected.after if self.expected else None
        if left:
            return (self.clock() - since) / self._step * left + (after or 0.0)
        if after is None:
            return None
        waited = self.clock() - self._since if self.phase is not Phase.DENOISING else 0.0
        return max(0.0, after - waited)


def seconds_per_picture(timings: Mapping[str, float], pictures: int) -> float | None:
    """What one picture cost without loading and waiting; None where nothing was measured."""
    spent = sum(timings.get(phase, 0.0) for phase in (*_AROUND, Phase.DENOISING, Phase.ENLARGING))
    return spent / pictures if spent and pictures else None


def _kind(request: GenerationRequest) -> _Kind:
    return request.model, request.mode, request.quick_draft


def _work(request: GenerationRequest) -> float:
    """Pixels times steps: what denoising seconds are in proportion to."""
    pixels = (request.width or 512) * (request.height or 512)
    share = 1.0 if request.strength is None else max(request.strength, 1 / request.num_inference_steps)
    return pixels * request.num_inference_steps * request.num_images * share
