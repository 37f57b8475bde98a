"""Paints the canvas that is added around a picture: inpainting from its edges drawn out, window after window.

Not one pixel that is there is touched. What is new meets it in tone: what a model's picture of the known part
differs by from the known part itself, right at the join, is taken out of the new part, and fades into its
mean with the distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np
from PIL import Image, ImageFilter

from pipelines.events import Event, Phase, TileProgress
from pipelines.planning.extending import passes
from pipelines.planning.plan import Plan
from pipelines.request import MAX_SEED, Extend, Mode, Role
from pipelines.returning.maths import Bools, Bytes, Floats
from pipelines.running.contract import LoadedModel, OnStep, RoleImage
from pipelines.running.families.upscaler import small_jpeg
from pipelines.running.finishing import enlarged
from pipelines.running.picture_calls import PictureCall

_SEED_STEP = 7919
_JOIN = 8
"""Px of the model's picture by which the part that is drawn reaches into what is known, about."""
_BESIDE = 2
"""Width in px of the known part beside the join that is compared."""
_BLURS = 24
"""Sides of the added canvas in radii of the blur of what stands there before it is painted."""


def begun(source: Bytes, extend: Extend) -> Bytes:
    """The canvas to begin with, (H, W, 3): the source, its edges drawn out and blurred beyond them."""
    beyond = ((extend.top, extend.bottom), (extend.left, extend.right), (0, 0))
    canvas = np.pad(source, beyond, mode="edge")
    radius = max(1, max(max(pair) for pair in beyond) // _BLURS)
    soft = np.asarray(Image.fromarray(canvas).filter(ImageFilter.GaussianBlur(radius))).copy()
    height, width = source.shape[:2]
    soft[extend.top : extend.top + height, extend.left : extend.left + width] = source
    return soft


class Extending(PictureCall):
    """See `pipelines.running.contract.Call`. `source`: the picture that gets more canvas, RGB."""

    phase = Phase.DENOISING

    def __init__(
        self, model: LoadedModel, plan: Plan, source: RoleImage, emit: Callable[[Event], None]
    ) -> None:
        assert plan.extend is not None
        self._model, self._plan, self._emit = model, plan, emit
        self._windows = passes(plan.extend, source.image.size, (plan.width, plan.height))
        self._source = source
        self._canvas = begun(np.asarray(source.image), plan.extend)
        self._known = np.zeros(self._canvas.shape[:2], bool)
        left, top = plan.extend.left, plan.extend.top
        self._known[top : top + source.image.height, left : left + source.image.width] = True
        self._seen = Image.fromarray(self._canvas)

    @property
    def pipeline(self) -> str:
        """Name of the diffusers class that paints each window."""
        return self._plan.pipeline

    def denoise(self, seed: int, on_step: OnStep) -> Image.Image:
        """The whole picture, RGB."""
        canvas, known = self._canvas.copy(), self._known.copy()
        for number, window in enumerate(self._windows):
            here = slice(window.top, window.bottom), slice(window.left, window.right)
            steps = partial(self._step, on_step, number)
            drawn = self._drawn(canvas[here], known[here], (seed + number * _SEED_STEP) % MAX_SEED, steps)
            canvas[here] = np.where(known[here][..., None], canvas[here], drawn)
            known[here] = True
            self._seen = Image.fromarray(canvas)
            self._emit(TileProgress(number + 1, len(self._windows)))
        return Image.fromarray(canvas)

    def preview(self, latents: Any) -> Callable[[], bytes]:
        """What makes a small JPEG of the picture as far as it is painted."""
        del latents  # of one window alone
        return partial(small_jpeg, self._seen.copy())

    def _step(self, on_step: OnStep, number: int, index: int, of: int, latents: Any) -> None:
        on_step(number * of + index, len(self._windows) * of, latents)

    def _drawn(self, here: Bytes, known: Bools, seed: int, on_step: OnStep) -> Bytes:
        """What a window shows, painted where it is not known, in the tones of what is."""
        strength = self._plan.strength if self._plan.route.strength else 1.0
        plan = replace(self._plan, mode=Mode.INPAINT, strength=strength, result_size=None)
        size = plan.width, plan.height
        view = Image.fromarray(here).resize(size, Image.Resampling.LANCZOS)
        mask = Image.fromarray(_in_cells(known, size, plan.route.size_multiple))
        images = [
            replace(self._source, image=view),
            replace(self._source, image=mask.convert("RGB"), role=Role.MASK, number=2),
        ]
        call = self._model.prepare(plan, images, self._emit)
        drawn = call.decode(call.denoise(seed, on_step)).convert("RGB")
        large = enlarged(drawn).resize(here.shape[1::-1], Image.Resampling.LANCZOS)
        reach = max(2, round(2 * here.shape[1] / size[0]))
        return in_tone(here, np.asarray(large), known, reach)


def _in_cells(known: Bools, size: tuple[int, int], cell: int) -> Bytes:
    """The mask (h, w) of a model's picture: white in every cell of its latents with a part not known.

    A little of what is known is drawn, too: only so can it be seen how far off the tones of the new part are.
    """
    new = Image.fromarray(np.where(known, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    new = new.filter(ImageFilter.MaxFilter(2 * (_JOIN // 2) + 1))
    height, width = size[1] // cell, size[0] // cell
    cells = np.asarray(new)[: height * cell, : width * cell].reshape(height, cell, width, cell)
    white = cells.max(axis=(1, 3)) > 0
    return np.kron(white, np.ones((cell, cell), np.uint8)).astype(np.uint8) * 255


def in_tone(source: Bytes, drawn: Bytes, known: Bools, reach: int) -> Bytes:
    """`drawn` (H, W, 3) in the tones that `source` has beside it, where `known` (H, W) says it is known.

    `reach`: over how many px from the join single pixels count, before their means do.
    """
    if known.all() or not known.any():
        return drawn
    import scipy.ndimage as nd

    beside = known & (np.asarray(nd.distance_transform_cdt(known, metric="chessboard")) <= _BESIDE)
    difference = source.astype(np.float32) - drawn
    distance, nearest = cast("tuple[Floats, Any]", nd.distance_transform_edt(~known, return_indices=True))
    near = np.exp(-distance / reach).astype(np.float32)[..., None]
    correction = difference[tuple(nearest)] * near + _spread(difference, beside) * (1 - near)
    return np.clip(np.rint(drawn + correction), 0, 255).astype(np.uint8)


def _spread(values: Floats, known: Bools) -> Floats:
    """Known values of (H, W, 3) spread smoothly over all pixels, by halving and doubling (pull-push)."""
    height, width = known.shape
    weighted = np.concatenate([values * known[..., None], known[..., None]], axis=2).astype(np.float32)
    levels = [weighted]
    while max(levels[-1].shape[:2]) > 1:
        levels.append(_halved(levels[-1]))
    filled = _means(levels[-1])
    for level in reversed(levels[:-1]):
        coarse = _doubled(filled, level.shape[:2])
        share = np.minimum(level[..., 3:], 1.0)
        filled = (_means(level) * share + coarse * (1 - share)).astype(np.float32)
    return filled[:height, :width]


def _means(level: Floats) -> Floats:
    """(h, w, 4), sums and their weights, as means."""
    return (level[..., :3] / np.maximum(level[..., 3:], 1e-6)).astype(np.float32)


def _halved(level: Floats) -> Floats:
    """Sums over two by two; weights count no more than one."""
    high, wide = level.shape[:2]
    even = np.pad(level, ((0, high % 2), (0, wide % 2), (0, 0)))
    summed = even.reshape((high + 1) // 2, 2, (wide + 1) // 2, 2, 4).sum(axis=(1, 3))
    weight = summed[..., 3:]
    return np.concatenate([summed[..., :3] / np.maximum(weight, 1), np.minimum(weight, 1)], axis=2)


def _doubled(level: Floats, size: tuple[int, ...]) -> Floats:
    """(h, w, 3) at `size` (height, width), in between as straight lines go."""
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(level[..., each])).resize(
                (2 * level.shape[1], 2 * level.shape[0]), Image.Resampling.BILINEAR
            )
        )
        for each in range(3)
    ]
    return np.stack(channels, axis=2)[: size[0], : size[1]]
