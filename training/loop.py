"""What every training stage shares: resumable checkpoints, averaged weights, learning rate, arithmetic."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from training.parallel import shared


def cosine(progress: float, step: int, peak: float, warmup: int) -> float:
    """Learning rate: linear warm-up times a cosine of progress (0..1) that ends at 2 % of `peak`."""
    return _scheduled(0.5 * (1 + math.cos(math.pi * min(1.0, progress))), step, peak, warmup)


def linear(progress: float, step: int, peak: float, warmup: int) -> float:
    """Learning rate: linear warm-up, then a straight line down to 2 % of `peak` as progress goes from 0 to 1.

    What a short training needs: it stays high for longer than a cosine and still ends low (compare Bergsma
    et al. 2025, "Straight to Zero", arXiv 2502.15938).
    """
    return _scheduled(1 - min(1.0, progress), step, peak, warmup)


def _scheduled(share: float, step: int, peak: float, warmup: int) -> float:
    """The rate at this `share` (1..0) of the way down, warm-up included."""
    return peak * min(1.0, (step + 1) / max(1, warmup)) * (0.02 + 0.98 * share)


class Budget:
    """How far a stage has come: by steps, or by minutes where the machine is too busy to make the steps.

    The seconds of earlier runs count (they come back with the checkpoint): a resumed stage goes on there.
    Those before the current leg do not: a leg has all the steps and minutes to itself.
    """

    def __init__(self, steps: int, minutes: float) -> None:
        self.steps, self.minutes = steps, minutes
        self.before = self.leg_seconds = 0.0
        self.leg_step = 0
        self.start = time.monotonic()

    def begin_leg(self, step: int, seconds: float) -> None:
        """Begin anew, on top of `step` steps and `seconds` that the weights have seen already."""
        self.load_state_dict({"seconds": seconds, "leg_seconds": seconds, "leg_step": step})

    @property
    def seconds(self) -> float:
        """Seconds trained so far, earlier runs included."""
        return self.before + time.monotonic() - self.start

    def progress(self, step: int) -> float:
        """0 at the start, 1 when the stage is over; the same number in every worker."""
        spent = (self.seconds - self.leg_seconds) / (60 * self.minutes)
        return shared(max(self.into_leg(step) / self.steps, spent))

    def into_leg(self, step: int) -> int:
        """How many steps of this leg are done at `step`."""
        return step - self.leg_step

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"seconds": self.seconds, "leg_seconds": self.leg_seconds, "leg_step": self.leg_step}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take up what a checkpoint kept."""
        self.before, self.start = state["seconds"], time.monotonic()
        self.leg_seconds, self.leg_step = state.get("leg_seconds", 0.0), int(state.get("leg_step", 0))


class Ema:
    """An exponential moving average of a module's parameters (float32, same device)."""

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.shadow = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Move the average towards the module's weights (faster in the first steps)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        live = module.state_dict()
        keys = [k for k in self.shadow if self.shadow[k].is_floating_point()]
        torch._foreach_lerp_([self.shadow[k] for k in keys], [live[k] for k in keys], 1 - decay)

    @contextlib.contextmanager
    def applied(self, module: torch.nn.Module) -> Iterator[None]:
        """Run the body with the averaged weights in the module."""
        live = {k: v.detach().clone() for k, v in module.state_dict().items()}
        module.load_state_dict(self.shadow)
        try:
            yield
        finally:
            module.load_state_dict(live)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What a checkpoint keeps."""
        return self.shadow

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Take up what a checkpoint kept."""
        for key, value in state.items():
            self.shadow[key].copy_(value)


class Checkpoint:
    """One file with the state of everything a stage needs to go on, replaced atomically."""

    def __init__(self, path: Path, parts: dict[str, Any], config: dict[str, Any]) -> None:
        self.path, self.parts, self.config = path, parts, config

    def save(self, step: int) -> None:
        """Write all parts at `step`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        states = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save({"step": step, "config": self.config, "states": states}, temporary)
        temporary.replace(self.path)

    def load(self) -> int:
        """Restore the parts if the file is there; returns the step to go on from (0 when fresh)."""
        if not self.path.exists():
            return 0
        data = torch.load(self.path, map_location="cpu", weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(data["states"][name])
        return int(data["step"])


@contextlib.contextmanager
def arithmetic(device: str, bf16: bool) -> Iterator[None]:
    """How a training step computes on `device`: in bfloat16 where asked for.

    A processor's fused attention takes twice as long on the way back as plain matrix products do, at the few
    tokens there are here.
    """
    with contextlib.ExitStack() as stack:
        if bf16:
            stack.enter_context(torch.autocast(device, dtype=torch.bfloat16))
        if device == "cpu":
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield
