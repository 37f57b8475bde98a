"""How large: the size the model works at, what becomes of a source of another shape, the finished picture.

Decides these for a request that is being completed; the arithmetic is in `sizes`, `fitting`, `extending` and
`enlarging`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from pipelines.errors import RequestError
from pipelines.planning import enlarging, extending, fitting, sizes
from pipelines.planning.draft import Draft
from pipelines.request import MAX_RESULT_PX, REFINEMENTS, Keep, ResultSize, Role

_RESULT_SHAPE = 0.02
"""How far the shapes of model's picture and result may lie apart beyond what the model's steps make."""


def settle_size(draft: Draft) -> None:
    """The size the model works at, and what is done with a source of another shape. Raises RequestError."""
    if draft.route.enlarges:
        _enlarging(draft)
    elif draft.route.extends:
        _extending(draft)
    elif draft.route.patches:
        side = sizes.snapped(draft.spec.resolution, draft.route.size_multiple)
        draft.changes.update(width=side, height=side, aspect_ratio=None, scale=None)
    else:
        _drawing(draft)
        _fit(draft)


def settle_result(draft: Draft) -> None:
    """Size of the finished picture, and whether what was not asked to change stays."""
    request = draft.request
    sources = request.with_role(Role.SOURCE) if request.mode in REFINEMENTS else ()
    if not sources:
        if request.result_size not in (None, "model"):
            draft.notices.append(f"{draft.label} refines no source, so the picture has the model's own size.")
        draft.changes.update(result_size=None, keep=None)
        return
    masked = draft.route.mask_arg is not None
    size, keep = request.result_size or "source", None if masked else request.keep or Keep()
    if draft.route.extends:
        size = "source"
    source = fitting.fitted(draft.changes, draft.sizes[sources[0].image_id])
    if size != "model" and (words := _unfit(draft, source, size)):
        draft.notices.extend([words] if request.result_size else [])
        size, keep = "model", keep and keep.model_copy(update={"enabled": False})
    draft.changes.update(result_size=size, keep=keep)
    if size != "model":
        result = source if size == "source" else (size.width, size.height)
        draft.notices.extend(_sizes_in_words(draft, result, as_reference=size == "source"))


def _enlarging(draft: Draft) -> None:
    """The size of an enlarged picture, in place of everything that an enlarger has no use for."""
    assert draft.leading_size is not None  # the route needs a source
    made = enlarging.size(draft.request, draft.route, draft.leading_size)
    draft.changes.update(width=made.width, height=made.height, scale=made.scale, aspect_ratio=None)
    draft.notices.extend(made.notices)


def _extending(draft: Draft) -> None:
    """The canvas that is added, and the size its parts are painted at."""
    source, spec, multiple = draft.leading_size, draft.spec, draft.route.size_multiple
    assert source is not None  # the route needs a source
    extend = extending.margins(draft.request.extend, draft.request.aspect_ratio, source)
    size = extending.working_size(extend, source, spec.resolution, multiple, spec.shapes)
    draft.changes.update(extend=extend, width=size[0], height=size[1], aspect_ratio=None)


def _drawing(draft: Draft) -> None:
    """The size of a picture that the model draws in one piece: as asked, else of the reference's shape."""
    request = draft.request
    if request.scale is not None:
        draft.notices.append(f"A scale does nothing in {draft.label}; it is left out.")
        draft.changes["scale"] = None
    wish = sizes.SizeWish(
        width=request.width,
        height=request.height,
        aspect_ratio=request.aspect_ratio,
        reference=_shaping_size(draft),
        prefer_reference=draft.route.size_source == "reference",
    )
    decided = sizes.decide(wish, draft.spec.resolution, draft.route.size_multiple)
    most = sizes.MOST_AREA * draft.spec.resolution**2
    if decided.width * decided.height > most:
        side = math.isqrt(most)
        raise RequestError(
            f"{draft.spec.label} can't make {decided.width}×{decided.height} px. "
            f"Choose a size of about {side}×{side} px at most.",
            field="width",
        )
    draft.changes.update(width=decided.width, height=decided.height)
    draft.notices.extend(decided.notices)


def _fit(draft: Draft) -> None:
    """What is done with a source of another shape than the picture."""
    source = draft.leading_size if draft.request.with_role(Role.SOURCE) else None
    size = int(draft.changes["width"]), int(draft.changes["height"])
    made = fitting.fit(draft.request, source, size, draft.catalog, draft.spec, draft.route)
    draft.changes.update(fit=made.fit, extend=made.extend)
    draft.notices.extend(made.notices)


def _unfit(draft: Draft, source: tuple[int, int], size: Literal["source"] | ResultSize) -> str | None:
    """Why the picture cannot come at `size`, in words."""
    width, height = draft.changes["width"], draft.changes["height"]
    steps = draft.route.size_multiple * (1 / width + 1 / height) / 2
    result = source if size == "source" else (size.width, size.height)
    if result[0] * result[1] > MAX_RESULT_PX:
        most = MAX_RESULT_PX // 1_000_000
        return f"The picture comes at the model's own size: {most} megapixels are the most it can be made of."
    long = max(source[0] / source[1], source[1] / source[0]) > sizes.MOST_STRETCHED
    apart = abs(math.log(result[0] / result[1] * height / width))
    if not (long or draft.route.extends) and apart > _RESULT_SHAPE + steps:
        return "The picture comes at the model's own size, because it has another shape than its source."
    return None


def _sizes_in_words(draft: Draft, result: tuple[int, int], *, as_reference: bool) -> Iterator[str]:
    width, height = draft.changes["width"], draft.changes["height"]
    if result != (width, height):
        said = draft.changes.get("fit") or draft.changes.get("extend") is not None
        said = "" if said or not as_reference else ", as the reference"
        yield f"{result[0]}×{result[1]}{said} · the model works at {width}×{height}"


def _shaping_size(draft: Draft) -> tuple[int, int] | None:
    """Size of the leading reference, with the canvas that is asked for around it."""
    size, extend = draft.leading_size, fitting.wished(draft.request)
    return extend.around(*size) if size and extend else size
