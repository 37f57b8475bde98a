"""What can be seen of a picture without knowing what it shows: size, sharpness, busy-ness, light.

Numbers from pixels, each by a plain or a library's measure, of a copy whose longest side is at most 512 px.
A file is named by its content and never changes, so it is looked at once. Knows files, no rows and no rules;
scikit-image is loaded when the first picture is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from studio import images, scikit
from studio.once import once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIDE = 512
_RING_SIDE = 192
"""Side at which edges are counted: grain and fine hair are no clutter."""
_RING = 0.2
"""Width of the left, right and upper strip that is taken for the background, of the picture's side."""
_EDGE = 0.05
"""A step of luminance (0–1) from one pixel to the next that counts as an edge."""
_LEAST_SIDE = 16
"""A picture with a shorter side shows too little to be measured."""
_KEPT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """A picture in numbers. Shares and luminances are from 0 to 1."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    blur: float = 0.0
    """Blur effect after Crete et al.: below 0.4 is crisp, above 0.6 visibly soft."""
    clutter: float = 0.0
    """Share of the background (left, right and upper strip) that is edges."""
    light: float = 0.5
    """Mean luminance."""
    contrast: float = 1.0
    """Luminance of the 95th percentile less that of the 5th."""
    burnt: float = 0.0
    """Share of pixels that are pure white."""

    @property
    def shorter(self) -> int:
        """The shorter side in pixels."""
        return min(self.width, self.height)

    @property
    def area(self) -> int:
        """Pixels in all."""
        return self.width * self.height


@once(_KEPT)
def look(path: Path) -> PictureFacts:
    """Measure one picture file. Raises FileNotFoundError, OSError."""
    import numpy as np

    with images.plain(path, mode="L") as (grey,):
        width, height = grey.size
        if min(width, height) < _LEAST_SIDE:
            return PictureFacts(width=width, height=height)
        grey.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    luminance = np.asarray(grey, dtype=np.float32) / 255.0
    dark, bright = np.percentile(luminance, (5, 95))
    return PictureFacts(
        width=width,
        height=height,
        blur=_blur(luminance),
        clutter=_clutter(grey),
        light=round(float(luminance.mean()), 4),
        contrast=round(float(bright - dark), 4),
        burnt=round(float((luminance > 0.995).mean()), 4),
    )


def _blur(luminance: NDArray[np.float32]) -> float:
    """A picture without any detail has nothing that could be blurred: 0."""
    if float(luminance.max() - luminance.min()) < 0.02:
        return 0.0
    return round(scikit.blur(luminance), 4)


def _clutter(grey: Image.Image) -> float:
    import numpy as np

    small = grey.copy()
    small.thumbnail((_RING_SIDE, _RING_SIDE), Image.Resampling.BOX)
    luminance = np.asarray(small, dtype=np.float32) / 255.0
    down, across = np.gradient(luminance)
    edges = np.hypot(down, across) > _EDGE
    rows, columns = (max(1, round(side * _RING)) for side in edges.shape)
    strips = (edges[:, :columns], edges[:, -columns:], edges[:rows, columns:-columns])
    return round(float(np.concatenate([strip.ravel() for strip in strips]).mean()), 4)
