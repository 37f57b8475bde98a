"""Pictures for screens brighter than white (PQ and HLG) on one that is not: as Chromium shows them.

Light is relative to white, 203 cd/m² (ITU-R BT.2408), and goes on to 1000 cd/m². The tone curve is the
reference white one of SMPTE ST 2094-50: white comes to half, what is brighter is bent below 1, by the largest
of the three colours of ITU-R BT.2020, so that hues stay. Knows numpy and Pillow; knows no files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from studio import icc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PQ, HLG = icc.HIGH_RANGE
_PEAK = 1000 / 203
"""The brightest light of which anything is kept."""
_WHITE, _KAPPA = 0.5, 0.65
"""Where white comes to, and how far along its first slope the curve goes on."""
_BEND = (1 - _KAPPA + _KAPPA / _WHITE, (1 - _KAPPA) * _WHITE + _KAPPA)
"""Middle point of the Bézier curve from (1, `_WHITE`) to (`_PEAK`, 1)."""
_LUMA = (0.2627, 0.6780, 0.0593)
"""Of light in BT.2020."""
_SYSTEM_GAMMA = 1.2
"""From the scene of HLG to a screen of 1000 cd/m²."""


class ToneMapping:
    """From values in PQ or HLG to sRGB; `apply` as `colours.Conversion` has it."""

    def __init__(self, primaries: icc.Primaries, transfer: int) -> None:
        import numpy as np

        wide, plain = _to_xyz(icc.PRIMARIES[9]), _to_xyz(icc.SRGB_PRIMARIES)
        self._inwards = (np.linalg.inv(wide) @ _to_xyz(primaries)).astype(np.float32)
        self._outwards = (np.linalg.inv(plain) @ wide).astype(np.float32)
        self._is_scene = transfer == HLG
        stored = np.arange(256) / 255
        self._light = (_from_hlg(stored) if self._is_scene else _from_pq(stored)).astype(np.float32)

    def apply(self, picture: Image.Image) -> Image.Image:
        """RGB, or RGBA, of an 8-bit L, LA, RGB or RGBA picture."""
        import numpy as np

        alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
        light = self._light[np.asarray(picture.convert("RGB"))] @ self._inwards.T
        if self._is_scene:
            luma = (light @ np.array(_LUMA, np.float32)).clip(0.0)[..., None]
            light = light * luma ** np.float32(_SYSTEM_GAMMA - 1) * np.float32(_PEAK)
        shown = Image.fromarray(_encoded(_toned(light) @ self._outwards.T))
        if alpha is not None:
            shown.putalpha(alpha)
        return shown


def _to_xyz(primaries: icc.Primaries) -> NDArray[np.float64]:
    """3×3, from light of these colours to XYZ under D50, with white at Y 1."""
    import numpy as np

    columns = icc.matrix(primaries)
    assert columns is not None  # of H.273, all of which describe colours
    return np.array(columns).T


def _from_pq(stored: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, in units of white."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = stored ** (1 / m2)
    return 10000 / 203 * ((power - c1).clip(0) / (c2 - c3 * power)) ** (1 / m1)


def _from_hlg(stored: np.ndarray) -> np.ndarray:
    """ITU-R BT.2100, light of the scene from 0 to 1."""
    import numpy as np

    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(stored <= 0.5, stored**2 / 3, (np.exp((stored - c) / a) + b) / 12)


def _toned(light: np.ndarray) -> np.ndarray:
    import numpy as np

    most = light.max(axis=-1, keepdims=True)
    return light * (_curve(most) / np.maximum(most, 1e-6))


def _curve(light: np.ndarray) -> np.ndarray:
    """The tone curve: what is x or brighter than white, to 0 to 1."""
    import numpy as np

    (x, y), rise = _BEND, 2 * (_BEND[0] - 1)
    bow = _PEAK - 2 * x + 1
    above = light.clip(1.0, _PEAK) - 1
    t = (np.sqrt(rise**2 + 4 * bow * above) - rise) / (2 * bow)
    bent = _WHITE * (1 - t) ** 2 + 2 * y * t * (1 - t) + t**2
    return np.where(light <= 1, _WHITE * light, bent)


def _encoded(light: np.ndarray) -> np.ndarray:
    """sRGB, uint8; what is beyond is cut off."""
    import numpy as np

    kept = light.clip(0.0, 1.0)
    values = np.where(kept <= 0.0031308, 12.92 * kept, 1.055 * kept ** np.float32(1 / 2.4) - 0.055)
    return np.rint(values * 255).astype(np.uint8)
