"""Redraws an enlarged picture in overlapping tiles: image to image at low strength, for finer detail.

Every tile is as large as the model was made for. Coarse tones stay those of the source, so that a model which
shifts colours shifts them in no tile; what is left blends over the whole overlap. A head whose place is known
gets a tile of its own, so that no join crosses a face. Knows no family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from pipelines.events import Box, Event, Phase, TileProgress
from pipelines.planning.plan import Plan
from pipelines.request import MAX_SEED, Mode
from pipelines.running.contract import LoadedModel, OnStep, RoleImage
from pipelines.running.families.upscaler import small_jpeg
from pipelines.running.picture_calls import PictureCall

OVERLAPS = 4
"""A tile's side, in overlaps of two neighbours."""
COARSE = 16
"""A tile's side, in blocks whose mean tone stays."""
MARGIN = 0.2
"""How much of a head's longer side lies around it in a tile of its own."""
MOST_TILE = 2
"""Longest side of such a tile, in sides of the others."""
_SEED_STEP = 7919


class Tile(NamedTuple):
    """A part of the picture to redraw, and over how many px it blends at each of its sides."""

    box: Box
    rims: Box

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        left, top, right, bottom = self.box
        return right - left, bottom - top


def grid(size: tuple[int, int], side: int, multiple: int) -> list[Tile]:
    """Tiles over a picture of `size` (width, height) px, row by row; the last may stand out beyond it.

    Sides are `side` px, fewer where the picture is smaller, and multiples of `multiple`.
    """
    wide, high = (min(_up(length, multiple), _up(side, multiple)) for length in size)
    lefts, tops = _starts(size[0], wide), _starts(size[1], high)
    return [
        Tile((left, top, left + wide, top + high), _rims(lefts, tops, i, j, (wide, high)))
        for j, top in enumerate(tops)
        for i, left in enumerate(lefts)
    ]


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin that cover `length` px evenly and overlap by a quarter or more."""
    shared = tile // OVERLAPS
    count = max(1, math.ceil((length - shared) / (tile - shared)))
    return [round(i * (length - tile) / (count - 1)) for i in range(count)] if count > 1 else [0]


def _rims(lefts: list[int], tops: list[int], i: int, j: int, tile: tuple[int, int]) -> Box:
    """How far the neighbours reach into a tile; 0 at the picture's edge."""
    (wide, high) = tile
    left = lefts[i - 1] + wide - lefts[i] if i else 0
    top = tops[j - 1] + high - tops[j] if j else 0
    right = lefts[i] + wide - lefts[i + 1] if i + 1 < len(lefts) else 0
    bottom = tops[j] + high - tops[j + 1] if j + 1 < len(tops) else 0
    return left, top, right, bottom


def around(head: Box, size: tuple[int, int], side: int, multiple: int) -> Tile | None:
    """A tile with all of a head in its middle, which blends outside the head; None where none is so large."""
    longer = max(head[2] - head[0], head[3] - head[1])
    margin = max(multiple, round(longer * MARGIN))
    need = max(side, longer + 2 * margin)
    wide, high = (min(_up(need, multiple), length // multiple * multiple) for length in size)
    if max(wide, high) > MOST_TILE * side or wide < head[2] - head[0] or high < head[3] - head[1]:
        return None
    left = _clamped((head[0] + head[2] - wide) // 2, size[0] - wide)
    top = _clamped((head[1] + head[3] - high) // 2, size[1] - high)
    box = left, top, left + wide, top + high
    gaps = head[0] - left, head[1] - top, box[2] - head[2], box[3] - head[3]
    edges = left == 0, top == 0, box[2] == size[0], box[3] == size[1]
    rims = [0 if edge else max(0, gap) for gap, edge in zip(gaps, edges, strict=True)]
    return Tile(box, (rims[0], rims[1], rims[2], rims[3]))


def _clamped(start: int, most: int) -> int:
    return max(0, min(start, most))


def weights(tile: Tile) -> np.ndarray:
    """How much of a tile counts, float32 (height, width, 1) in (0, 1]: rising from its rims to its middle."""
    width, height = tile.size
    left, top, right, bottom = tile.rims
    return np.outer(_ramp(height, top, bottom), _ramp(width, left, right)).astype(np.float32)[..., None]


def _ramp(length: int, begin: int, end: int) -> np.ndarray:
    at = np.arange(length) + 0.5
    rise = np.clip(at / begin, 0, 1) if begin else np.ones(length)
    fall = np.clip((length - at) / end, 0, 1) if end else np.ones(length)
    along = np.minimum(rise, fall)
    return np.maximum(along * along * (3 - 2 * along), 1e-4)


def with_tones_of(source: np.ndarray, drawn: np.ndarray, block: int) -> np.ndarray:
    """`drawn` with the mean tones of `source` over blocks of so many px; both float32 (h, w, 3)."""
    difference = torch.from_numpy(source - drawn).permute(2, 0, 1)[None]
    coarse = F.avg_pool2d(difference, block, ceil_mode=True, count_include_pad=False)
    smooth = F.interpolate(coarse, size=source.shape[:2], mode="bilinear", align_corners=False)
    return drawn + smooth[0].permute(1, 2, 0).numpy()


class Redrawing(PictureCall):
    """See `pipelines.running.contract.Call`. `source`: the enlarged picture, RGB; `side`: of its tiles in px;

    `heads`: where heads are in it.
    """

    phase = Phase.DENOISING

    def __init__(
        self,
        model: LoadedModel,
        plan: Plan,
        source: RoleImage,
        side: int,
        heads: Sequence[Box],
        emit: Callable[[Event], None],
    ) -> None:
        self._model, self._source, self._emit = model, source, emit
        self._plan = replace(plan, mode=Mode.IMG2IMG)
        self._coarse = max(8, side // COARSE)
        size, multiple = source.image.size, plan.route.size_multiple
        self._grid = grid(size, side, multiple)
        own = (around(head, size, side, multiple) for head in heads if len(self._grid) > 1)
        self._own = [tile for tile in own if tile is not None]
        right, bottom = (max(tile.box[edge] for tile in self._grid) for edge in (2, 3))
        beyond = ((0, bottom - size[1]), (0, right - size[0]), (0, 0))
        self._pixels = np.pad(np.asarray(source.image), beyond, mode="edge")
        self._seen = source.image.copy()

    @property
    def pipeline(self) -> str:
        """Name of the diffusers class that redraws each tile."""
        return self._plan.pipeline

    def denoise(self, seed: int, on_step: OnStep) -> Image.Image:
        """The redrawn picture, RGB, or RGBA where the source shows through."""
        canvas = np.zeros(self._pixels.shape, np.float32)
        counted = np.zeros((*self._pixels.shape[:2], 1), np.float32)
        for number, tile in enumerate(self._grid):
            weight = weights(tile)
            canvas[_place(tile)] += self._redrawn(number, tile, seed, on_step) * weight
            counted[_place(tile)] += weight
        canvas /= counted
        for number, tile in enumerate(self._own, start=len(self._grid)):
            here = canvas[_place(tile)]
            here += (self._redrawn(number, tile, seed, on_step) - here) * weights(tile)
        width, height = self._source.image.size
        return self._shown(Image.fromarray(_eight_bit(canvas[:height, :width])))

    def preview(self, latents: Any) -> Callable[[], bytes]:
        """What makes a small JPEG of the picture as far as it is redrawn."""
        del latents  # of one tile alone
        return partial(small_jpeg, self._seen.copy())

    def _redrawn(self, number: int, tile: Tile, seed: int, on_step: OnStep) -> np.ndarray:
        """A tile as the model draws it, float32 (h, w, 3) in 0 to 255, in the tones of the source."""
        source = self._pixels[_place(tile)]
        width, height = tile.size
        image = replace(self._source, image=Image.fromarray(source))
        call = self._model.prepare(replace(self._plan, width=width, height=height), [image], self._emit)
        of = len(self._grid) + len(self._own)

        def step(index: int, steps: int, latents: Any) -> None:
            on_step(number * steps + index, of * steps, latents)

        latents = call.denoise((seed + number * _SEED_STEP) % MAX_SEED, step)
        drawn = np.asarray(call.decode(latents).convert("RGB"), np.float32)
        toned = with_tones_of(source.astype(np.float32), drawn, self._coarse)
        self._seen.paste(Image.fromarray(_eight_bit(toned)), tile.box[:2])
        self._emit(TileProgress(number + 1, of))
        return toned

    def _shown(self, picture: Image.Image) -> Image.Image:
        whole = self._source.whole
        if whole is not None and whole.mode == "RGBA":
            picture.putalpha(whole.getchannel("A").resize(picture.size, Image.Resampling.BICUBIC))
        return picture


def _place(tile: Tile) -> tuple[slice, slice]:
    left, top, right, bottom = tile.box
    return slice(top, bottom), slice(left, right)


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels.round(), 0, 255).astype(np.uint8)
