"""A change of tone over the whole picture beside another change: drift of the model, to be taken out."""

from __future__ import annotations

import numpy as np

from pipelines.returning.maths import Floats

LARGEST = 0.12
"""Mean shift of a channel, of 1, from which on a tone was asked for."""
_LEAST = 0.008
_NEAR = 0.04
"""How far from the common tone a pixel of [0, 1] may lie to belong to it."""
_COMMON = 0.4
"""Share of the pixels that must share a tone."""
_ELSE = 0.005
"""Share of the pixels that must have changed by something else; else the tone is all that was asked for."""
_RIDGE = 0.01


def drift(seen: Floats, drawn: Floats) -> Floats:
    """(2, 3): gain and offset of each channel by which unchanged pixels went from `seen` to `drawn`."""
    none = np.array([[1.0] * 3, [0.0] * 3], np.float32)
    one, other = seen.reshape(-1, 3), drawn.reshape(-1, 3)
    tone = none.copy()
    tone[1] = [_mode(other[:, c] - one[:, c]) for c in range(3)]
    near = _near(one, other, tone)
    for _ in range(4):
        if near.mean() < _COMMON:
            return none
        tone = np.stack([_line(one[near, c], other[near, c]) for c in range(3)], axis=1)
        near = _near(one, other, tone)
    shift = np.abs(one[near] * (tone[0] - 1) + tone[1]).mean(axis=0).max() if near.any() else 0.0
    if not _LEAST <= shift <= LARGEST or not _COMMON <= near.mean() <= 1 - _ELSE:
        return none
    return tone


def without(drawn: Floats, tone: Floats) -> Floats:
    """`drawn` as it were without this drift."""
    return np.clip((drawn - tone[1]) / tone[0], 0, 1)


def _mode(values: Floats) -> float:
    counts, edges = np.histogram(values, bins=101, range=(-0.25, 0.25))
    top = int(np.convolve(counts, np.ones(5), "same").argmax())
    return float((edges[top] + edges[top + 1]) / 2)


def _near(one: Floats, other: Floats, tone: Floats) -> np.ndarray:
    return np.abs(one * tone[0] + tone[1] - other).max(axis=1) < _NEAR


def _line(one: Floats, other: Floats) -> tuple[float, float]:
    """(gain, offset) of the line of least squares, whose gain leans towards 1."""
    x, y = float(one.mean()), float(other.mean())
    gain = (float(((one - x) * (other - y)).mean()) + _RIDGE) / (float(((one - x) ** 2).mean()) + _RIDGE)
    return gain, y - gain * x
