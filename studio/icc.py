"""ICC profiles written here, for colours that a file describes in a few numbers.

A matrix and one curve, as ICC.1:2022 has them; the values of ITU-T H.273 by their numbers. Knows no pictures.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

XY = tuple[float, float]
"""CIE 1931 chromaticity."""
_D50 = (0.9642, 1.0, 0.8249)
_D65, _C, _E, _DCI = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_LARGEST = 4.0
"""Of a matrix that describes colours anybody can see."""


class Curve(NamedTuple):
    """From stored value to light, both 0 to 1: (a x + b) ** gamma from `d` on, below it c x."""

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


class Primaries(NamedTuple):
    """Where red, green, blue and white lie."""

    red: XY
    green: XY
    blue: XY
    white: XY


SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
SRGB_PRIMARIES = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
PRIMARIES = {
    1: SRGB_PRIMARIES,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    10: Primaries((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _E),
    11: Primaries(*_P3, _DCI),
    12: Primaries(*_P3, _D65),
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
"""ColourPrimaries of H.273."""
_VIDEO = Curve(2.4)
"""How screens show what cameras encode (BT.1886)."""
CURVES = {
    1: _VIDEO,
    4: Curve(2.2),
    5: Curve(2.8),
    6: _VIDEO,
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 0.25, 0.0913),
    8: Curve(1.0),
    11: _VIDEO,
    13: SRGB_CURVE,
    14: _VIDEO,
    15: _VIDEO,
    17: Curve(2.6, (52.37 / 48) ** (1 / 2.6)),
}
"""TransferCharacteristics of H.273, without those of high dynamic range and those that browsers pass by."""
HIGH_RANGE = (16, 18)
"""PQ and HLG."""


def profile(primaries: Primaries | None, curve: Curve) -> bytes | None:
    """An RGB profile, or of grey without `primaries`; None where they describe no colours."""
    if primaries is None:
        return _written(b"GRAY", [(b"kTRC", _para(curve))])
    columns = matrix(primaries)
    if columns is None:
        return None
    colours = [
        (name + b"XYZ", _xyz(column)) for name, column in zip((b"r", b"g", b"b"), columns, strict=True)
    ]
    return _written(b"RGB ", [*colours, *((name + b"TRC", _para(curve)) for name in (b"r", b"g", b"b"))])


def matrix(primaries: Primaries) -> list[list[float]] | None:
    """XYZ of full red, green and blue under D50; None for what cannot be solved."""
    import numpy as np

    points = np.array([[x, y, 1 - x - y] for x, y in primaries]).T
    white_x, white_y = primaries.white
    if not white_y > 0:
        return None
    white = np.array([white_x / white_y, 1.0, (1 - white_x - white_y) / white_y])
    bradford = np.array(_BRADFORD)
    try:
        matrix = points[:, :3] * np.linalg.solve(points[:, :3], white)
        scale = (bradford @ _D50) / (bradford @ white)
        adapted = np.linalg.solve(bradford, scale[:, None] * (bradford @ matrix))
    except np.linalg.LinAlgError:
        return None
    return adapted.T.tolist() if np.abs(adapted).max() < _LARGEST else None  # not for NaN either


def _written(space: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A display profile of version 4.4."""
    words = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + b"\0x\0\0"
    every = [(b"desc", words), (b"cprt", words), (b"wtpt", _xyz(_D50)), *tags]
    start = 128 + 4 + 12 * len(every)
    table, body = struct.pack(">I", len(every)), b""
    for name, data in every:
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4xI4s4s4s12x4s28x", start + len(body), 0x04400000, b"mntr", space, b"XYZ ", b"acsp")
    return head[:68] + b"".join(_fixed(value) for value in _D50) + bytes(48) + table + body


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)


def _para(curve: Curve) -> bytes:
    """Parametric curve of type 3."""
    return b"para\0\0\0\0\0\3\0\0" + b"".join(_fixed(value) for value in curve)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
