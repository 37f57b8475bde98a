"""What the picture looks like so far, without the decoder: each latent pixel becomes one colour.

A linear map from latent channels to RGB is right to within soft edges and costs microseconds. Knows
latents and colours; nothing of pipelines but the scheduler's `step`.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

FILE = "preview.json"
KEY = "latent_rgb_factors"
LONGEST_SIDE = 256
_QUALITY = 80


@dataclass(frozen=True)
class LatentColours:
    """`factors` (channels, 3) and `bias` (3,), on the CPU: the scheduler's latents → RGB in [-1, 1]."""

    factors: torch.Tensor
    bias: torch.Tensor

    def jpeg(self, latents: torch.Tensor, scale: int) -> bytes:
        """A JPEG of the first of `latents` (n, channels, h, w); a latent pixel is `scale` px wide.

        By numpy, for this is drawn beside the work: a second thread that computes with torch brings OpenMP
        threads of its own, and where those are more than cores, all of them wait asleep from then on, which
        makes each step of a small model last half as long again.
        """
        import numpy as np
        from PIL import Image

        channels_last = np.moveaxis(latents[0].detach().float().cpu().numpy(), 0, -1)
        with np.errstate(
            invalid="ignore"
        ):  # of numbers that ran over; the picture itself is refused in words
            colours = np.nan_to_num(channels_last @ self.factors.numpy() + self.bias.numpy())
        pixels = ((colours.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
        height, width = pixels.shape[0] * scale, pixels.shape[1] * scale
        shrink = min(1.0, LONGEST_SIDE / max(width, height))
        size = round(width * shrink), round(height * shrink)
        out = io.BytesIO()
        Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=_QUALITY)
        return out.getvalue()

    def save(self, folder: Path) -> None:
        """Write `preview.json` beside the model."""
        content = {KEY: self.factors.tolist(), "bias": self.bias.tolist()}
        (folder / FILE).write_text(json.dumps(content), encoding="utf-8")


def read(folder: Path | None, channels: int) -> LatentColours | None:
    """The colours a model's folder brings, or None where it has none (or those of another autoencoder)."""
    import torch

    if folder is None or not (folder / FILE).is_file():
        return None
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    factors = torch.tensor(content[KEY], dtype=torch.float32)
    bias = torch.tensor(content["bias"], dtype=torch.float32)
    return LatentColours(factors, bias) if factors.shape == (channels, 3) and bias.shape == (3,) else None


def fit(latents: torch.Tensor, pictures: torch.Tensor) -> LatentColours:
    """Least squares from latents (n, c, h, w) to their pictures (n, 3, H, W) in [-1, 1]."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    small = adaptive_avg_pool2d(pictures.float(), (latents.shape[-2], latents.shape[-1]))
    inputs = latents.float().permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    solution = torch.linalg.lstsq(inputs, small.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    return LatentColours(solution[:-1].contiguous(), solution[-1].contiguous())


def measure(decode: Callable[[torch.Tensor], torch.Tensor], channels: int) -> LatentColours:
    """Colours of latents nobody has measured: decode soft random ones and fit."""
    import torch

    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(4, channels, 4, 4, generator=generator)
    latents = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")
    with torch.no_grad():
        pictures = decode(latents).float().cpu()
    return fit(latents, pictures)


class CleanGuess:
    """Listens to a scheduler's `step` for its guess of the finished latents, far clearer than the noisy ones.

    `latest` is None where the scheduler tells no guess. `listen` hears of each step with its index, the
    number of steps and the latents: for pipelines that have no callback of their own.
    """

    def __init__(self, scheduler: Any) -> None:
        self.latest: torch.Tensor | None = None
        self._on_step: Callable[[int, int, Any], None] | None = None
        self._taken = 0
        step = scheduler.step

        @functools.wraps(step)
        def listening(output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
            result = step(output, timestep, sample, *args, **kwargs)
            self.latest = None
            if isinstance(result, tuple):
                self.latest = next(iter(result[1:]), None)
            if self.latest is None and "FlowMatch" in type(scheduler).__name__:
                self.latest = _flow_guess(scheduler, output, sample)
            if self._on_step is not None:
                latents = result[0] if self.latest is None else self.latest
                self._taken += 1
                self._on_step(self._taken - 1, len(scheduler.timesteps), latents)
            return result

        scheduler.step = listening

    def listen(self, on_step: Callable[[int, int, Any], None]) -> None:
        """Tell `on_step` of every step from now on, until `forget`."""
        self._on_step, self._taken = on_step, 0

    def forget(self) -> None:
        """Let go of the run that has ended."""
        self._on_step = self.latest = None


def _flow_guess(scheduler: Any, velocity: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
    """Where a flow model is heading: straight on from `sample` to where no noise is left."""
    return sample - scheduler.sigmas[scheduler.step_index - 1].to(sample.device) * velocity
