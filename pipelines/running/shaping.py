"""Gives a source of another shape than the picture that shape, before anything else is done to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipelines.events import Box
from pipelines.families.route import Route
from pipelines.planning import extending, fitting
from pipelines.planning.plan import Plan, effective_steps
from pipelines.request import Extend, Mode, Role
from pipelines.returning.geometry import Box as Frame
from pipelines.running.contract import Emit, LoadedModel, RoleImage
from pipelines.running.extending import Extending
from pipelines.spec import ModelSpec

_WHOLE = Frame(0, 0, 1, 1)


def cropped(plan: Plan, images: Sequence[RoleImage], heads: Sequence[Box]) -> list[RoleImage]:
    """Source and mask as far as they are kept; `heads`: where they are in the source, in px."""
    return [
        _part(image, plan, heads) if image.role in (Role.SOURCE, Role.MASK) else image for image in images
    ]


def _part(image: RoleImage, plan: Plan, heads: Sequence[Box]) -> RoleImage:
    box = fitting.crop(image.image.size, (plan.width, plan.height), heads)
    return replace(image, image=image.image.crop(box))


class Shaped(NamedTuple):
    """A source of `source` (width, height) px: where it lies in the finished picture, edges in parts of it.

    They are below 0 or above 1 where it is cropped.
    """

    source: tuple[int, int]
    place: Frame

    def as_is(self, refined: np.ndarray) -> bool:
        """Whether what is refined, (h, w, 3), is the source just as it is."""
        return self.place == _WHOLE and refined.shape[1::-1] == self.source


def shaped(plan: Plan, images: Sequence[RoleImage], heads: Sequence[Box]) -> Shaped | None:
    """How the source lies in what is made of it; None without a source. `heads`: in the source, in px."""
    source = next((image.image.size for image in images if image.role is Role.SOURCE), None)
    return None if source is None else Shaped(source, _place(plan, source, heads))


def _place(plan: Plan, source: tuple[int, int], heads: Sequence[Box]) -> Frame:
    shown = Frame(0, 0, *source)
    if plan.fit == "crop":
        shown = Frame(*fitting.crop(source, (plan.width, plan.height), heads))
    if plan.fit == "extend" and plan.extend is not None:
        extend = plan.extend
        shown = Frame(-extend.left, -extend.top, source[0] + extend.right, source[1] + extend.bottom)
    left, top, right, bottom = _covered(shown, plan)
    across, down = right - left, bottom - top
    return Frame(-left / across, -top / down, (source[0] - left) / across, (source[1] - top) / down)


def _covered(shown: Frame, plan: Plan) -> Frame:
    """What is left of a part of a source where the finished picture has a size of its own."""
    size = plan.result_size
    if size is None or size == "source" or plan.route.shows == "whole":
        return shown
    ratio = plan.width / plan.height if size == "model" else size.width / size.height
    wide, high = shown.right - shown.left, shown.bottom - shown.top
    across, down = max(0.0, wide - high * ratio) / 2, max(0.0, high - wide / ratio) / 2
    return Frame(shown.left + across, shown.top + down, shown.right - across, shown.bottom - down)


def extended(
    model: LoadedModel,
    plan: Plan,
    spec: ModelSpec,
    route: Route,
    images: Sequence[RoleImage],
    tell: Emit,
    check: Callable[[], None],
) -> list[RoleImage]:
    """The source with its canvas painted, by the `route` that extends; a mask is black there."""
    assert plan.extend is not None
    source = next(image for image in images if image.role is Role.SOURCE)
    size = extending.working_size(
        plan.extend, source.image.size, spec.resolution, route.size_multiple, spec.shapes
    )
    # An instruction does not say what is there.
    words = "" if plan.mode is Mode.SMART_EDIT else plan.composed_prompt
    strength = float(route.default["strength"]) if route.strength else None  # the plan's is of what follows
    painted = replace(
        plan,
        mode=Mode.OUTPAINT,
        strength=strength,
        effective_steps=effective_steps(plan.steps, strength, route),
        route=route,
        pipeline=route.pipeline,
        width=size[0],
        height=size[1],
        composed_prompt=words,
        control=None,
        fit=None,
        ip_adapter=None,
    )

    def step(index: int, of: int, latents: Any) -> None:
        check()

    whole = Extending(model, painted, source, tell).denoise(plan.seeds[0], step)
    return [_with_canvas(image, source, whole, plan.extend) for image in images]


def _with_canvas(image: RoleImage, source: RoleImage, whole: Image.Image, extend: Extend) -> RoleImage:
    if image is source:
        return replace(image, image=whole)
    if image.role is Role.MASK:
        return replace(image, image=_on_black(image.image, extend, whole.size))
    return image


def _on_black(mask: Image.Image, extend: Extend, size: tuple[int, int]) -> Image.Image:
    inside = size[0] - extend.left - extend.right, size[1] - extend.top - extend.bottom
    canvas = Image.new("RGB", size)
    canvas.paste(mask.convert("RGB").resize(inside), (extend.left, extend.top))
    return canvas
