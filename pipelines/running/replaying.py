"""Lets small networks do a step again without the Python in it; see `pipelines.running.tracing`.

On a processor, a small UNet spends a good part of each step between its operations. The first step of a new
kind is recorded, the second is done both ways, and only where both are equal in every bit is it replayed from
then on.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pipelines.running.contents import Build, Unknown, apart, digest
from pipelines.running.network_state import state
from pipelines.running.recalling import forget_with, recalled_class
from pipelines.running.small_networks import MOST_WEIGHTS, networks, run_as_they_are, weights
from pipelines.running.tracing import Trace, recorded

if TYPE_CHECKING:
    from pipelines.running.contract import LoadSettings

log = logging.getLogger(__name__)

MOST_INPUT = 4 * 64 * 64 * 32
"""Numbers in what changes at every step: recording keeps all that a step computes."""
MOST_TRACES = 4
"""Of one network: a picture with and without guidance, of two sizes."""
_TRACES = "_likeness_traces"
_TIMESTEP = 1
"""Of the tensors that these are given."""


@dataclass(slots=True)
class Replay:
    """A trace, and whether its results were seen to be equal. `trace`: None for what cannot be replayed."""

    trace: Trace | None
    build: Build = tuple
    """Makes the network's answer of its tensors."""
    proven: bool = False


@dataclass(slots=True)
class Traces:
    """Of one network."""

    state: bytes = b""
    """The network's, while a picture is made; else nothing is replayed."""
    known: OrderedDict[bytes, Replay] = field(default_factory=OrderedDict)

    def find(self, key: bytes) -> Replay | None:
        """The one for this state and these kinds of inputs."""
        if (found := self.known.get(key)) is not None:
            self.known.move_to_end(key)
        return found

    def keep(self, key: bytes, replay: Replay) -> None:
        """Those unused for longest leave."""
        self.known[key] = replay
        if len(self.known) > MOST_TRACES:
            self.known.popitem(last=False)


@contextmanager
def replayed(pipeline: Any, settings: LoadSettings) -> Generator[None]:
    """Within, the networks of `pipeline` replay their steps where they can; they must not be changed."""
    found = networks(pipeline) if run_as_they_are(settings) else ()
    traced = [traces for network in found if (traces := _prepared(network, settings))]
    try:
        yield
    finally:
        for traces in traced:
            traces.state = b""


def _prepared(network: Any, settings: LoadSettings) -> Traces | None:
    """Its traces, with the state it is in; None for one that does not replay."""
    traces: Traces | None = network.__dict__.get(_TRACES)
    if traces is None:
        if weights(network) > MOST_WEIGHTS:
            return None
        traces = network.__dict__[_TRACES] = Traces()
        if forget_with(network, settings.remembered):
            network.__class__ = recalled_class(type(network), "__call__", _call)
    try:
        traces.state = state(network)
    except Unknown:
        return None
    return traces


def _call(plain: Any, network: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    traces: Traces = network.__dict__[_TRACES]

    def make() -> Any:
        return plain(network, *args, **kwargs)

    try:
        inputs, build = apart((args, kwargs))
        key = digest(traces.state, build([(at, *_kind(each)) for at, each in enumerate(inputs)]))
    except Unknown:
        return make()
    return _answer(traces, key, make, inputs) if traces.state and _can_replay(inputs, kwargs) else make()


def _answer(traces: Traces, key: bytes, make: Callable[[], Any], inputs: Sequence[torch.Tensor]) -> Any:
    if (known := traces.find(key)) is None:
        return _first(traces, key, make, inputs)
    if known.trace is None:
        return make()
    if known.proven:
        return known.build(known.trace.run(inputs))
    answer, outputs = make(), known.trace.run(inputs)
    known.proven = all(map(torch.equal, apart(answer)[0], outputs))
    if not known.proven:
        log.info("A step is not replayed: done again, it gave other numbers.")
        traces.keep(key, Replay(None))
    return answer


def _first(traces: Traces, key: bytes, make: Callable[[], Any], inputs: Sequence[torch.Tensor]) -> Any:
    build: Build = tuple

    def outputs() -> list[torch.Tensor]:
        nonlocal build
        found, build = apart(make())
        return found

    found, trace, why = recorded(outputs, inputs, _TIMESTEP)
    if why:
        log.info("A step is not replayed: %s.", why)
    traces.keep(key, Replay(trace, build))
    return build(found)


def _can_replay(inputs: Sequence[torch.Tensor], kwargs: dict[str, Any]) -> bool:
    if len(inputs) <= _TIMESTEP or torch.is_grad_enabled() or kwargs.get("return_dict") is not False:
        return False
    if inputs[0].numel() > MOST_INPUT or inputs[_TIMESTEP].numel() > 1:
        return False
    return not any(each.is_inference() or each.device.type != "cpu" for each in inputs)


def _kind(tensor: torch.Tensor) -> tuple[Any, ...]:
    return "tensor", str(tensor.dtype), tuple(tensor.shape), tensor.stride(), str(tensor.device)
