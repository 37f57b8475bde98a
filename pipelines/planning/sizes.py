"""How large the picture becomes: an explicit size, an aspect ratio, or the reference's shape.

Pure arithmetic in pixels; knows no model and no picture.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from pipelines.errors import RequestError
from pipelines.request import ASPECT_RATIOS, LIKE_REFERENCE

MOST_AREA = 4
"""Largest picture, in areas of the model's own square."""
MOST_STRETCHED = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeWish:
    """What is known about the wished size; `reference` is the leading reference's (width, height)."""

    width: int | None
    height: int | None
    aspect_ratio: str | None
    reference: tuple[int, int] | None
    prefer_reference: bool


@dataclass(frozen=True, slots=True)
class Size:
    """A decided size in pixels and what to say about it."""

    width: int
    height: int
    notices: tuple[str, ...] = ()


def decide(source: SizeWish, resolution: int, multiple: int) -> Size:
    """The size, both sides multiples of `multiple`. Raises RequestError (field `aspect_ratio`)."""
    if source.width and source.height:
        return _rounded(source.width, source.height, multiple)
    ratio, notices = _ratio(source)
    if source.width:
        return _rounded(source.width, round(source.width / ratio), multiple)
    if source.height:
        return _rounded(round(source.height * ratio), source.height, multiple)
    return Size(*of_area(ratio, resolution, multiple), notices)


def _ratio(source: SizeWish) -> tuple[float, tuple[str, ...]]:
    """Width over height, with notices."""
    wish = source.aspect_ratio or (LIKE_REFERENCE if source.prefer_reference else "1:1")
    if wish == LIKE_REFERENCE:
        return _reference_ratio(source)
    if wish not in ASPECT_RATIOS:
        known = ", ".join(ASPECT_RATIOS)
        raise RequestError(
            f"There is no aspect ratio '{wish}'. Choose one of {known}, or like the reference.",
            field="aspect_ratio",
        )
    width, height = wish.split(":")
    return int(width) / int(height), ()


def _reference_ratio(source: SizeWish) -> tuple[float, tuple[str, ...]]:
    if source.reference is None:
        return 1.0, ("There is no reference to take the shape from; the picture is square.",)
    width, height = source.reference
    ratio = min(max(width / height, 1 / MOST_STRETCHED), MOST_STRETCHED)
    if ratio == width / height:
        return ratio, ()
    return ratio, ("The reference is very long; the picture keeps to a shape of 3:1.",)


def _rounded(width: int, height: int, multiple: int) -> Size:
    made = snapped(width, multiple), snapped(height, multiple)
    if made == (width, height):
        return Size(*made)
    said = f"{width}×{height} px was rounded to {made[0]}×{made[1]}: sides go in steps of {multiple}."
    return Size(*made, (said,))


def snapped(side: int, multiple: int) -> int:
    """The multiple nearest to a side, two of them at least."""
    return max(2, round(side / multiple)) * multiple


def of_area(ratio: float, resolution: int, multiple: int) -> tuple[int, int]:
    """The multiples whose shape and area come closest; shape counts more."""
    width, height = resolution * math.sqrt(ratio), resolution / math.sqrt(ratio)
    candidates = itertools.product(_around(width, multiple), _around(height, multiple))

    def miss(size: tuple[int, int]) -> float:
        shape = abs(math.log(size[0] / size[1] / ratio))
        area = abs(math.log(size[0] * size[1] / resolution**2))
        return 4 * shape + area

    return min(candidates, key=miss)


def _around(side: float, multiple: int) -> tuple[int, int]:
    low = max(2, math.floor(side / multiple)) * multiple
    return low, low + multiple
