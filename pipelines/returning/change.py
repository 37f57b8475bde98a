"""Where a model's picture differs from what it saw by more than its own unsteadiness.

A pixel counts as unchanged where its neighbourhood in the other picture holds its colour: edges that went
by a pixel are no change. What is near a much larger change needs to differ by more, for models blur across
borders. Then hysteresis (Canny 1986), small holes closed, and the border drawn along the source's own edges
(the guided filter: He, Sun and Tang 2013, doi 10.1109/TPAMI.2012.213).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.returning.maths import (
    EVERYWHERE,
    Bools,
    Bytes,
    Floats,
    as_floats,
    blurred,
    covariance,
    inverse,
    ndimage,
    ramp,
    resized,
    window_mean,
)

TOLERANCE = 0.5
"""The studio's own; see `Thresholds.of`."""
_BLUR = 0.7
_BESIDE = 0.35
"""Share of a larger change close by that is taken for its blur."""
_CLOSE_BY = 0.05
"""In longer sides."""
_HOLE = 0.003
"""Share of the picture up to which a hole is closed."""
_PEAK, _PEAK_WIDTH = 0.08, 3.0
"""By how much more than around it, within so many px, what stands out is changed, whatever is close by."""
_MASS, _STRONG = 0.07, 0.35
"""What a change needs to be believed: so much of the largest one's mass; or such a difference, of 1;"""
_NEAR, _CLEAR = 0.25, 0.15
"""or, within so many longer sides of the largest, so much more than what is around it."""
_FAINT, _FAINT_BLUR, _FAINT_WIDTH = 0.3, 0.02, 2
"""Below such a share of a change's upper quarter, seen this blurred (in longer sides), what is wider than so
many px each way is taken for the model's own unrest: skin that a shade went over while the hair was dyed."""
_STRUCTURE = 0.3
_ARM = 0.06
"""How far from what is sure a change may go on, in longer sides."""
_WIDE, _WIDE_REACH = 0.6, 0.5
"""Share of the picture from which on a change was asked of all of it, and reaches so much farther down."""
_BROAD, _BROADLY = 0.025, 1.1
"""Blur, in longer sides, after which a difference of so many times `reach` is sure, too."""
_RING = 2, 5
"""From where to where, in px beside a change, it is looked whether it fades out."""
_FADES, _LARGE = 0.8, 0.35
"""Of `reach`, what is left there of one that does; and the least share of the picture it has."""
_FADE_BLUR, _FADE_REACH = 0.02, 0.08
"""In longer sides."""
_GUIDE_SIDE = 512
"""Longer side, in px, of the picture whose edges the border follows."""
_SMOOTH = 0.7
"""Blur, in px of the mask, that takes its steps out of the border where it is enlarged."""
_RADIUS = 10
_RIDGE = 1e-3
_FEATHER = 8
"""Levels of 255 up to which a pixel is not changed at all."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Differences of a colour channel, of 1: what a change needs somewhere, and how far it then reaches."""

    sure: float
    reach: float

    @staticmethod
    def of(tolerance: float) -> Thresholds:
        """`tolerance` in [0, 1]: how small a difference still counts as unchanged."""
        reach = 0.02 + 0.16 * tolerance
        return Thresholds(reach + 0.1, reach)


@dataclass(frozen=True, slots=True)
class Border:
    """A change at the size of its guide: linear in the source's colours (h, w, 4), and how sure it is."""

    slopes: Floats
    near: Floats
    core: Floats

    def over(self, colours: Floats, planes: Floats) -> Bytes:
        """How far each pixel is changed (255: wholly) where the source has these colours.

        `planes`: `stacked` at the pixels of `colours`.
        """
        guided = (planes[..., :3] * colours).sum(-1) + planes[..., 3]
        soft = ramp(guided, 0.35, 0.65) * ramp(planes[..., 4], 0.1, 0.6)
        levels = np.rint(np.maximum(soft, planes[..., 5]) * 255).astype(np.uint8)
        levels[levels <= _FEATHER] = 0
        return levels

    @property
    def stacked(self) -> Floats:
        """(h, w, 6): all of it, to be resized."""
        return np.concatenate([self.slopes, self.near[..., None], self.core[..., None]], axis=-1)


def difference(one: Floats, other: Floats) -> Floats:
    """(h, w): how far colours lie outside what the other picture has around them; the larger way round."""
    return np.maximum(_outside(one, other), _outside(other, one)).max(-1)


def _outside(one: Floats, other: Floats) -> Floats:
    high = ndimage.maximum_filter(other, (3, 3, 1))
    low = ndimage.minimum_filter(other, (3, 3, 1))
    return np.maximum(np.maximum(one - high, low - one), 0)


def changed(differences: Floats, thresholds: Thresholds, *, everywhere: bool = False) -> Bools:
    """(h, w): the pixels of changes that are to be believed. `everywhere`: slight ones beside them, too."""
    soft = blurred(differences, _BLUR)
    side = max(differences.shape)
    around = blurred(
        ndimage.maximum_filter(soft, 2 * max(1, round(side * _CLOSE_BY)) + 1), side * _CLOSE_BY / 2
    )
    relative = soft / np.maximum(1, around * (_BESIDE / thresholds.reach))
    peaks = soft - blurred(differences, _PEAK_WIDTH)
    relative = np.maximum(relative, peaks * (thresholds.reach / _PEAK))
    broad = blurred(differences, side * _BROAD) > thresholds.reach * _BROADLY
    seeds = (soft > thresholds.sure) | broad
    sure = _with_seed(relative > thresholds.reach, seeds)
    if everywhere or sure.mean() > _WIDE:
        sure = _with_seed(relative > thresholds.reach * _WIDE_REACH, seeds)
    closed = ndimage.binary_closing(np.pad(sure, 1, mode="edge"), EVERYWHERE)[1:-1, 1:-1] | sure
    return _weighty(_without_holes(closed), soft, peaks)


def faint(mask: Bools, differences: Floats) -> Bools:
    """(h, w): what of a change is smooth and slight beside the rest of it, and so not what was asked for.

    Nothing where almost all of the picture changed: light that was asked for is slight here and there.
    """
    if not mask.any() or mask.mean() >= _WIDE:
        return np.zeros_like(mask)
    soft = blurred(differences, _BLUR)
    fine = soft - blurred(differences, _PEAK_WIDTH) >= _PEAK
    level = blurred(differences, max(mask.shape) * _FAINT_BLUR)
    slight = mask & (level < _FAINT * np.quantile(soft[mask], 0.75)) & ~fine
    return ndimage.binary_opening(slight, EVERYWHERE, iterations=_FAINT_WIDTH)


def grown(mask: Bools, new: Floats) -> Bools:
    """By a pixel where new structure (any size) begins: what it replaces has borders too thin to be seen."""
    there = resized(new, (mask.shape[1], mask.shape[0])) > _STRUCTURE
    return mask | ndimage.binary_dilation(mask & there, EVERYWHERE)


def _with_seed(low: Bools, seeds: Bools) -> Bools:
    """What is connected with a seed, and not far from one."""
    begun = seeds & low
    if not begun.any():
        return begun
    labels, count = ndimage.label(low, EVERYWHERE)
    kept = np.zeros(count + 1, bool)
    kept[labels[begun]] = True
    return kept[labels] & (ndimage.distance_transform_edt(~begun) <= max(1.0, _ARM * max(low.shape)))


def _without_holes(mask: Bools) -> Bools:
    labels, count = ndimage.label(~mask)
    small = np.bincount(labels.ravel(), minlength=count + 1) <= _HOLE * mask.size
    small[0] = False
    return mask | small[labels]


def _weighty(mask: Bools, differences: Floats, peaks: Floats) -> Bools:
    labels, count = ndimage.label(mask, EVERYWHERE)
    if count < 2:
        return mask
    every = list(range(count + 1))
    mass = np.bincount(labels.ravel(), differences.ravel(), count + 1)
    mass[0] = 0
    strongest, clearest = (np.asarray(ndimage.maximum(each, labels, every)) for each in (differences, peaks))
    away = ndimage.distance_transform_edt(labels != mass.argmax())
    near = np.asarray(ndimage.minimum(away, labels, every)) <= _NEAR * max(mask.shape)
    kept = (mass >= _MASS * mass.max()) | (strongest >= _STRONG) | (near & (clearest >= _CLEAR))
    kept[0] = False
    return kept[labels]


def fading(differences: Floats, mask: Bools, thresholds: Thresholds) -> Floats:
    """(h, w) in [0, 1]: how changes that fade out, as light does, go on beyond `mask`, lest a line shows."""
    soft = blurred(differences, max(mask.shape) * _FADE_BLUR)
    labels, count = ndimage.label(mask, EVERYWHERE)
    beside = ndimage.maximum_filter(labels, 2 * _RING[1] + 1)
    beside[ndimage.binary_dilation(mask, EVERYWHERE, iterations=_RING[0])] = 0
    places = np.bincount(beside.ravel(), minlength=count + 1)
    level = np.bincount(beside.ravel(), soft.ravel(), count + 1) / np.maximum(places, 1)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= _LARGE * mask.size
    fades = large & (level > _FADES * thresholds.reach)
    fades[0] = False
    reach = max(1, round(max(mask.shape) * _FADE_REACH))
    region = ndimage.binary_dilation(fades[labels], EVERYWHERE, iterations=reach)
    shown = blurred(region.astype(np.float32), reach / 3) * region
    return ramp(soft, 0.3 * thresholds.reach, 0.9 * thresholds.reach) * shown


def border(mask: Bools, view: Image.Image, fade: Floats) -> Border:
    """`mask` with its border along the edges of `view`, the part of the source it shows, at any size.

    `fade` (h, w): what of it goes on beyond, without an edge.
    """
    scale = min(1.0, _GUIDE_SIDE / max(view.size))
    size = max(1, round(view.width * scale)), max(1, round(view.height * scale))
    guide = as_floats(np.asarray(view.resize(size, Image.Resampling.BOX)))
    smooth = _SMOOTH if size[0] > 1.5 * mask.shape[1] else 0.0
    inner = resized(blurred(mask.astype(np.float32), smooth), size, how=Image.Resampling.BICUBIC).clip(0, 1)
    grown = ndimage.binary_dilation(mask, EVERYWHERE).astype(np.float32)
    near = resized(blurred(grown, smooth), size, how=Image.Resampling.BICUBIC).clip(0, 1)
    radius = max(1, min(_RADIUS, min(size) // 4))
    slopes = _guided(guide, (inner + near) / 2, radius)
    beyond = resized(fade, size)
    return Border(slopes, np.maximum(near, beyond), np.maximum(ramp(inner, 0.5, 0.9), beyond))


def _guided(guide: Floats, mask: Floats, radius: int) -> Floats:
    means, level = window_mean(guide, radius), window_mean(mask, radius)
    spread = inverse(covariance(guide, means, radius, _RIDGE))
    together = window_mean(guide * mask[..., None], radius) - means * level[..., None]
    slopes = (spread @ together[..., None])[..., 0]
    offset = level - (slopes * means).sum(-1)
    return window_mean(np.concatenate([slopes, offset[..., None]], axis=-1), radius)
