"""When a worker counts as hung: seconds that are passed in, no threads, no sleep."""

from __future__ import annotations

import pytest

from pipelines.events import Completed, Event, Phase, PhaseChanged, StepProgress
from studio.engine.messages import Alive, JobEvent, ReadAnswer, Ready
from studio.engine.patience import Patience, TimeLimits

LIMITS = TimeLimits()


class Watched:
    """A worker under watch; time passes second by second, with or without signs of life."""

    def __init__(self) -> None:
        self.now = 0.0
        self.patience = Patience(LIMITS, lambda: self.now)

    def ready(self) -> Watched:
        self.patience.hear(Ready("cpu", ""))
        return self

    def tell(self, *events: Event) -> None:
        for event in events:
            self.patience.hear(JobEvent("job", event))

    def lasts(self, seconds: float, *, alive: bool) -> tuple[float, str] | None:
        """Seconds until it is given up, and the words; None where it is not."""
        for second in range(1, round(seconds) + 1):
            self.now += 1
            if alive:
                self.patience.hear(Alive())
            if why := self.patience.wait(1.0):
                return second, why
        return None

    def step(self, number: int, seconds: float) -> None:
        self.now += seconds
        self.patience.wait(seconds)
        self.tell(StepProgress(number, 20))


def test_without_signs_of_life_it_is_given_up_at_any_time() -> None:
    worker = Watched().ready()
    given_up = worker.lasts(1000, alive=False)
    assert given_up == (60, "The image worker gave no sign of life for 60 seconds and is being replaced.")


def test_a_start_may_take_longer() -> None:
    given_up = Watched().lasts(1000, alive=False)
    assert given_up is not None
    assert given_up[0] == LIMITS.start_silence


def test_an_idle_worker_that_lives_is_left_alone() -> None:
    worker = Watched().ready()
    assert worker.lasts(3 * LIMITS.stillness, alive=True) is None
    worker.patience.begin()
    worker.tell(PhaseChanged(Phase.DENOISING), StepProgress(1, 1), Completed())
    assert worker.lasts(3 * LIMITS.stillness, alive=True) is None
    worker.patience.begin()
    worker.patience.hear(ReadAnswer("question", ()))
    assert worker.lasts(3 * LIMITS.stillness, alive=True) is None


@pytest.mark.parametrize(("pace", "limit"), [(0.1, 60), (3.0, 60), (10.0, 200)])
def test_a_step_may_take_twenty_times_the_longest_and_at_least_a_minute(pace: float, limit: int) -> None:
    worker = Watched().ready()
    worker.patience.begin()
    worker.tell(PhaseChanged(Phase.DENOISING))
    for number in (1, 2, 3):
        worker.step(number, pace)
    given_up = worker.lasts(5000, alive=True)
    assert given_up is not None
    assert given_up[0] == limit
    assert "did not get on" in given_up[1]


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.ENCODING, Phase.DENOISING, Phase.DECODING])
def test_where_no_step_is_measured_it_has_long(phase: Phase) -> None:
    worker = Watched().ready()
    worker.patience.begin()
    worker.tell(PhaseChanged(phase))
    given_up = worker.lasts(5000, alive=True)
    assert given_up is not None
    assert given_up[0] == LIMITS.stillness


def test_the_pace_of_one_order_says_nothing_of_the_next() -> None:
    worker = Watched().ready()
    worker.patience.begin()
    worker.step(1, 0.5)
    worker.tell(Completed())
    worker.patience.begin()
    worker.tell(PhaseChanged(Phase.DENOISING))
    assert worker.lasts(LIMITS.stillness - 1, alive=True) is None


def test_decoding_after_quick_steps_has_long_again() -> None:
    worker = Watched().ready()
    worker.patience.begin()
    worker.step(1, 0.5)
    worker.tell(PhaseChanged(Phase.DECODING))
    assert worker.lasts(LIMITS.stillness - 1, alive=True) is None
