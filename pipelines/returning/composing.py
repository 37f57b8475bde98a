"""A source and a model's picture put together where a change is: light on the source's pixels, new structure.

Strip by strip, so that memory is bounded and a cancel heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.returning import light
from pipelines.returning.geometry import Box
from pipelines.returning.maths import Bytes, Floats, as_bytes, as_floats, resized
from pipelines.returning.views import Check, Progress, Views, never, no_progress

_STRIP_PX = 1 << 18
_THREADS = 2
_WORTH_TELLING = 8
"""Strips from which on it takes long enough to tell how far it is."""
_PLAIN = 0.4
"""How much of new structure is enlarged plainly: an enlarger's edges are sharp, also where they are wrong."""
_MARGIN = 8
"""Pixels beside new structure that an enlarger is shown."""


@dataclass(frozen=True, slots=True)
class EnlargedView:
    """A model's picture as an enlarger makes it, or a part of it: `frame` in the model's pixels."""

    picture: Image.Image
    frame: Box


Enlarge = Callable[[Image.Image, Box], EnlargedView]
"""The model's picture, and what is needed of it, some times larger; the frame holds at least that."""


def compose(
    views: Views,
    levels: Bytes,
    *,
    enlarge: Enlarge | None = None,
    redrawn: bool = False,
    check: Check = never,
) -> Bytes:
    """The source, changed as far as `levels` (H, W) say; where they are 0, its own bytes.

    `redrawn`: the model's own pixels throughout, nothing of the source under another light.
    """
    fit = None if redrawn else light.LightFit.of(views.seen, views.drawn)
    return composed(views, levels, fit, enlarge=enlarge, check=check)[0]


def composed(
    views: Views,
    levels: Bytes,
    fit: light.LightFit | None,
    *,
    enlarge: Enlarge | None,
    check: Check,
    progress: Progress = no_progress,
) -> tuple[Bytes, EnlargedView | None]:
    """As `compose`; and the model's picture as it was enlarged for that, if it was.

    `fit`: the light; None: the model's own pixels throughout.
    """
    out = views.source.copy()
    mixer = _Mixer(views, levels, enlarge, fit)
    over_strips(lambda area: mixer.mix(out, area), list(strips(levels)), check, progress)
    return out, mixer.enlarged


class _Mixer:
    """What does not depend on the strip: maps of light, and the model's picture where it is needed large."""

    def __init__(
        self, views: Views, levels: Bytes, enlarge: Enlarge | None, fit: light.LightFit | None
    ) -> None:
        self._views, self._levels = views, levels
        self._maps = None if fit is None else fit.maps
        self._new = np.ones(views.drawn.shape[:2], np.float32) if fit is None else fit.new
        self._size = views.geometry.model if fit is None else (fit.new.shape[1], fit.new.shape[0])
        self.enlarged = self._enlarged(enlarge)
        drawn = Image.fromarray(views.drawn)
        self._large = _softened(self.enlarged, drawn) or EnlargedView(drawn, Box(0, 0, *drawn.size))

    def _enlarged(self, enlarge: Enlarge | None) -> EnlargedView | None:
        """The model's picture, larger, where that helps."""
        if enlarge is None or self._views.geometry.factor <= 1:
            return None
        needed = self._needed()
        return None if needed is None else enlarge(Image.fromarray(self._views.drawn), needed)

    def _needed(self) -> Box | None:
        """The model's pixels where new structure shows, with a margin."""
        shown = Image.fromarray(self._levels).resize(
            self._size, Image.Resampling.BOX, Box(*self._views.geometry.inside)
        )
        rows, columns = np.nonzero((np.asarray(shown) > 0) & (self._new > 0))
        if not len(rows):
            return None
        width, height = self._views.geometry.model
        x, y = width / self._size[0], height / self._size[1]
        return Box(
            max(0, int(columns.min() * x) - _MARGIN),
            max(0, int(rows.min() * y) - _MARGIN),
            min(width, int((columns.max() + 1) * x) + _MARGIN),
            min(height, int((rows.max() + 1) * y) + _MARGIN),
        )

    def mix(self, out: Bytes, area: tuple[int, int, int, int]) -> None:
        """Fill `area` (left, top, right, bottom) of `out`."""
        left, top, right, bottom = area
        levels = self._levels[top:bottom, left:right]
        source = self._views.source[top:bottom, left:right]
        size = right - left, bottom - top
        new = self._model_pixels(area, size)
        colours = as_floats(source)
        if self._maps is not None:
            box = self._views.geometry.seen_from(*area, self._size)
            lit = light.applied(resized(self._maps, size, box), colours)
            new = lit + (new - lit) * resized(self._new, size, box)[..., None]
        share = as_floats(levels)[..., None]
        mixed = as_bytes(colours + (new - colours) * share)
        out[top:bottom, left:right] = np.where(levels[..., None] == 0, source, mixed)

    def _model_pixels(self, area: tuple[int, int, int, int], size: tuple[int, int]) -> Floats:
        """The model's picture there; its rim goes on where it shows less."""
        box = self._views.geometry.seen_from(*area, self._views.geometry.model)
        frame, large = self._large.frame, self._large.picture
        across = large.width / (frame.right - frame.left)
        down = large.height / (frame.bottom - frame.top)
        shown = Box(
            min(max(0.0, (box.left - frame.left) * across), large.width - 1.0),
            min(max(0.0, (box.top - frame.top) * down), large.height - 1.0),
            max(1.0, min(float(large.width), (box.right - frame.left) * across)),
            max(1.0, min(float(large.height), (box.bottom - frame.top) * down)),
        )
        return as_floats(np.asarray(large.resize(size, Image.Resampling.BICUBIC, shown)))


def _softened(large: EnlargedView | None, drawn: Image.Image) -> EnlargedView | None:
    """All of the model's picture, larger: where it was enlarged by a part plain, beyond that wholly."""
    if large is None:
        return None
    frame, picture = large.frame, large.picture
    factor = picture.width / (frame.right - frame.left)
    whole = drawn.resize(
        (round(drawn.width * factor), round(drawn.height * factor)), Image.Resampling.BICUBIC
    )
    left, top = round(frame.left * factor), round(frame.top * factor)
    plain = whole.crop((left, top, left + picture.width, top + picture.height))
    whole.paste(Image.blend(picture, plain, _PLAIN), (left, top))
    return EnlargedView(whole, Box(0, 0, *drawn.size))


def strips(levels: Bytes) -> Iterator[tuple[int, int, int, int]]:
    """(left, top, right, bottom) of strips around all that is not 0."""
    rows, columns = (np.flatnonzero(levels.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    left, right = int(columns[0]), int(columns[-1]) + 1
    high = max(1, _STRIP_PX // (right - left))
    for top in range(int(rows[0]), int(rows[-1]) + 1, high):
        yield left, top, right, min(top + high, int(rows[-1]) + 1)


def over_strips(
    work: Callable[[tuple[int, int, int, int]], None],
    areas: list[tuple[int, int, int, int]],
    check: Check,
    progress: Progress = no_progress,
) -> None:
    """Two at a time: Pillow and numpy let go of the interpreter while they compute."""

    def one(area: tuple[int, int, int, int]) -> None:
        check()
        work(area)

    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for done, _ in enumerate(threads.map(one, areas), start=1):
                if len(areas) >= _WORTH_TELLING:
                    progress(done, len(areas))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
