"""Guidance in the first, noisiest part of the steps alone (Kynkäänniemi et al. 2024, arXiv 2404.07724)."""

from __future__ import annotations

import math
from typing import Any

BARELY = math.nextafter(1.0, 2.0)
"""As good as none. At exactly 1 diffusers would go on with half of its inputs, and some it keeps whole."""


class GuidanceSpan:
    """`above`: the share of the scheduler's noise levels (0 to 1) down to which guidance acts."""

    def __init__(self, above: float) -> None:
        self._above = above

    def after(self, pipeline: Any, step: int) -> None:
        """Switch guidance off for the rest, once the step after this one (counted from 0) is below."""
        scheduler = pipeline.scheduler
        coming = scheduler.timesteps[step + 1 :][:1].tolist()
        if coming and coming[0] < self._above * scheduler.config.num_train_timesteps:
            pipeline._guidance_scale = BARELY  # as diffusers' documentation has callbacks do
