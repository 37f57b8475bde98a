"""What a return step looks at: a source, what the model saw of it, and what it drew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.returning.geometry import Geometry
from pipelines.returning.maths import Bytes

Check = Callable[[], None]
"""Raises where the artist wants it to end."""


Progress = Callable[[int, int], None]
"""Hears how many of how many strips are done."""


def never() -> None:
    """Nobody cancels."""


def no_progress(done: int, of: int) -> None:
    """Nobody wants to know how far it is."""


@dataclass(frozen=True, slots=True)
class Views:
    """The same scene three times, RGB uint8: `source` at its own size, the others at the model's.

    `seen`: what `geometry` says of the source, as the autoencoder gives it back; `drawn`: the result.
    Raises ValueError where sizes do not belong together.
    """

    source: Bytes
    seen: Bytes
    drawn: Bytes
    geometry: Geometry

    def __post_init__(self) -> None:
        for picture, size in (
            (self.source, self.geometry.source),
            (self.seen, self.geometry.model),
            (self.drawn, self.geometry.model),
        ):
            if picture.shape != (size[1], size[0], 3) or picture.dtype != np.uint8:
                raise ValueError(f"a picture of {picture.shape} stands where {size} px of RGB are meant")
