"""Values of more than 8 bits to 8, keeping the range of tones. All of Pillow's deep modes are grey."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    import numpy as np

DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_MANY, _SOME = 0.5, 0.01
"""Share of the values that are not black which may lie above white: as light, and as overshoot."""
Tones = Callable[[Image.Image], Image.Image]


def tones_of(mode: str, parts: Callable[[], Iterable[Image.Image]]) -> Tones:
    """How pictures of one deep mode become L, or LA where a value is transparent.

    `parts`: the whole picture, as often as it is asked for.
    """
    import numpy as np

    if mode.startswith("I;16"):
        levels = _levels(np.arange(65536), 65535.0)
        return lambda part: _grey(part, lambda stored: levels[stored])
    white = _white(mode, parts)
    return lambda part: _grey(part, lambda stored: _levels(stored, white))


def _grey(part: Image.Image, scale: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    import numpy as np

    stored = np.asarray(part)
    grey = Image.fromarray(scale(stored))
    clear = part.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(stored == clear, 0, 255).astype(np.uint8)))
    return grey


def _levels(stored: np.ndarray, white: float) -> np.ndarray:
    """0 to 255, uint8, of values from 0 to `white`; what is beyond is cut off, what is no number is black."""
    import numpy as np

    values = np.nan_to_num(stored.astype(np.float64), nan=0.0, posinf=white, neginf=0.0)
    return np.rint(values.clip(0.0, white) * (255.0 / white)).astype(np.uint8)


def _white(mode: str, parts: Callable[[], Iterable[Image.Image]]) -> float:
    """The value that is white. Floats run to 1, 255 or 65535, and highlights go beyond: the many decide."""
    import numpy as np

    lit = above_one = above_byte = 0
    top = 0.0
    for part in parts():
        values = np.asarray(part)
        lit += int(np.count_nonzero(values > 0))
        above_one += int(np.count_nonzero(values > 1.0))
        above_byte += int(np.count_nonzero(values > 255.0))
        top = max(top, float(np.max(values, initial=0.0, where=np.isfinite(values))))
    if mode == "F" and above_one <= _MANY * lit:
        return 1.0
    if mode == "F" and above_byte <= _SOME * lit:
        return 255.0
    return max(65535.0, top)
