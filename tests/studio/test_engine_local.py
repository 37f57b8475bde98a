"""The engine with a real spawned process and pipe; only the picture making is scripted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.errors import Conflict, LikenessError, ModelUnavailable, WorkerLost
from pipelines.events import (
    Completed,
    Event,
    Failed,
    ImageReady,
    Phase,
    PhaseChanged,
    PreviewReady,
    ReadOrder,
    Region,
    Started,
    StepProgress,
    WorkOrder,
)
from pipelines.request import CompleteRequest
from studio.engine.local import LocalEngine
from studio.engine.patience import Patience, TimeLimits
from tests.studio import scripted_worker
from tests.studio.scripted_worker import pixels

MODELS = Path("models.yaml")


def order(job_id: str = "job", prompt: str = "", *, steps: int = 3, images: int = 1) -> WorkOrder:
    request = CompleteRequest(
        model="m", prompt=prompt, seed=5, width=16, height=16, num_inference_steps=steps, num_images=images
    )
    return WorkOrder(job_id, request, {})


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for it; fails loudly where it never comes."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., LocalEngine]]:
    made: list[LocalEngine] = []

    def make(main: Callable[..., None] = scripted_worker.main, **options: object) -> LocalEngine:
        engine = LocalEngine(MODELS, "cpu", main=main, args=(str(tmp_path),), **options)  # type: ignore[arg-type]
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.stop()


@pytest.fixture
def engine(make: Callable[..., LocalEngine]) -> LocalEngine:
    return make(restart_delays=(0.0, 0.05, 0.05))


class Running:
    """An order in a thread of its own, as the dispatcher runs it."""

    def __init__(self, engine: LocalEngine, order: WorkOrder) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None
        self._engine, self._order = engine, order
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for event in self._engine.run(self._order):
                self.events.append(event)
        except WorkerLost as error:
            self.error = error

    def reached(self, kind: type, **values: object) -> Running:
        def seen() -> bool:
            return any(
                isinstance(event, kind) and all(getattr(event, k) == v for k, v in values.items())
                for event in list(self.events)
            )

        until(seen)
        return self

    def join(self) -> list[Event]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.events


def test_events_come_in_order(engine: LocalEngine) -> None:
    events = list(engine.run(order(steps=2)))
    assert events == [
        PhaseChanged(Phase.LOADING),
        PhaseChanged(Phase.ENCODING),
        Started({"device": "scripted"}),
        PhaseChanged(Phase.DENOISING),
        StepProgress(1, 2, 0),
        PreviewReady(scripted_worker.PREVIEW, 0),
        StepProgress(2, 2, 0),
        PreviewReady(scripted_worker.PREVIEW, 0),
        PhaseChanged(Phase.DECODING),
        ImageReady(0, 5, 16, 16, pixels(5)),
        Completed({"denoising": 0.5}),
    ]


def test_state_follows_the_worker(engine: LocalEngine) -> None:
    seen: list[str] = []
    engine.on_state(lambda state: seen.append(state.state))
    list(engine.run(order()))
    engine.stop()
    assert seen == ["starting", "ready", "busy", "ready", "restarting", "down"]
    assert engine.state.device == "scripted"


@pytest.mark.parametrize("phase", ["loading", "encoding", "denoising", "decoding"])
def test_cancel_ends_each_phase_and_keeps_the_worker(engine: LocalEngine, phase: str) -> None:
    running = Running(engine, order(prompt=f"hang-{phase}")).reached(PhaseChanged, phase=Phase(phase))
    pid = engine.pid
    engine.cancel("job")
    assert running.join()[-1] == Failed("cancelled", "Cancelled.")
    assert isinstance(list(engine.run(order("next")))[-1], Completed)
    assert engine.pid == pid


def test_cancel_while_the_worker_is_still_starting(engine: LocalEngine) -> None:
    assert engine.state.state == "starting"
    running = Running(engine, order())
    engine.cancel("job")
    assert running.join() == [Failed("cancelled", "Cancelled.")]


def test_a_worker_that_does_not_answer_is_replaced(make: Callable[..., LocalEngine]) -> None:
    engine = make(cancel_grace=0.2)
    running = Running(engine, order(prompt="deaf")).reached(PhaseChanged, phase=Phase.LOADING)
    pid = engine.pid
    assert pid is not None
    engine.cancel("job")
    assert running.join()[-1] == Failed("cancelled", "Cancelled.")
    assert isinstance(list(engine.run(order("next")))[-1], Completed)
    assert engine.pid != pid
    assert gone(pid)


def impatient(**limits: float) -> Callable[[], Patience]:
    return lambda: Patience(TimeLimits(**({"silence": 30.0, "start_silence": 30.0} | limits)))


@pytest.mark.posix("sends signals to a process")
@pytest.mark.parametrize("phase", ["loading", "denoising"])
def test_a_worker_that_hangs_with_an_order_is_replaced_unasked(
    make: Callable[..., LocalEngine], phase: str
) -> None:
    engine = make(patience=impatient(silence=1.0))
    running = Running(engine, order(prompt=f"hang-{phase}")).reached(PhaseChanged, phase=Phase(phase))
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    running.join()
    assert isinstance(running.error, WorkerLost)
    assert "no sign of life" in running.error.detail
    assert isinstance(list(engine.run(order("next")))[-1], Completed)
    assert gone(pid)


@pytest.mark.posix("sends signals to a process")
def test_a_worker_that_hangs_between_orders_is_replaced(make: Callable[..., LocalEngine]) -> None:
    engine = make(patience=impatient(silence=1.0))
    until(lambda: engine.state.state == "ready")
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    until(lambda: engine.state.state == "ready" and engine.pid not in (None, pid))
    assert gone(pid)


@pytest.mark.posix("sends signals to a process")
def test_a_worker_that_hangs_while_it_starts_is_replaced_and_the_order_goes_on(
    make: Callable[..., LocalEngine],
) -> None:
    engine = make(
        scripted_worker.main_that_hangs_at_its_first_start,
        patience=impatient(start_silence=5.0),
        restart_delays=(0.0, 0.05, 0.05),
    )
    assert isinstance(list(engine.run(order()))[-1], Completed)


def test_a_worker_that_lives_but_stands_still_is_replaced(make: Callable[..., LocalEngine]) -> None:
    engine = make(patience=impatient(step_floor=1.0))
    running = Running(engine, order(prompt="stuck-once", steps=4)).reached(StepProgress, step=2)
    running.join()
    assert isinstance(running.error, WorkerLost)
    assert "did not get on" in running.error.detail
    assert isinstance(list(engine.run(order(prompt="stuck-once", steps=4)))[-1], Completed)


def test_a_cancel_does_not_outlive_its_order(engine: LocalEngine) -> None:
    running = Running(engine, order(prompt="hang-denoising")).reached(PhaseChanged, phase=Phase.DENOISING)
    engine.cancel("job")
    running.join()
    assert isinstance(list(engine.run(order("job")))[-1], Completed)


@pytest.mark.posix("sends signals to a process")
def test_sigkill_in_the_middle_is_noticed_and_mended(engine: LocalEngine) -> None:
    running = Running(engine, order(prompt="hang-denoising")).reached(PhaseChanged, phase=Phase.DENOISING)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    running.join()
    assert isinstance(running.error, WorkerLost)
    assert "memory ran out" in running.error.detail
    assert isinstance(list(engine.run(order("next")))[-1], Completed)


@pytest.mark.posix("sends signals to a process")
def test_death_between_orders_is_mended_unasked(engine: LocalEngine) -> None:
    until(lambda: engine.state.state == "ready")
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: engine.state.state == "ready" and engine.pid not in (None, pid))


def test_an_unexpected_error_fails_the_order_and_replaces_the_worker(engine: LocalEngine) -> None:
    until(lambda: engine.state.state == "ready")
    pid = engine.pid
    assert list(engine.run(order(prompt="crash")))[-1] == Failed(
        "error", "The picture could not be made. The studio's terminal shows the details."
    )
    assert isinstance(list(engine.run(order("next")))[-1], Completed)
    assert engine.pid != pid


def test_a_refusal_keeps_its_words(engine: LocalEngine) -> None:
    assert list(engine.run(order(prompt="refuse")))[-1] == Failed(
        "model_unavailable", "The weights are not here. Download them first."
    )


def test_a_worker_that_refuses_to_start_is_down_until_the_next_order(
    make: Callable[..., LocalEngine], tmp_path: Path
) -> None:
    engine = make(scripted_worker.main_that_cannot_start)
    until(lambda: engine.state.state == "down")
    assert engine.state.detail == "models.yaml, entry 'x': key 'family' is missing."
    failed = Failed("worker_lost", "models.yaml, entry 'x': key 'family' is missing.")
    assert list(engine.run(order())) == [failed]
    (tmp_path / "mended").touch()
    assert isinstance(list(engine.run(order()))[-1], Completed)


def test_a_worker_that_dies_at_each_start_is_given_up(
    make: Callable[..., LocalEngine], tmp_path: Path
) -> None:
    engine = make(scripted_worker.main_that_dies_at_start, restart_delays=(0.0, 0.01, 0.01))
    until(lambda: engine.state.state == "down")
    assert len((tmp_path / "starts.log").read_text().splitlines()) == 3
    assert "SIGSEGV" in engine.state.detail
    assert "doctor" in engine.state.detail


def test_a_missing_catalogue_says_so(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path / "nowhere.yaml", "cpu")
    try:
        until(lambda: engine.state.state == "down", 60)
        assert "nowhere.yaml" in engine.state.detail
    finally:
        engine.stop()


def test_stop_leaves_no_process_and_frees_the_order(engine: LocalEngine) -> None:
    running = Running(engine, order(prompt="hang-denoising")).reached(PhaseChanged, phase=Phase.DENOISING)
    pid = engine.pid
    assert pid is not None
    engine.stop()
    running.join()
    assert isinstance(running.error, WorkerLost)
    assert gone(pid)
    engine.stop()


def test_an_abandoned_order_is_cancelled(engine: LocalEngine) -> None:
    events = engine.run(order(prompt="hang-denoising"))
    next(events)
    events.close()
    assert isinstance(list(engine.run(order("next")))[-1], Completed)


_STUDIO = """
import signal, sys, time
from pathlib import Path
from studio.engine.local import LocalEngine
from tests.studio import scripted_worker
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
    engine = LocalEngine(Path("m"), "cpu", main=scripted_worker.main, args=(sys.argv[1],))
    while engine.state.state != "ready":
        time.sleep(0.01)
    print(engine.pid, flush=True)
    time.sleep(60)
"""


KILLED = getattr(signal, "SIGKILL", signal.SIGTERM)
STOPPED = pytest.param(KILLED, True, marks=pytest.mark.linux("only Linux ends what cannot run"))


@pytest.mark.posix("sends signals to a process")
@pytest.mark.parametrize(
    ("end", "stopped"),
    [(KILLED, False), (signal.SIGTERM, False), (signal.SIGINT, False), STOPPED],
)
def test_the_worker_ends_with_the_studio(tmp_path: Path, end: signal.Signals, stopped: bool) -> None:
    script = tmp_path / "studio_like.py"
    script.write_text(_STUDIO)
    studio = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )
    assert studio.stdout is not None
    with studio.stdout:
        pid = int(studio.stdout.readline())
        if stopped:
            os.kill(pid, signal.SIGSTOP)
        studio.send_signal(end)
        studio.wait(30)
    until(lambda: gone(pid))


_STUCK = """
import ctypes
from studio.engine import orphans
orphans.STUCK_SECONDS = 1
orphans.end_when_stuck()
ctypes.PyDLL(None).sleep(60)  # native code that lets no thread of Python run
"""


@pytest.mark.posix("sleeps in native code that lets no thread of Python run")
def test_a_process_that_is_stuck_in_native_code_ends_by_itself() -> None:
    done = subprocess.run([sys.executable, "-c", _STUCK], capture_output=True, text=True, timeout=40)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


@pytest.mark.posix("sends signals to a process")
def test_the_worker_hears_no_ctrl_c(engine: LocalEngine) -> None:
    until(lambda: engine.state.state == "ready")
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    assert isinstance(list(engine.run(order()))[-1], Completed)
    assert engine.pid == pid


# --- questions about pictures -----------------------------------------------------------------


def question(words: str = "plain", order_id: str = "question") -> ReadOrder:
    return ReadOrder(order_id, words, (Region("one.png"), Region("two.png", (1, 2, 3, 4))))


def test_a_question_is_answered_and_a_refusal_comes_as_its_error(engine: LocalEngine) -> None:
    assert engine.read(question(), 30) == ("one.png", "two.png")
    with pytest.raises(ModelUnavailable, match="Download it first"):
        engine.read(question("refuse"), 30)
    assert engine.state.state == "ready"


def test_a_question_does_not_wait_long_for_a_job_and_goes_before_the_next(
    engine: LocalEngine, tmp_path: Path
) -> None:
    first = Running(engine, order("first", "hang-denoising")).reached(Started)
    with pytest.raises(Conflict, match="when it is done"):
        engine.read(question(), 0.05)
    answers: list[object] = []
    reader = threading.Thread(target=lambda: answers.append(engine.read(question(), 30)))
    reader.start()
    until(lambda: engine._readers_waiting == 1)
    engine.cancel("first")
    first.join()
    second = Running(engine, order("second"))
    reader.join(30)
    assert answers == [("one.png", "two.png")]
    assert isinstance(second.join()[-1], Completed)
    assert (tmp_path / "order.log").read_text().split() == ["first", "question", "second"]


def test_a_job_that_waits_for_a_question_can_be_cancelled(engine: LocalEngine, tmp_path: Path) -> None:
    answers: list[object] = []
    reader = threading.Thread(target=lambda: answers.append(engine.read(question("slow"), 30)))
    reader.start()
    until(lambda: engine.state.state == "busy")
    waiting = Running(engine, order("waiting"))
    engine.cancel("waiting")
    assert [event.code for event in waiting.join() if isinstance(event, Failed)] == ["cancelled"]
    (tmp_path / "go").touch()
    reader.join(30)
    assert answers == [("one.png", "two.png")]


@pytest.mark.parametrize(
    ("words", "error"), [("die", WorkerLost), ("crash", LikenessError), ("deaf", WorkerLost)]
)
def test_a_worker_that_is_lost_with_a_question_is_replaced(
    make: Callable[..., LocalEngine], words: str, error: type[LikenessError]
) -> None:
    engine = make(restart_delays=(0.0, 0.05, 0.05), read_limit=1.0 if words == "deaf" else 30.0)
    with pytest.raises(error):
        engine.read(question(words), 30)
    assert isinstance(list(engine.run(order()))[-1], Completed)


@pytest.mark.posix("stops a process with a signal")
def test_a_worker_that_hangs_over_a_question_is_replaced_and_the_job_behind_it_is_made(
    make: Callable[..., LocalEngine],
) -> None:
    engine = make(restart_delays=(0.0, 0.05, 0.05), patience=lambda: Patience(TimeLimits(silence=2.0)))
    lost: list[str] = []

    def ask() -> None:
        try:
            engine.read(question("stopped"), 30)
        except WorkerLost as error:
            lost.append(error.detail)

    reader = threading.Thread(target=ask)
    reader.start()
    until(lambda: engine.state.state == "busy")
    behind = Running(engine, order("behind"))
    reader.join(30)
    assert [words.split(" for ")[0] for words in lost] == ["The image worker gave no sign of life"]
    assert isinstance(behind.join()[-1], Completed)
    assert engine.read(question(), 30) == ("one.png", "two.png")


def test_without_a_worker_a_question_says_so(make: Callable[..., LocalEngine]) -> None:
    engine = make(scripted_worker.main_that_cannot_start)
    until(lambda: engine.state.state == "down")
    with pytest.raises(WorkerLost, match=r"models\.yaml"):
        engine.read(question(), 30)
