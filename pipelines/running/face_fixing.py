"""Draws small heads anew, one after the other, each at the model's full size, and puts them back.

What the model sees is a square around the head. What it makes of it goes through the step that brings every
refinement back: moved to where it was, without the drift of its tones. It counts wholly on the head and fades
around it; beyond that the picture keeps its own bytes. Knows no family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipelines.events import Box, Event, Phase, TileProgress
from pipelines.planning import faces
from pipelines.planning.plan import Plan
from pipelines.request import MAX_SEED, Mode, Role
from pipelines.returning.composing import compose
from pipelines.returning.geometry import Box as Frame
from pipelines.returning.geometry import Geometry, stretched
from pipelines.returning.step import Verdict, bring_back, measured
from pipelines.returning.views import Views
from pipelines.running import finishing
from pipelines.running.contract import Call, FinishedPicture, LoadedModel, OnStep, RoleImage
from pipelines.running.picture_calls import OneByOne

WHOLLY, FADED = 1.05, 1.4
"""Half axes, in those of the head's box, up to which the model's picture counts, and from which not."""
_SQUARE = 4
"""Exponent of the shape between ellipse and box."""
_RIM = 12
"""A square's side, in rims over which it fades where the picture goes on."""
_SEED_STEP = 7919


class Patch(NamedTuple):
    """A head, and the square around it that the model sees; both in px of the picture."""

    head: Box
    box: Box

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the square."""
        left, top, right, bottom = self.box
        return slice(top, bottom), slice(left, right)


def patches(heads: Sequence[Box], size: tuple[int, int]) -> tuple[Patch, ...]:
    """What is drawn anew of a picture of `size` (width, height) px, the largest head first."""
    ordered = sorted(heads, key=faces.longer, reverse=True)
    return tuple(Patch(head, faces.around(head, size)) for head in ordered)


def levels(patch: Patch, size: tuple[int, int]) -> np.ndarray:
    """How far each pixel of a patch's square is the model's: uint8 (h, w), 255 on the head, 0 at the rim.

    `size`: of the picture; along its own edges nothing fades.
    """
    left, top, right, bottom = patch.box
    down = _along(top, bottom, patch.head[1], patch.head[3])
    across = _along(left, right, patch.head[0], patch.head[2])
    far = (down[:, None] ** _SQUARE + across[None] ** _SQUARE) ** (1 / _SQUARE)
    share = np.clip((FADED - far) / (FADED - WHOLLY), 0, 1)
    rim = max(2.0, (right - left) / _RIM)
    share *= _rims(bottom - top, rim, top > 0, bottom < size[1])[:, None]
    share *= _rims(right - left, rim, left > 0, right < size[0])[None]
    return (255 * share * share * (3 - 2 * share)).round().astype(np.uint8)


def _along(begin: int, end: int, low: int, high: int) -> np.ndarray:
    """Distance of pixels from the middle of [low, high], in its half lengths."""
    return np.abs(np.arange(begin, end) + 0.5 - (low + high) / 2) / max(1.0, (high - low) / 2)


def _rims(length: int, rim: float, before: bool, after: bool) -> np.ndarray:
    """1, falling to 0 over `rim` px towards the ends where the picture goes on."""
    at = np.arange(length) + 0.5
    rise = np.clip((at - 1) / rim, 0, 1) if before else np.ones(length)
    fall = np.clip((length - at - 1) / rim, 0, 1) if after else np.ones(length)
    return np.minimum(rise, fall)


class FaceRedrawing(OneByOne):
    """See `pipelines.running.contract.Call`. `plan.heads`: where they are in the source."""

    phase = Phase.DENOISING

    def __init__(
        self, model: LoadedModel, plan: Plan, images: Sequence[RoleImage], emit: Callable[[Event], None]
    ) -> None:
        self._model, self._emit = model, emit
        self._plan = replace(plan, mode=Mode.IMG2IMG, result_size=None, keep=None, heads=())
        self._source = next(image for image in images if image.role is Role.SOURCE)
        self._persons = [image for image in images if image.role is not Role.SOURCE]
        self._patches = patches(plan.heads, self._source.image.size)
        self._call: Call | None = None

    @property
    def pipeline(self) -> str:
        """Name of the diffusers class that draws each face."""
        return self._plan.pipeline

    def denoise(self, seed: int, on_step: OnStep) -> list[Image.Image]:
        """What the model makes of each head, RGB, at its own size."""
        return [self._drawn(number, patch, seed, on_step) for number, patch in enumerate(self._patches)]

    def decode(self, latents: Any) -> Image.Image:
        """The finished picture."""
        return self.finish(latents, lambda: None).picture

    def finish(self, latents: Any, check: Callable[[], None]) -> FinishedPicture:
        """The source with its faces drawn anew."""
        source = np.asarray(self._source.image)
        changed = np.zeros(source.shape[:2], np.uint8)
        drawn = source.copy()
        for patch, picture in zip(self._patches, latents, strict=True):
            found = _put_back(source[patch.place], picture, check)
            own = levels(patch, self._source.image.size)
            share = np.where(changed[patch.place] > 0, own, 255)[..., None] / 255  # heads may be side by side
            mixed = drawn[patch.place] + (found - drawn[patch.place].astype(np.float32)) * share
            drawn[patch.place] = mixed.round().astype(np.uint8)
            changed[patch.place] = np.maximum(changed[patch.place], own)
        return _kept(source, drawn, changed, self._patches, check)

    def preview(self, latents: Any) -> Callable[[], bytes]:
        """What makes a small JPEG of the face that is being drawn."""
        assert self._call is not None
        return self._call.preview(latents)

    def _drawn(self, number: int, patch: Patch, seed: int, on_step: OnStep) -> Image.Image:
        size = self._plan.width, self._plan.height
        view = self._source.image.crop(patch.box).resize(size, Image.Resampling.LANCZOS)
        images = [replace(self._source, image=view), *self._persons]
        self._call = call = self._model.prepare(self._plan, images, self._emit)
        of = len(self._patches)

        def step(index: int, steps: int, latents: Any) -> None:
            on_step(number * steps + index, of * steps, latents)

        latents = call.denoise((seed + number * _SEED_STEP) % MAX_SEED, step)
        picture = call.decode(latents).convert("RGB")
        self._emit(TileProgress(number + 1, of))
        return picture


def _put_back(source: np.ndarray, picture: Image.Image, check: Callable[[], None]) -> np.ndarray:
    """The model's picture in place of `source`, uint8 (h, w, 3).

    Moved to where it was, without the drift of its tones; as it is where it is too different to tell.
    """
    size = picture.size
    seen = np.asarray(Image.fromarray(source).resize(size, Image.Resampling.LANCZOS))
    views = Views(source, seen, np.asarray(picture), stretched((source.shape[1], source.shape[0]), size))
    made = bring_back(views, check=check)
    if made.measures.verdict is not Verdict.MOVED:
        views = made.views
    everywhere = np.full(source.shape[:2], 255, np.uint8)
    return compose(views, everywhere, enlarge=finishing.enlarger(views), redrawn=True, check=check)


def _kept(
    source: np.ndarray,
    drawn: np.ndarray,
    changed: np.ndarray,
    squares: Sequence[Patch],
    check: Callable[[], None],
) -> FinishedPicture:
    """With what is needed to put it together again: one part of the picture around all its heads."""
    left, top = (min(patch.box[edge] for patch in squares) for edge in (0, 1))
    right, bottom = (max(patch.box[edge] for patch in squares) for edge in (2, 3))
    place = slice(top, bottom), slice(left, right)
    geometry = Geometry(
        (source.shape[1], source.shape[0]), (right - left, bottom - top), Frame(left, top, right, bottom)
    )
    views = Views(source, source[place], drawn[place], geometry)
    picture = compose(views, changed, redrawn=True, check=check)
    measures = measured(changed, Verdict.KEPT)
    return FinishedPicture(Image.fromarray(picture), Image.fromarray(changed), views, measures)
