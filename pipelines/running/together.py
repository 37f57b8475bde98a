"""Draws several pictures of a batch by one call, where each of them comes out as it does alone, bit for bit.

A small network on a processor takes less for four pictures at a time than for one four times. But in which
order numbers are summed up may depend on how many pictures there are, and then the last bits differ. So the
first step of every new kind of call is done both ways; what differs once is drawn one by one ever after.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pipelines.running.contents import Unknown, apart, digest
from pipelines.running.network_state import state
from pipelines.running.small_networks import MOST_WEIGHTS, networks, run_as_they_are, weights

if TYPE_CHECKING:
    from pipelines.planning.plan import Plan
    from pipelines.running.contract import LoadSettings, OnStep

log = logging.getLogger(__name__)

MOST = 4
"""Pictures in one call: more would be little quicker each, and the first of them later."""
MOST_PIXELS = 256 * 256
_KNOWN = "_likeness_together"

Run = Callable[[Sequence[int], "OnStep"], torch.Tensor]
"""(seeds, what is told of each step) → latents (n, ...) of as many pictures."""


@dataclass(slots=True)
class Known:
    """Of one UNet: the kinds of calls that were seen to be equal, and whether one was not."""

    equal: set[bytes] = field(default_factory=set[bytes])
    differs: bool = False


class _Enough(Exception):
    """One step was to be seen."""


class _Differs(Exception):
    """A picture is another together than alone."""


def most(pipeline: Any, plan: Plan, settings: LoadSettings) -> int:
    """How many pictures of `plan` one call may be asked for."""
    unet = getattr(pipeline, "unet", None)
    if plan.step_cache is not None or plan.width * plan.height > MOST_PIXELS or not run_as_they_are(settings):
        return 1
    if not isinstance(unet, torch.nn.Module) or weights(unet) > MOST_WEIGHTS:
        return 1
    return 1 if _known(unet).differs else MOST


def drawn(
    pipeline: Any,
    arguments: dict[str, Any],
    run: Run,
    seeds: Sequence[int],
    on_step: OnStep,
    check: Callable[[], None],
) -> list[torch.Tensor] | None:
    """Latents of each seed's picture, drawn together; None where they would be others than alone.

    `arguments`: of the pipeline. What `on_step` and `check` raise ends it.
    """
    known = _known(pipeline.unet)
    try:
        kind = _kind(pipeline, arguments, len(seeds))
    except Unknown:
        return None
    alone = None if kind in known.equal else [_first_step(run, seed, check) for seed in seeds]

    def step(index: int, of: int, latents: torch.Tensor) -> None:
        if index == 0 and alone is not None and not _same(latents, alone):
            raise _Differs
        on_step(index, of, latents)

    try:
        latents = run(seeds, step)
    except _Differs:
        log.info("Pictures are drawn one by one: together, their numbers are others.")
        known.differs = True
        return None
    known.equal.add(kind)
    return [latents[place : place + 1].clone() for place in range(len(seeds))]


def _first_step(run: Run, seed: int, check: Callable[[], None]) -> torch.Tensor:
    """What one picture is after its first step."""
    seen: list[torch.Tensor] = []

    def step(index: int, of: int, latents: torch.Tensor) -> None:
        del index, of
        check()
        seen.append(latents.clone())
        raise _Enough

    try:
        return run([seed], step)
    except _Enough:
        return seen[0]


def _same(latents: torch.Tensor, alone: Sequence[torch.Tensor]) -> bool:
    return latents.shape[0] == len(alone) and all(
        torch.equal(latents[place : place + 1], one) for place, one in enumerate(alone)
    )


def _kind(pipeline: Any, arguments: dict[str, Any], pictures: int) -> bytes:
    """What decides in which order a call computes: not what is in it, but how large. Raises Unknown."""
    shapes = [(str(each.dtype), tuple(each.shape), each.stride()) for each in apart(arguments)[0]]
    plain = [(name, _plain(each)) for name, each in sorted(arguments.items())]
    return digest(state(*networks(pipeline)), type(pipeline).__name__, pictures, shapes, plain)


def _plain(value: Any) -> Any:
    """Guidance computes one way above 1 and another below, whatever it is."""
    if isinstance(value, float):
        return value > 1
    return value if isinstance(value, int | None) else type(value).__name__


def _known(unet: torch.nn.Module) -> Known:
    return unet.__dict__.setdefault(_KNOWN, Known())
