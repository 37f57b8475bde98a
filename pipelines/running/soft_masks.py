"""Masks with greys: where one is grey, the change begins the later the darker it is.

Differential diffusion (Levin and Fried 2023, arXiv 2306.00950): after every step, what the mask does not free
yet is the source again, as noisy as it is to be then. Black stays the source to the end, white is never held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

_NOISE = 104_729
"""Added to a picture's seed for the noise that its source gets."""


Reshape = Callable[[torch.Tensor], torch.Tensor]


def _as_it_is(latents: torch.Tensor) -> torch.Tensor:
    return latents


class SoftMask:
    """`clean`: the source's latents (1, channels, h, w); `mask`: white where all may change, of any size.

    `spread` makes (n, channels, h, w) of latents as steps leave them, `packed` the other way round.
    """

    def __init__(
        self,
        clean: torch.Tensor,
        mask: Image.Image,
        spread: Reshape = _as_it_is,
        packed: Reshape = _as_it_is,
    ) -> None:
        self._clean, self._spread, self._packed = clean, spread, packed
        height, width = clean.shape[-2:]
        small = np.asarray(mask.convert("L").resize((width, height), Image.Resampling.BOX), np.float32) / 255
        self._mask = torch.from_numpy(small).to(clean.device)[None, None]

    def held(self, pipeline: Any, step: int, latents: torch.Tensor, seed: int) -> torch.Tensor:
        """`latents` after a step (counted from 0), with the source where the mask frees nothing yet."""
        of, drawn = pipeline.num_timesteps, self._spread(latents)
        free = self._mask > 1 - (step + 1) / of
        source = self._clean if step + 1 >= of else self._noisy(pipeline.scheduler, step + 1 - of, seed)
        return self._packed(torch.where(free, drawn, source.to(drawn.dtype)))

    def _noisy(self, scheduler: Any, at: int, seed: int) -> torch.Tensor:
        """The source as noisy as it is to be at a step, counted from the end (-1: the last)."""
        time = scheduler.timesteps[len(scheduler.timesteps) + at][None]
        drawn = torch.randn(self._clean.shape, generator=torch.Generator("cpu").manual_seed(seed + _NOISE))
        noise = drawn.to(self._clean)
        if hasattr(scheduler, "add_noise"):
            return scheduler.add_noise(self._clean, noise, time)
        return scheduler.scale_noise(self._clean, time, noise)  # of flow matching
