"""A source of another shape than the picture: which part of it is kept, or what is added to it. Pure.

Complete requests say what is done in `fit` and `extend`; what is done to the pixels follows from these,
from sizes, and from where a head is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.catalog.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.events import Box
from pipelines.families.route import Route
from pipelines.planning import extending
from pipelines.request import MODE_LABEL, REFINEMENTS, Extend, GenerationRequest, Mode
from pipelines.spec import ModelSpec

FITTED = REFINEMENTS - {Mode.OUTPAINT}
"""Modes whose source is made to have the picture's shape."""
_SAME_SHAPE = 0.02
_HEAD_ROOM = 0.15
"""Room around a head, in parts of its longer side, that a crop leaves where it can."""


def apart(source: tuple[int, int], size: tuple[int, int], multiple: int) -> bool:
    """Whether a source and a picture of `size` differ in shape by more than the model's steps make."""
    steps = multiple * (1 / size[0] + 1 / size[1]) / 2
    return abs(math.log(source[0] / source[1] * size[1] / size[0])) > _SAME_SHAPE + steps


def cropped(source: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Width and height in px of the largest part of a source with the shape of `size`."""
    ratio = size[0] / size[1]
    return min(source[0], round(source[1] * ratio)), min(source[1], round(source[0] / ratio))


def lost(source: tuple[int, int], size: tuple[int, int]) -> float:
    """Share of a source that is cropped away."""
    wide, high = cropped(source, size)
    return 1 - wide * high / (source[0] * source[1])


def crop(source: tuple[int, int], size: tuple[int, int], heads: Sequence[Box] = ()) -> Box:
    """The part of a source that is kept: its middle, moved so that the first head is in it, with room."""
    wide, high = cropped(source, size)
    left = _placed(source[0], wide, heads[0][0::2] if heads else None)
    top = _placed(source[1], high, heads[0][1::2] if heads else None)
    return left, top, left + wide, top + high


def _placed(length: int, kept: int, head: Sequence[int] | None) -> int:
    """Where `kept` px of `length` begin; a head that does not fit is kept from its beginning, the crown."""
    start = (length - kept) // 2
    if head is not None:
        first, last = head
        room = max(0, min(round((last - first) * _HEAD_ROOM), (kept - (last - first)) // 2))
        start = min(max(start, last + room - kept), first - room)
    return max(0, min(start, length - kept))


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a complete request says of it, and what the artist is told."""

    fit: Literal["crop", "extend"] | None = None
    extend: Extend | None = None
    notices: tuple[str, ...] = ()


def fit(
    request: GenerationRequest,
    source: tuple[int, int] | None,
    size: tuple[int, int],
    catalog: Catalog,
    spec: ModelSpec,
    route: Route,
) -> Fitted:
    """What is done with the source (None: there is none) of a picture of `size`. Raises RequestError."""
    label = MODE_LABEL[request.mode]
    if source is None or request.mode not in FITTED:
        asked = request.extend or request.fit
        return Fitted(
            notices=(f"{label} refines no source, so none is extended or cropped.",) if asked else ()
        )
    said = wished(request)
    differs = apart(source, size, route.size_multiple)
    if said is not None or (differs and request.fit == "extend"):
        _check_can_extend(catalog, spec)
        return Fitted("extend", extending.margins(said, None, source) if said else _margins(source, size))
    if not differs:
        return Fitted()
    words = (
        f"The reference has another shape: {lost(source, size):.0%} of it is cropped away; a head that is "
        "found stays. Extend it instead to keep all of it."
    )
    return Fitted("crop", None, (words,))


def wished(request: GenerationRequest) -> Extend | None:
    """The canvas that is asked for around a source that is refined, if any is."""
    some = request.mode in FITTED and request.fit != "crop" and request.extend != Extend()
    return request.extend if some else None


def fitted(changes: Mapping[str, Any], source: tuple[int, int]) -> tuple[int, int]:
    """The size of a source as a request that is complete so far (`changes`) makes it."""
    if changes.get("extend") is not None:
        return changes["extend"].around(*source)
    if changes.get("fit") == "crop":
        return cropped(source, (changes["width"], changes["height"]))
    return source


def _margins(source: tuple[int, int], size: tuple[int, int]) -> Extend:
    """The canvas that gives a source the shape of `size`, evenly on both sides. Raises RequestError."""
    wide = max(source[0], round(source[1] * size[0] / size[1]))
    high = max(source[1], round(source[0] * size[1] / size[0]))
    return extending.margins(extending.even(source, (wide, high)), None, source)


def _check_can_extend(catalog: Catalog, spec: ModelSpec) -> None:
    """Raises RequestError where the model cannot extend its source before it refines it."""
    reason = catalog.unavailable_reason(spec.id, Mode.OUTPAINT)
    if reason:
        raise RequestError(
            f"{reason} Choose “Crop”, or extend the picture first with another model.", field="fit"
        )
