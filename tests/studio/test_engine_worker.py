"""The real worker: spawned process, torch, diffusers, a tiny random model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import WorkerLost
from pipelines.events import (
    Completed,
    Event,
    Failed,
    ImageReady,
    Phase,
    PhaseChanged,
    Started,
    StepProgress,
    WorkOrder,
)
from pipelines.memory.plan import Precision
from pipelines.request import CompleteRequest
from studio.engine.local import LocalEngine
from studio.settings import ROOT

SIDE = 64


@pytest.fixture(scope="module")
def engine(tiny_models_yaml: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(tiny_models_yaml, "cpu", precision=Precision.FLOAT32)
    yield engine
    engine.stop()


def order(job_id: str, *, model: str = "tiny", steps: int = 3, images: int = 1, skip: int = 0) -> WorkOrder:
    request = CompleteRequest(
        model=model,
        prompt="a portrait",
        seed=11,
        width=SIDE,
        height=SIDE,
        num_inference_steps=steps,
        num_images=images,
    )
    return WorkOrder(job_id, request, {}, frozenset(range(skip)))


def pictures(events: list[Event]) -> dict[int, bytes]:
    return {event.index: event.rgb for event in events if isinstance(event, ImageReady)}


def test_a_picture_comes_with_all_its_events(engine: LocalEngine) -> None:
    events = list(engine.run(order("whole")))
    phases = [event.phase for event in events if isinstance(event, PhaseChanged)]
    assert phases == [Phase.LOADING, Phase.ENCODING, Phase.DENOISING, Phase.DECODING]
    steps = [event for event in events if isinstance(event, StepProgress)]
    assert [(step.step, step.total_steps) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    kinds = [type(event) for event in events]
    assert kinds.index(Started) < kinds.index(ImageReady)
    assert len(pictures(events)[0]) == SIDE * SIDE * 3
    assert isinstance(events[-1], Completed)


def test_the_engine_says_device_and_threads(engine: LocalEngine) -> None:
    list(engine.run(order("any")))
    assert engine.state.device == "cpu"
    assert "float32, " in engine.state.detail
    assert engine.state.hardware is not None
    assert engine.state.hardware.kind == "cpu"
    assert 0 < engine.state.hardware.free <= engine.state.hardware.total


def test_a_batch_that_goes_on_equals_one_in_one_go(engine: LocalEngine) -> None:
    whole = pictures(list(engine.run(order("whole", images=3))))
    rest = pictures(list(engine.run(order("rest", images=3, skip=2))))
    assert rest == {2: whole[2]}


@pytest.mark.parametrize("phase", [Phase.LOADING, Phase.ENCODING, Phase.DENOISING, Phase.DECODING])
def test_cancel_in_each_phase(engine: LocalEngine, phase: Phase) -> None:
    events = []
    for event in engine.run(order("cancelled", steps=50, images=8)):
        events.append(event)
        if event == PhaseChanged(phase):
            engine.cancel("cancelled")
    assert events[-1] == Failed("cancelled", "Cancelled.")
    assert len(pictures(events)) < 8


@pytest.mark.posix("sends signals to a process")
def test_kill_9_in_the_middle_then_the_same_pixels(engine: LocalEngine) -> None:
    before = pictures(list(engine.run(order("before", steps=5))))
    pid = engine.pid
    assert pid is not None
    killed = engine.run(order("killed", steps=50, images=8))
    assert any(isinstance(event, StepProgress) for event in killed)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerLost):
        list(killed)
    assert pictures(list(engine.run(order("after", steps=5)))) == before
    assert engine.pid != pid


def test_a_model_that_is_not_here_fails_with_words(engine: LocalEngine) -> None:
    failed = list(engine.run(order("missing", model="not-here")))[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "model_unavailable"
    assert isinstance(list(engine.run(order("next")))[-1], Completed)


def test_the_server_process_loads_no_torch() -> None:
    program = "import sys, studio.dispatcher, studio.engine.local; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


LOADED = """
import gc, sys
from pathlib import Path
from pipelines.memory.plan import Precision
from studio.engine import worker

runner, _ = worker._load(Path(sys.argv[1]), "cpu", None, Precision.FLOAT32, None, lambda said: None)
watched = {type(each).__name__ for each in gc.get_objects()}
print(gc.isenabled(), gc.get_freeze_count() > 100_000, "UNet2DConditionModel" in watched)
"""


def test_the_collector_passes_over_the_libraries_and_not_over_the_model(tiny_models_yaml: Path) -> None:
    """What it passes over would never leave memory."""
    command = [sys.executable, "-c", LOADED, str(tiny_models_yaml)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["True", "True", "True"], done.stderr
