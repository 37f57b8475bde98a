"""Which numbers this processor multiplies best. Knows torch; nothing of models."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""As torch names them: of Intel and AMD, of Intel, of Arm."""
_SIDE, _CHANNELS, _WIDTH = 32, 64, 256
"""Of the convolution and the product that are timed: a millisecond or so each."""
_ROUNDS = 7


@functools.cache
def prefers_bfloat16() -> bool:
    """Whether it multiplies bfloat16 by itself, and does so no slower than float32; looked at once."""
    import torch

    known = torch.cpu.get_capabilities()
    if not any(known.get(name, False) for name in _INSTRUCTIONS):
        return False
    half, full = _quickest(_work(torch.bfloat16), _work(torch.float32))
    return half <= full


def _work(dtype: torch.dtype) -> Callable[[], object]:
    """What a denoiser does most: a 3x3 convolution, and a product of matrices."""
    import torch

    picture = torch.ones(2, _CHANNELS, _SIDE, _SIDE, dtype=dtype)
    kernel = torch.ones(_CHANNELS, _CHANNELS, 3, 3, dtype=dtype)
    tokens = torch.ones(2 * _SIDE * _SIDE, _WIDTH, dtype=dtype)
    matrix = torch.ones(_WIDTH, _WIDTH, dtype=dtype)

    def work() -> object:
        with torch.inference_mode():
            return torch.conv2d(picture, kernel, padding=1), tokens @ matrix

    return work


def _quickest(*works: Callable[[], object]) -> list[float]:
    """Seconds of each, the least of some rounds; they take turns, so that a busy moment is everybody's."""
    least = [float("inf")] * len(works)
    for turn in range(_ROUNDS + 1):
        for number, work in enumerate(works):
            began = time.perf_counter()
            work()
            if turn:  # the first one chooses its kernels
                least[number] = min(least[number], time.perf_counter() - began)
    return least
