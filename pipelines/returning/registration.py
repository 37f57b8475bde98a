"""Where a model's picture lies against its source: edit models shift and zoom what they draw by some px.

Coarsely by phase correlation (Kuglin and Hines 1975) at several zooms, then by least squares on brightness
whose local mean and contrast are taken out (Lucas and Kanade 1981), with weights that leave out what was
changed: pixel by pixel (Tukey's biweight), and where a neighbourhood is correlated no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pipelines.returning.maths import Bytes, Floats, as_floats, blurred, ndimage, ramp, resized

SIDE = 256
"""Longer side, in px, at which pictures are compared."""
_CLOSE_SIDE = 512
"""The same, where one was found to have moved: how far, is then looked at closely."""
FARTHEST = 0.06
"""Farthest a corner may have gone, in longer sides; more is no drift."""
_NEAREST = 0.25
"""Corners that went less far, in px of the model's picture, are left where they are."""
_GAIN, _FOUND_MORE = 0.92, 0.1
"""A registration is believed where so little of the difference is left, or so much more is found again."""
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_QUANTILE = 0.524
"""Of a normal distribution's deviation, below which 0.4 of its amounts lie: up to 0.6 may have changed."""
_ZOOMS = 1.0, 0.985, 1.015, 0.97, 1.03
"""At which a shift is looked for."""
_ENOUGH = 0.75
"""Agreement from which on no further zoom is tried."""
_TRIED = 2
"""Of the most promising beginnings."""
_NEAR_BY = 5.0
"""Blur, in px, within which brightness is correlated."""
_UNRELATED, _RELATED = 0.2, 0.6
"""Correlations between which a neighbourhood begins to count."""
_FAINT = 0.02
"""Power of the flattened picture below which a neighbourhood shows nothing."""
_COARSELY, _FINELY, _CLOSELY = (8.0, 4.0), (2.0, 1.0, 1.0, 1.0), (2.0, 2.0, 1.0, 1.0, 1.0, 1.0)
"""Blur of the pictures in px, round by round."""
_NO_WORSE = 1.002
"""A closer look that leaves so many times the difference, and finds no more alike, was led astray."""
_TILE = 16
_FOUND = 0.5
"""Correlation of a tile with its place in the other picture from which on it is found again."""


@dataclass(frozen=True, slots=True)
class Registration:
    """`matrix` (2, 3): a pixel (x, y, 1) of the source's view → where it lies in the model's picture.

    `moved`: farthest corner, in px of the model's picture; `found`: share of what can be told apart that is
    found again where it belongs, in [0, 1].
    """

    matrix: Floats
    moved: float
    found: float

    @property
    def still(self) -> bool:
        """Nothing is to be moved."""
        return self.moved == 0.0

    def undo(self, drawn: Bytes, seen: Bytes) -> Bytes:
        """`drawn` moved back; what came from outside of it is taken from `seen`."""
        if self.still:
            return drawn
        height, width = drawn.shape[:2]
        # Pillow's matrix speaks of corners of pixels, ours of their middles
        (a, b, c), (d, e, f) = self.matrix.tolist()
        there = (a, b, c + (1 - a - b) / 2, d, e, f + (1 - d - e) / 2)
        how = (Image.Transform.AFFINE, there, Image.Resampling.BICUBIC)
        back = np.asarray(Image.fromarray(drawn).transform((width, height), *how))
        rim = Image.new("L", (width, height), 255).transform((width, height), *how[:2])
        return np.where(np.asarray(rim)[..., None] == 255, back, seen)


def register(seen: Bytes, drawn: Bytes) -> Registration:
    """How `drawn` lies against `seen`, both (h, w, 3)."""
    here, there = _Flat.of(seen, SIDE), _Flat.of(drawn, SIDE)
    fits = [_fitted(here.grey, there.grey, start, _COARSELY) for start in _starts(here.grey, there.grey)]
    start = max(fits, key=lambda fit: _agreement(here.grey, _warped(there.grey, fit)))
    best = _fitted(here.grey, there.grey, start, _FINELY)
    height, width = seen.shape[:2]
    moved = _farthest(here.whole(best), width, height)
    before, after = _found(here.grey, there.grey), _found(here.grey, _warped(there.grey, best))
    near = _NEAREST <= moved <= FARTHEST * max(width, height)
    still, left = (_error(here.grey, there.grey, each) for each in (_moved_by(0, 0), best))
    better = after >= before + _FOUND_MORE or (left <= _GAIN * still and after >= before)
    if not near or not better:
        return Registration(_moved_by(0, 0), 0.0, before)
    matrix = _closer(seen, drawn, here.whole(best))
    return Registration(matrix, _farthest(matrix, width, height), after)


@dataclass(frozen=True, slots=True)
class _Flat:
    """A picture made small and `_flattened` (h, w); `scale`: px of it for a pixel of the picture."""

    grey: Floats
    scale: float

    @staticmethod
    def of(picture: Bytes, side: int) -> _Flat:
        height, width = picture.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = max(8, round(width * scale)), max(8, round(height * scale))
        return _Flat(_flattened(resized(as_floats(picture) @ _LUMINANCE, size)), scale)

    def whole(self, matrix: Floats) -> Floats:
        """A matrix of the small picture's pixels, for those of the picture."""
        return _shifted_by(1 / self.scale, matrix)

    def small(self, matrix: Floats) -> Floats:
        """The other way round."""
        return _shifted_by(self.scale, matrix)


def _shifted_by(times: float, matrix: Floats) -> Floats:
    other = matrix.copy()
    other[:, 2] *= times
    return other


def _closer(seen: Bytes, drawn: Bytes, matrix: Floats) -> Floats:
    """`matrix` once more, from pictures twice as large; as it was where that finds nothing better."""
    if max(seen.shape[:2]) <= SIDE:
        return matrix
    here, there = _Flat.of(seen, _CLOSE_SIDE), _Flat.of(drawn, _CLOSE_SIDE)
    start = here.small(matrix)
    close = _fitted(here.grey, there.grey, start, _CLOSELY)
    left = [_error(here.grey, there.grey, each) for each in (start, close)]
    alike = [_agreement(here.grey, _warped(there.grey, each)) for each in (start, close)]
    return here.whole(close) if left[1] <= _NO_WORSE * left[0] or alike[1] > alike[0] else matrix


def _starts(here: Floats, there: Floats) -> list[Floats]:
    """The most promising beginnings: where it is, and shifts at several zooms."""
    found = [(_agreement(here, there), 0, _moved_by(0, 0))]
    for number, zoom in enumerate(_ZOOMS, start=1):
        if max(found)[0] >= _ENOUGH:
            break
        zoomed = _zoomed(zoom, here.shape)
        x, y = _shift(here, _warped(there, zoomed))
        start = zoomed.copy()
        start[:, 2] += np.float32(zoom) * np.array([x, y], np.float32)
        found.append((_agreement(here, _warped(there, start)), number, start))
    return [start for _, _, start in sorted(found, reverse=True)[:_TRIED]]


def _zoomed(zoom: float, shape: tuple[int, ...]) -> Floats:
    """Around the middle."""
    y, x = ((side - 1) / 2 * (1 - zoom) for side in shape)
    return np.array([[zoom, 0, x], [0, zoom, y]], np.float32)


def _correlation(here: Floats, there: Floats) -> tuple[Floats, Floats]:
    """(h, w): how alike neighbourhoods are, -1 to 1; how much they show in `here`."""
    power, other = blurred(here * here, _NEAR_BY), blurred(there * there, _NEAR_BY)
    return blurred(here * there, _NEAR_BY) / np.sqrt(power * other + np.float32(1e-4)), power


def _agreement(here: Floats, there: Floats) -> float:
    """How alike what shows something is, 0 to 1; what is not alike at all counts no more than nothing."""
    alike, power = _correlation(here, there)
    weight = np.sqrt(power) * (power > _FAINT)
    return float((np.clip(alike, 0, 1) ** 2 * weight).sum() / max(float(weight.sum()), 1e-6))


def _flattened(grey: Floats) -> Floats:
    """Without its local mean and contrast: what a change of light or tone leaves alone."""
    wide = max(grey.shape) / 24
    level = grey - blurred(grey, wide)
    return level / (np.sqrt(blurred(level * level, wide)) + np.float32(0.04))


def _moved_by(x: float, y: float) -> Floats:
    return np.array([[1, 0, x], [0, 1, y]], np.float32)


def _shift(here: Floats, there: Floats) -> tuple[float, float]:
    """(x, y) px by which `there` has gone; within `FARTHEST`."""
    frame = np.outer(np.hanning(here.shape[0]), np.hanning(here.shape[1]))
    product = np.fft.rfft2(there * frame) * np.conj(np.fft.rfft2(here * frame))
    peaks = np.fft.irfft2(product / (np.abs(product) + 1e-6), here.shape)
    reach = round(FARTHEST * max(here.shape))
    near = np.fft.fftshift(peaks)
    middle = here.shape[0] // 2, here.shape[1] // 2
    rows, columns = (slice(max(0, m - reach), m + reach + 1) for m in middle)
    spot = np.unravel_index(np.argmax(near[rows, columns]), near[rows, columns].shape)
    return float(spot[1] + columns.start - middle[1]), float(spot[0] + rows.start - middle[0])


def _fitted(here: Floats, there: Floats, matrix: Floats, rounds: Sequence[float]) -> Floats:
    """The matrix that fits best from here on."""
    height, width = here.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for sigma in rounds:
        soft_here, soft_there = blurred(here, sigma), blurred(there, sigma)
        alike, _ = _correlation(here, _warped(there, matrix))
        counts = ramp(alike, _UNRELATED, _RELATED) + np.float32(0.02)
        for _ in range(3):
            matrix = _step(soft_here, _warped(soft_there, matrix), (x, y), counts, matrix)
    return matrix


def _step(here: Floats, there: Floats, at: tuple[Floats, Floats], counts: Floats, matrix: Floats) -> Floats:
    """One step of Gauss and Newton, weighted by Tukey's biweight and by how much each pixel `counts`."""
    x, y = at
    down, across = np.gradient(there)
    miss = here - there
    cut = 4.7 * max(float(np.quantile(np.abs(miss), 0.4)) / _QUANTILE, 1e-3)
    weight = counts * np.clip(1 - (miss / cut) ** 2, 0, 1) ** 2
    columns = np.stack([across * x, across, down * y, down], -1).reshape(-1, 4)
    weighted = columns * weight.reshape(-1, 1)
    normal = weighted.T @ columns
    normal += np.eye(4, dtype=np.float32) * 1e-8 * np.trace(normal)
    solve: Any = np.linalg.solve  # its types hang on those of the arrays
    change: Floats = solve(normal.astype(np.float64), (weighted.T @ miss.ravel()).astype(np.float64))
    turn = np.eye(3)
    turn[[0, 0, 1, 1], [0, 2, 1, 2]] += change
    return (np.vstack([matrix, [0, 0, 1]]) @ turn)[:2].astype(np.float32)


def _warped(there: Floats, matrix: Floats) -> Floats:
    swapped = matrix[::-1, [1, 0]]
    return ndimage.affine_transform(there, swapped, matrix[::-1, 2], order=1, mode="nearest")


def _error(here: Floats, there: Floats, matrix: Floats) -> float:
    """Mean difference, in which large ones count no more than middling ones."""
    return float(np.minimum(np.abs(here - _warped(there, matrix)), 1.0).mean())


def _farthest(matrix: Floats, width: int, height: int) -> float:
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], np.float32)
    return float(np.hypot(*(matrix @ corners - corners[:2])).max())


def _found(here: Floats, there: Floats) -> float:
    """Share of the tiles with something in them that show the same; 1 where no tile has."""
    height, width = (side // _TILE * _TILE for side in here.shape)
    if not (height and width):
        return 1.0
    tiles = [
        p[:height, :width].reshape(height // _TILE, _TILE, width // _TILE, _TILE).swapaxes(1, 2)
        for p in (here, there)
    ]
    one, other = (t - t.mean(axis=(2, 3), keepdims=True) for t in tiles)
    power = [np.sqrt((t * t).sum(axis=(2, 3))) for t in (one, other)]
    rich = power[0] > 0.35 * _TILE
    if not rich.any():
        return 1.0
    alike = (one * other).sum(axis=(2, 3)) / np.maximum(power[0] * power[1], 1e-6)
    return float((alike[rich] > _FOUND).mean())
