"""Which part of a source a model's picture shows: how a pipeline crops and stretches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    """Edges in px; fractions of a pixel are meant."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """The model's picture of `model` (width, height) px shows `box` of a source of `source` px."""

    source: tuple[int, int]
    model: tuple[int, int]
    box: Box

    @property
    def factor(self) -> float:
        """Pixels of the source, across, for each of the model."""
        return (self.box.right - self.box.left) / self.model[0]

    @property
    def inside(self) -> tuple[int, int, int, int]:
        """The whole pixels of the source that the model's picture shows: left, top, right, bottom."""
        left, top, right, bottom = (round(edge) for edge in self.box)
        return max(0, left), max(0, top), min(self.source[0], right), min(self.source[1], bottom)

    def seen_from(self, left: float, top: float, right: float, bottom: float, size: tuple[int, int]) -> Box:
        """An area of the source, in pixels of a picture of `size` that shows the same as the model's."""
        across = size[0] / (self.box.right - self.box.left)
        down = size[1] / (self.box.bottom - self.box.top)
        return Box(
            max(0.0, (left - self.box.left) * across),
            max(0.0, (top - self.box.top) * down),
            min(float(size[0]), (right - self.box.left) * across),
            min(float(size[1]), (bottom - self.box.top) * down),
        )


def stretched(source: tuple[int, int], model: tuple[int, int]) -> Geometry:
    """All of the source, whatever its shape."""
    return Geometry(source, model, Box(0, 0, *source))


def covering(source: tuple[int, int], model: tuple[int, int]) -> Geometry:
    """The largest middle part of the source with the model's shape, as `PIL.ImageOps.fit` cuts it."""
    width, height = source
    ratio = model[0] / model[1]
    wide = min(float(width), height * ratio)
    high = min(float(height), width / ratio)
    left, top = (width - wide) / 2, (height - high) / 2
    return Geometry(source, model, Box(left, top, left + wide, top + high))


def around(source: tuple[int, int], model: tuple[int, int], spot: tuple[int, int, int, int]) -> Geometry:
    """A part of the source with the model's shape around `spot`, with context, inside the picture.

    At least the model's own size where the source has that, so that nothing is enlarged without need.
    """
    whole = covering(source, model)
    most = whole.box.right - whole.box.left
    ratio = model[0] / model[1]
    left, top, right, bottom = spot
    needed = max(right - left, (bottom - top) * ratio)
    wide = min(most, max(needed * CONTEXT, float(model[0])))
    if needed > wide:  # the shape of the spot does not fit: all that can be shown
        return whole
    high = wide / ratio
    x = min(max((left + right - wide) / 2, 0.0), source[0] - wide)
    y = min(max((top + bottom - high) / 2, 0.0), source[1] - high)
    return Geometry(source, model, Box(x, y, x + wide, y + high))


CONTEXT = 1.5
"""Side of what the model sees, in sides of what it may change."""
