from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from pipelines.running.tracing import MOST_TIMESTEPS, Trace, recorded

WIDE = 6
KEYS, OUT, TIMES = (torch.linspace(-1, 1, WIDE * WIDE).reshape(WIDE, WIDE) + at for at in (0.1, 0.2, 0.3))


class Calls(TorchFunctionMode):
    """How often each function of torch is called within."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.times: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.times[func.__name__] += 1
        return func(*args, **kwargs or {})


def step(sample: torch.Tensor, timestep: torch.Tensor, words: torch.Tensor) -> tuple[torch.Tensor]:
    """Attention to words, after a shift by the timestep: it multiplies once for each of the three."""
    time = functional.linear(torch.sin(timestep * torch.arange(WIDE)), TIMES)
    keys = functional.linear(words, KEYS).transpose(0, 1)
    first, second = (sample + time).chunk(2, dim=0)
    weights = torch.softmax(torch.cat([first, second]) @ keys, dim=-1)
    return (functional.linear(weights @ words, weight=OUT) + sample,)


def inputs(seed: int, timestep: float = 7.0) -> list[torch.Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    shapes = (4, WIDE), (5, WIDE)
    sample, words = (torch.randn(shape, generator=drawn) for shape in shapes)
    return [sample, torch.tensor(timestep), words]


def traced(make: Callable[..., Any], given: list[torch.Tensor]) -> tuple[Trace | None, str]:
    with torch.no_grad():
        outputs, trace, why = recorded(lambda: make(*given), given, timestep=1)
        assert torch.equal(outputs[0], make(*given)[0]) or why
    return trace, why


@pytest.fixture
def trace() -> Trace:
    trace, why = traced(step, inputs(1))
    assert trace is not None, why
    return trace


@torch.no_grad()
def test_other_inputs_give_what_the_pass_gives(trace: Trace) -> None:
    for seed, timestep in ((2, 7.0), (3, 1.0), (2, 1.0), (1, 7.0)):
        given = inputs(seed, timestep)
        assert torch.equal(trace.run(given)[0], step(*given)[0])


@torch.no_grad()
def test_only_what_changed_is_computed_again(trace: Trace) -> None:
    def multiplied(given: list[torch.Tensor]) -> int:
        with Calls() as calls:
            trace.run(given)
        return calls.times["linear"]

    sample, timestep, words = inputs(2)
    assert multiplied([sample, timestep, words]) == 3
    assert multiplied([sample + 1, timestep.clone(), words]) == 1
    assert multiplied([sample, timestep + 1, words]) == 2
    assert multiplied([sample, timestep, words]) == 1
    assert multiplied([sample, timestep, words.clone()]) == 2


@torch.no_grad()
def test_words_that_were_written_into_are_read_again(trace: Trace) -> None:
    given = inputs(2)
    trace.run(given)
    given[2].mul_(2)
    assert torch.equal(trace.run(given)[0], step(*given)[0])


@torch.no_grad()
def test_timesteps_unused_for_longest_leave(trace: Trace) -> None:
    for timestep in range(MOST_TIMESTEPS + 5):
        trace.run(inputs(1, float(timestep)))
    kept = [group.kept for group in trace._groups if hasattr(group, "kept")]
    assert [len(each) for each in kept] == [MOST_TIMESTEPS]
    assert 0.0 not in kept[0]


@torch.no_grad()
def test_no_picture_stays_in_memory_with_a_trace(trace: Trace) -> None:
    given = inputs(2)
    out = trace.run(given)[0]
    kept = [each for each in trace._table if isinstance(each, torch.Tensor)]
    assert not any(each is given[0] for each in kept)
    assert sum(each.numel() for each in kept if each is not out) <= 2 * given[2].numel() + 2 * WIDE


def drops(sample: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor]:
    return (functional.dropout(sample, 0.5),)


def writes(sample: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor]:
    return ((sample * 2).add_(1),)


def decides(sample: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor]:
    return (sample if sample.sum() > 0 else -sample,)


def forgets(sample: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor]:
    return (torch.ones(3),)


@pytest.mark.parametrize(
    ("make", "why"),
    [(drops, "random"), (writes, "add_ writes"), (decides, "__bool__"), (forgets, "none of its inputs")],
)
def test_what_a_list_of_operations_cannot_stand_for_is_told(make: Callable[..., Any], why: str) -> None:
    trace, said = traced(make, inputs(1))
    assert trace is None
    assert why in said


def test_one_tensor_as_two_inputs_is_not_told_apart() -> None:
    same = torch.ones(4, WIDE)
    trace, said = traced(lambda *given: (given[0] + given[2],), [same, torch.tensor(1.0), same])
    assert trace is None
    assert "two of its inputs" in said
