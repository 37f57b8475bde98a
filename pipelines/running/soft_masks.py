"""Masks with greys: where one is grey, the change begins the later the darker it is.

Differential diffusion (Levin and Fried 2023, arXiv 2306.00950): after every step, what the mask does not free
yet is the source again, as noisy as it is to be then. Black stays the source to the end, white is never held.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

_NOISE = 104_729
"""Added to a picture's seed for the noise that its source gets."""


class SoftMask:
    """`clean`: the source's latents (1, channels, h, w); `mask`: white where all may change, of any size."""

    def __init__(self, clean: torch.Tensor, mask: Image.Image) -> None:
        self._clean = clean
        height, width = clean.shape[-2:]
        small = np.asarray(mask.convert("L").resize((width, height), Image.Resampling.BOX), np.float32) / 255
        self._mask = torch.from_numpy(small).to(clean.device)[None, None]

    def held(self, pipeline: Any, step: int, latents: torch.Tensor, seed: int) -> torch.Tensor:
        """`latents` after a step (counted from 0), with the source where the mask frees nothing yet."""
        of = pipeline.num_timesteps
        free = self._mask > 1 - (step + 1) / of
        if step + 1 >= of:
            return torch.where(free, latents, self._clean.to(latents.dtype))
        scheduler = pipeline.scheduler
        time = scheduler.timesteps[len(scheduler.timesteps) - of + step + 1]
        noise = torch.randn(self._clean.shape, generator=torch.Generator("cpu").manual_seed(seed + _NOISE))
        noisy = scheduler.add_noise(self._clean, noise.to(self._clean), time[None])
        return torch.where(free, latents, noisy.to(latents.dtype))
