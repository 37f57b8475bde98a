"""Whether a picture looks like a photograph: by its texture alone, without knowing what it shows.

Drawings of few colours are flat areas with hard borders; in a photograph nearly every pixel differs a little
from the next. Painted pictures with visible brushwork count as photographs here, too: the models that ask
were taught flat drawings. docs/adding-a-model.md says how often this errs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image

from studio import images

_SIDE = 256
"""Longest side of the copy that is measured: finer grain and JPEG's blocks are averaged away."""
_FLAT, _BORDER = 8, 24
"""Steps between neighbours, of 255: flat (as JPEG's ripples) up to the one, a border beyond the other."""
TEXTURED = 0.21
"""Share of all pixels that are neither, from which on a picture looks like a photograph."""
_LEAST_SIDE = 48
_KEPT = 1024


@lru_cache(maxsize=_KEPT)
def texture(path: Path) -> float:
    """Share of pixels (0–1) that differ a little from the next; 0 for pictures too small to tell.

    Raises FileNotFoundError, OSError.
    """
    import numpy as np

    with images.plain(path, mode="RGB") as (picture,):
        if min(picture.size) < _LEAST_SIDE:
            return 0.0
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
        pixels = np.asarray(picture, dtype=np.int16)
    across = np.abs(np.diff(pixels, axis=1)).max(axis=2)[:-1]
    down = np.abs(np.diff(pixels, axis=0)).max(axis=2)[:, :-1]
    step = np.maximum(across, down)
    return round(float(((step > _FLAT) & (step <= _BORDER)).mean()), 4)


def notice(label: str, numbers: Sequence[int]) -> tuple[str, ...]:
    """One sentence on references (by number, from 1) that are photographs to a model that knows none."""
    if not numbers:
        return ()
    which = " and ".join(filter(None, (", ".join(map(str, numbers[:-1])), str(numbers[-1]))))
    looks = (
        f"Reference {which} looks like a photograph"
        if len(numbers) == 1
        else (f"References {which} look like photographs")
    )
    return (f"{looks}. {label} knows drawings only; choose a larger model for photographs.",)


def looks_like_one(path: Path) -> bool:
    """Whether the file shows a photograph, as far as its texture tells. Raises FileNotFoundError, OSError."""
    return texture(path) >= TEXTURED
