"""How much canvas is added around a picture, and in which parts it is painted. Pure; sizes in px.

A picture is extended in one pass over all of it where the model was made for the new shape, else by windows
of a shape it was made for, side by side: each shows at least as much that is there as is to be painted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipelines.errors import RequestError
from pipelines.planning.sizes import MOST_STRETCHED, of_area
from pipelines.request import ASPECT_RATIOS, MAX_RESULT_PX, MAX_RESULT_SIDE, Extend

MOST_NEW = 0.5
"""Largest share of what a pass shows that is painted in it."""
_SAME_SHAPE = 0.02
_OVERLAP = 4
"""Sides of a window, in overlaps with the next along the same edge."""


class Window(NamedTuple):
    """What one pass shows of the canvas: edges in px."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.right - self.left, self.bottom - self.top


def margins(
    extend: Extend | None, aspect_ratio: str | None, source: tuple[int, int], field: str = "extend"
) -> Extend:
    """The canvas to add to a source (width, height). Raises RequestError: none is asked for, or too much."""
    if extend is None:
        extend = _to_shape(aspect_ratio, source, field)
    elif extend == Extend():
        raise RequestError("Say how far the picture is to be extended, on one side at least.", field="extend")
    width, height = extend.around(*source)
    if max(width, height) > MAX_RESULT_SIDE or width * height > MAX_RESULT_PX:
        most = MAX_RESULT_PX // 1_000_000
        raise RequestError(
            f"The picture would be {width}×{height} px. {most} megapixels and {MAX_RESULT_SIDE} px a side "
            "are the most it can be made of.",
            field="extend",
        )
    return extend


def _to_shape(aspect_ratio: str | None, source: tuple[int, int], field: str) -> Extend:
    """The least canvas, evenly on both sides, with which a source has a shape."""
    if aspect_ratio not in ASPECT_RATIOS:
        raise RequestError(
            "Say how far the picture is to be extended: on which sides, or to which shape.", field=field
        )
    across, down = map(int, aspect_ratio.split(":"))
    width, height = source
    wide = max(width, round(height * across / down))
    high = max(height, round(width * down / across))
    if abs(math.log(width / height * down / across)) <= _SAME_SHAPE:
        raise RequestError(
            f"The picture has the shape {aspect_ratio} already. Choose another, or drag an edge.", field=field
        )
    return even(source, (wide, high))


def even(source: tuple[int, int], canvas: tuple[int, int]) -> Extend:
    """What is added to a source so that it lies in the middle of a canvas."""
    across, down = canvas[0] - source[0], canvas[1] - source[1]
    return Extend(left=across // 2, right=across - across // 2, top=down // 2, bottom=down - down // 2)


def working_size(
    extend: Extend, source: tuple[int, int], resolution: int, multiple: int, shapes: Sequence[str]
) -> tuple[int, int]:
    """The size the model paints every window at; `resolution`, `shapes`: what it was made for."""
    return of_area(shape(extend, source, shapes), resolution, multiple)


def shape(extend: Extend, source: tuple[int, int], shapes: Sequence[str]) -> float:
    """Width over height of what the model shows at a time, one of `shapes` (none: any)."""
    width, height = extend.around(*source)
    ratio = width / height
    new = 1 - source[0] * source[1] / (width * height)
    known = [across / down for across, down in (map(int, each.split(":")) for each in shapes)]
    fits = not known or any(abs(math.log(ratio / each)) <= _SAME_SHAPE for each in known)
    if fits and new <= MOST_NEW and 1 / MOST_STRETCHED <= ratio <= MOST_STRETCHED:
        return ratio
    own = source[0] / source[1]
    if not known:
        return min(max(own, 2 / 3), 3 / 2)
    sideways = extend.left + extend.right >= extend.top + extend.bottom
    wider = [each for each in known if each >= own] if sideways else [each for each in known if each <= own]
    return min(wider or known, key=lambda each: abs(math.log(each / own)))


def passes(extend: Extend, source: tuple[int, int], model: tuple[int, int]) -> tuple[Window, ...]:
    """What each pass shows of the canvas, in order; `model`: the size (width, height) it is painted at."""
    width, height = extend.around(*source)
    ratio = model[0] / model[1]
    steps = 8 * (1 / model[0] + 1 / model[1])  # sizes are rounded to the model's steps
    if abs(math.log(width / height / ratio)) <= _SAME_SHAPE + steps:
        new = 1 - source[0] * source[1] / (width * height)
        if new <= MOST_NEW:
            return (Window(0, 0, width, height),)
    box = [extend.left, extend.top, extend.left + source[0], extend.top + source[1]]
    most = int(min(MOST_NEW * source[1] * ratio, source[0]))
    found = list(_grown(box, (extend.left, extend.right), most, ratio, across=0))
    most = int(min(MOST_NEW * width / ratio, source[1]))
    return (*found, *_grown(box, (extend.top, extend.bottom), most, 1 / ratio, across=1))


def _grown(
    box: list[int], margins: tuple[int, int], most: int, ratio: float, *, across: int
) -> Iterator[Window]:
    """Windows with which `box` grows at its two ends, step by step, `most` px at a time; it grows in place.

    `across`: 0 to left and right, 1 up and down. `ratio`: a window's side across the edge to that along it.
    """
    before, after = margins
    while before or after:
        for end, left in ((across, before), (across + 2, after)):
            new = min(left, max(1, most))
            if not new:
                continue
            box[end] += -new if end == across else new
            yield from _along(box, ratio, across=across, first=end == across)
        before, after = (max(0, side - max(1, most)) for side in (before, after))


def _along(box: list[int], ratio: float, *, across: int, first: bool) -> Iterator[Window]:
    """Windows side by side along one edge of a box, all of their size inside it."""
    low, high = box[across], box[across + 2]
    begin, length = box[1 - across], box[3 - across] - box[1 - across]
    depth = min(round(length * ratio), high - low)
    wide = min(round(depth / ratio), length)
    edges = (low, low + depth) if first else (high - depth, high)
    for start in _starts(length, wide):
        spans = (edges, (begin + start, begin + start + wide))
        (left, right), (top, bottom) = spans if across == 0 else spans[::-1]
        yield Window(left, top, right, bottom)


def _starts(length: int, window: int) -> list[int]:
    """Where windows begin that cover `length` px evenly and overlap by a quarter or more."""
    shared = window // _OVERLAP
    count = max(1, math.ceil((length - shared) / (window - shared)))
    return [round(i * (length - window) / (count - 1)) for i in range(count)] if count > 1 else [0]
