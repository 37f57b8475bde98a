"""How large an enlarged picture becomes, and which enlarger makes it. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pipelines.catalog.catalog import Catalog
from pipelines.errors import NotFound, RequestError
from pipelines.families import upscaler
from pipelines.families.route import STUDIO_DEFAULTS, Route
from pipelines.request import Finish, GenerationRequest, Mode
from pipelines.spec import ModelSpec

MOST_SIDE = 4096
"""Longest side in px of what the studio makes."""
_LEAST_SIDE = 16
_SAME_SHAPE = 0.01


class Enlarged(NamedTuple):
    """A size in px, the scale where it is a whole one, and what to say about it."""

    width: int
    height: int
    scale: int | None
    notices: tuple[str, ...] = ()


def size(request: GenerationRequest, route: Route, source: tuple[int, int]) -> Enlarged:
    """What `request` makes of a source (width, height): by scale, else by size. Raises RequestError."""
    scale = request.scale
    if scale is None and not (request.width or request.height):
        scale = int({**STUDIO_DEFAULTS, **route.default}["scale"])
    made = by_size(source, request.width, request.height) if scale is None else by_scale(source, scale)
    if min(made.width, made.height) < _LEAST_SIDE:
        raise RequestError(
            f"The picture would be {made.width}×{made.height} px, and {_LEAST_SIDE} px a side is the least "
            "the studio makes. Use a larger one.",
            field="references",
        )
    return made


def fits(scale: int, side: int) -> Literal[1, 2, 4]:
    """The largest scale up to `scale` with which a side of so many px stays within what the studio makes."""
    if scale >= 4 and 4 * side <= MOST_SIDE:
        return 4
    return 2 if scale >= 2 and 2 * side <= MOST_SIDE else 1


def finish(
    catalog: Catalog, route: Route, request: GenerationRequest, side: int, *, sized: bool
) -> Finish | None:
    """How the pictures are finished; None where they stay as they come. Raises RequestError.

    `side`: the longer one, in px. `sized`: they get a size of their own, as those that refine a source.
    """
    left_open = "finish" not in request.model_fields_set
    wish = Finish.model_validate({"scale": route.default.get("finish", 1)}) if left_open else request.finish
    if route.enlarges or route.patches or sized or wish is None or wish.scale == 1:
        return None
    found = chosen(catalog, wish.upscaler, "finish")
    if found is None and not left_open:
        raise RequestError("There is no enlarger on this machine. Set Finish to none.", field="finish")
    scale = fits(wish.scale, side)
    return None if found is None or scale == 1 else Finish(scale=scale, upscaler=found.id)


def lessened(wish: Finish | None, made: Finish | None, *, sized: bool) -> tuple[str, ...]:
    """What to say where a picture is enlarged less than was asked."""
    scale = made.scale if made else 1
    if wish is None or scale >= wish.scale:
        return ()
    if sized:
        return ("The picture comes at the size of its reference, so it is not enlarged.",)
    how = "not enlarged" if scale == 1 else f"enlarged {scale} times"
    return (f"The picture is {how}: {MOST_SIDE} px a side is the most the studio makes.",)


def before_redrawing(catalog: Catalog, route: Route, request: GenerationRequest) -> str | None:
    """The enlarger whose picture is redrawn; None where none is. Raises RequestError."""
    if not (route.enlarges and route.draws):
        return None
    found = chosen(catalog, request.upscaler, "upscaler")
    if found is None:
        raise RequestError(
            "There is no enlarger on this machine, and a picture is enlarged before it is redrawn.",
            field="upscaler",
        )
    return found.id


def by_scale(source: tuple[int, int], scale: int) -> Enlarged:
    """Every side `scale` times as long, as far as the studio goes. Raises RequestError (field `scale`)."""
    width, height = (side * scale for side in source)
    if max(width, height) <= MOST_SIDE:
        return Enlarged(width, height, scale)
    if max(source) >= MOST_SIDE:
        raise RequestError(
            f"The picture has {source[0]}×{source[1]} px already, and {MOST_SIDE} px a side is the most the "
            "studio makes.",
            field="scale",
        )
    most = _fitting(source, MOST_SIDE / max(source))
    said = (
        f"{scale} times would be {width}×{height} px. The picture becomes {most[0]}×{most[1]} px: "
        f"{MOST_SIDE} px a side is the most the studio makes."
    )
    return Enlarged(*most, None, (said,))


def by_size(source: tuple[int, int], width: int | None, height: int | None) -> Enlarged:
    """The largest picture of the source's shape within the size. Raises RequestError (field `width`)."""
    factors = [wish / own for wish, own in zip((width, height), source, strict=True) if wish]
    made = _fitting(source, min(factors))
    if min(factors) <= 1:
        raise RequestError(
            f"The picture has {source[0]}×{source[1]} px. Ask for a size larger than that.", field="width"
        )
    wished = width or made[0], height or made[1]
    same = all(abs(a / b - 1) <= _SAME_SHAPE for a, b in zip(wished, made, strict=True))
    if same:
        return Enlarged(*wished, None)
    said = f"Enlarging keeps the shape of the picture: it becomes {made[0]}×{made[1]} px."
    return Enlarged(*made, None, (said,))


def _fitting(source: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(source[0] * factor)), max(1, round(source[1] * factor))


def chosen(catalog: Catalog, asked: str | None, field: str) -> ModelSpec | None:
    """The enlarger asked for, else the first that is here; None where there is none.

    Raises RequestError for one that is no enlarger or is not here.
    """
    if asked is None:
        usable = (spec for spec in enlargers(catalog) if _reason(catalog, spec) is None)
        return next(usable, None)
    try:
        spec = catalog.get(asked)
    except NotFound as error:
        known = ", ".join(each.id for each in enlargers(catalog)) or "none"
        raise RequestError(
            f"There is no enlarger '{asked}'. The enlargers are: {known}.", field=field
        ) from error
    if spec.family != upscaler.NAME:
        raise RequestError(f"{spec.label} is no enlarger. Choose another.", field=field)
    if reason := _reason(catalog, spec):
        raise RequestError(reason, field=field)
    return spec


def enlargers(catalog: Catalog) -> tuple[ModelSpec, ...]:
    """The models that only make pictures larger."""
    return tuple(spec for spec in catalog.specs if spec.family == upscaler.NAME)


def _reason(catalog: Catalog, spec: ModelSpec) -> str | None:
    return catalog.unavailable_reason(spec.id, Mode.UPSCALE)
