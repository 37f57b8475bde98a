"""Changes of colour and light as local affine maps, fitted small and applied to the source at full size.

Least squares in windows (He, Sun and Tang 2013), coefficients enlarged as in bilateral guided upsampling
(Chen, Adams, Wadhwa and Hasinoff 2016, doi 10.1145/2980179.2982423). Where colours say nothing of slopes,
these lean towards a plain gain; windows that fit count more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.returning.maths import (
    Bytes,
    Floats,
    as_floats,
    blurred,
    covariance,
    inverse,
    ramp,
    resized,
    window_mean,
)

FIT_SIDE = 256
"""Longer side, in px, at which maps are fitted."""
_RADIUS = 3
_RIDGE = 1e-3
_STEADY = 1e-3
_GAINS = 0.2, 1.0
"""Bounds of the plain gain."""
_UNEXPLAINED = 0.035, 0.09
"""Blurred differences, of 1, between which new structure takes over from light."""

_LEFT = 0.25, 0.5
"""Shares of the contrast that was there between which what was there counts as taken away;"""
_THERE = 0.03, 0.08
"""and how much contrast, of 1, needs to have been there."""


def fitted(seen: Floats, drawn: Floats) -> Floats:
    """(h, w, 12): rows of the matrix, then offsets, that turn colours of `seen` into those of `drawn`."""
    height, width = seen.shape[:2]
    means, goals = window_mean(seen, _RADIUS), window_mean(drawn, _RADIUS)
    gains = np.eye(3, dtype=np.float32) * np.clip(goals / np.maximum(means, 0.02), *_GAINS)[..., None]
    products = (drawn[..., :, None] * seen[..., None, :]).reshape(height, width, 9)
    together = window_mean(products, _RADIUS).reshape(height, width, 3, 3)
    together -= goals[..., :, None] * means[..., None, :]
    matrix = (together + np.float32(_RIDGE) * gains) @ inverse(covariance(seen, means, _RADIUS, _RIDGE))
    offset = goals - (matrix @ means[..., None])[..., 0]
    maps = np.concatenate([matrix.reshape(height, width, 9), offset], axis=-1)
    weight = 1 / (window_mean(np.square(applied(maps, seen) - drawn).sum(-1), _RADIUS) + np.float32(_STEADY))
    return window_mean(maps * weight[..., None], _RADIUS) / window_mean(weight, _RADIUS)[..., None]


def applied(maps: Floats, colours: Floats) -> Floats:
    """Colours (h, w, 3) after their maps (h, w, 12)."""
    red, green, blue = (colours[..., c] for c in range(3))
    rows = [
        maps[..., 3 * c] * red + maps[..., 3 * c + 1] * green + maps[..., 3 * c + 2] * blue + maps[..., 9 + c]
        for c in range(3)
    ]
    return np.stack(rows, axis=-1)


@dataclass(frozen=True, slots=True)
class LightFit:
    """`maps` (h, w, 12), and `new` (h, w) in [0, 1]: how far they do not explain what was drawn."""

    maps: Floats
    new: Floats

    @classmethod
    def of(cls, seen: Bytes, drawn: Bytes) -> LightFit:
        """Of what a model saw and drew, (H, W, 3)."""
        one, other = (for_fit(as_floats(p)) for p in (seen, drawn))
        maps = fitted(one, other)
        return cls(maps, structure(maps, one, other))


def structure(maps: Floats, seen: Floats, drawn: Floats) -> Floats:
    """(h, w) in [0, 1]: how far light alone does not explain what was drawn."""
    lit = applied(maps, seen)
    unexplained = ramp(blurred(np.abs(lit - drawn).max(-1), 1.0), *_UNEXPLAINED)
    return np.maximum(unexplained, _flattened(seen, lit, drawn))


def _flattened(seen: Floats, lit: Floats, drawn: Floats) -> Floats:
    """(h, w) in [0, 1]: how far light takes away what was there, which at full size it never does wholly.

    What becomes darker has less contrast, too: only what is less by more than that counts.
    """
    there, left = (np.sqrt(_variance(each)) for each in (seen, lit))
    before, after = (window_mean(each.mean(-1), _RADIUS) for each in (seen, drawn))
    darker = np.clip(after / np.maximum(before, 0.02), *_GAINS)
    gone = 1 - ramp(left / np.maximum(there * darker, 1e-4), *_LEFT)
    return blurred(gone * ramp(there, *_THERE), 1.0)


def _variance(picture: Floats) -> Floats:
    """(h, w): of the windows, over all channels."""
    return np.maximum(
        window_mean(np.square(picture).sum(-1), _RADIUS) - np.square(window_mean(picture, _RADIUS)).sum(-1), 0
    )


def for_fit(picture: Floats) -> Floats:
    """A picture at the size at which maps are fitted."""
    height, width = picture.shape[:2]
    scale = FIT_SIDE / max(height, width)
    if scale >= 1:
        return picture
    return resized(picture, (max(1, round(width * scale)), max(1, round(height * scale))))
