"""The way downhill that every stage shares: learning rate, averaged gradients, EMA, log and checkpoints.

Knows nothing of what is learnt: a stage computes its loss and hands it over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch

from training.loop import Budget, Checkpoint, Ema, linear
from training.optim import MuonAdamW, split_parameters
from training.parallel import average_gradients, rank
from training.presets import Preset

LOG_EVERY = 25
LATER_LEG = 0.5


class Schedule(Protocol):
    """What a stage's preset says of its schedule (any of the preset dataclasses)."""

    @property
    def steps(self) -> int:
        """Most steps."""
        ...

    @property
    def minutes(self) -> float:
        """Most minutes, earlier runs included."""
        ...

    @property
    def warmup(self) -> int:
        """Steps until the learning rate is at its peak."""
        ...

    @property
    def lr(self) -> float:
        """Peak learning rate."""
        ...

    @property
    def ema(self) -> float:
        """Decay of the averaged weights."""
        ...


class Descent:
    """Trains `module`, goes on from `<name>.pt` under `work`, and writes its curve to `<name>.jsonl` there.

    Loop over `steps()` and call `descend` once in each. All workers run it; worker 0 writes. A later leg
    begins at half the learning rate: at all of it the first minutes unlearn what is there.
    """

    def __init__(
        self, name: str, module: torch.nn.Module, schedule: Schedule, work: Path, preset: Preset
    ) -> None:
        self.module, self.schedule = module, schedule
        self.checkpoint_seconds = preset.checkpoint_seconds
        self.optimizer = MuonAdamW(*split_parameters(module), lr=schedule.lr, bf16=preset.bf16)
        self.ema, self.budget = Ema(module, schedule.ema), Budget(schedule.steps, schedule.minutes)
        parts = {"model": module, "ema": self.ema, "optimizer": self.optimizer, "budget": self.budget}
        self.checkpoint = Checkpoint(work / f"{name}.pt", parts, asdict(schedule))  # type: ignore[call-overload]
        self.log_path = work / f"{name}.jsonl"
        self.step = self.checkpoint.load()

    def steps(self) -> Iterator[float]:
        """Yields the progress (0..1) before every step; saves now and then, and at the end."""
        saved = time.monotonic()
        peak = self.schedule.lr * (LATER_LEG if self.budget.leg_step else 1)
        while (progress := self.budget.progress(self.step)) < 1:
            for group in self.optimizer.param_groups:
                group["lr"] = linear(progress, self.budget.into_leg(self.step), peak, self.schedule.warmup)
            yield progress
            if rank() == 0 and time.monotonic() - saved > self.checkpoint_seconds:
                self.checkpoint.save(self.step)
                saved = time.monotonic()
        if rank() == 0:
            self.checkpoint.save(self.step)

    def descend(self, loss: torch.Tensor) -> None:
        """One update from a scalar loss, averaged over the workers."""
        loss.backward()
        average_gradients(self.module.parameters())
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.update(self.module, self.step)
        self.step += 1

    def log(self, measures: Callable[[], dict[str, Any]]) -> None:
        """Every 25th step: a line of the curve; `measures` is asked only then, and only in worker 0."""
        if rank() != 0 or self.step % LOG_EVERY:
            return
        row = {"step": self.step, "seconds": round(self.budget.seconds, 1), **measures()}
        with self.log_path.open("a") as file:
            file.write(json.dumps(row) + "\n")
