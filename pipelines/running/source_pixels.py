"""What a new picture leaves alone of its source: what a mask covers, or what an edit hardly changed.

Pure picture in, picture out; knows nothing of models.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple, Protocol

from PIL import Image, ImageChops, ImageFilter

from pipelines.running.control_images import feathered

DRIFT = 0.06
"""Largest difference of a colour channel (0 to 1) that is taken for the network's own unsteadiness."""
CHANGE = 0.14
"""Least difference of a colour channel that is taken for a change in full."""
_NEIGHBOURS = 72
"""The picture's longer side, in radii of the neighbourhood whose difference counts for a pixel."""


class SourceCompositor(Protocol):
    """Knows a source, and which of its pixels stay."""

    def under(self, picture: Image.Image) -> Image.Image:
        """The RGB `picture`, of the source's size, with what is kept of the source."""
        ...


class MaskCompositor(NamedTuple):
    """Inpainting: `source`, and the `mask` (L, white is changed), of one size."""

    source: Image.Image
    mask: Image.Image

    def under(self, picture: Image.Image) -> Image.Image:
        """`picture` where the mask is white, the very pixels of the source where it is black."""
        return Image.composite(picture, self.source, feathered(self.mask))


class UnchangedCompositor(NamedTuple):
    """Edits by instruction, which have no mask: what changed is found by comparing result and source.

    A network that redraws a whole picture shifts every tone a little; kept, this adds up from edit to
    edit. So small differences shrink to none and large ones stay, as noise is taken out of signals (soft
    thresholding: Donoho 1995, doi 10.1109/18.382009). The passage is smooth, so no seam shows.

    `source`; `seen`: the source as the autoencoder gives it back, for what that loses is no change. RGB,
    of one size.
    """

    source: Image.Image
    seen: Image.Image

    def under(self, picture: Image.Image) -> Image.Image:
        """`picture` where it differs from its source, the very pixels of the source elsewhere."""
        return Image.composite(picture, self.source, self.changed(picture))

    def changed(self, picture: Image.Image) -> Image.Image:
        """How far each pixel of `picture` is taken over: L, white in full."""
        strongest = reduce(ImageChops.lighter, ImageChops.difference(picture, self.seen).split())
        radius = max(picture.size) / _NEIGHBOURS
        return strongest.filter(ImageFilter.GaussianBlur(radius)).point(_RAMP)


def _rise(difference: float) -> float:
    """Smooth step of a difference: 0 up to DRIFT, 1 from CHANGE."""
    along = min(1.0, max(0.0, (difference - DRIFT) / (CHANGE - DRIFT)))
    return along * along * (3 - 2 * along)


_RAMP = [round(255 * _rise(level / 255)) for level in range(256)]
