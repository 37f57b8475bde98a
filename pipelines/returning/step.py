"""The step between a model's picture and the collection: register, take out drift, find the change, compose.

What is not changed is the source's own bytes. Strip by strip, so that memory is bounded and a cancel heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from PIL import Image

from pipelines.returning import change, light, tone
from pipelines.returning.geometry import Box, Geometry
from pipelines.returning.maths import Bools, Bytes, Floats, as_bytes, as_floats, resized
from pipelines.returning.registration import Registration, register

Enlarge = Callable[[Image.Image], Image.Image]
"""A picture, some times larger."""
Check = Callable[[], None]
"""Raises where the artist wants it to end."""
_FIND_SIDE = 384
"""Longer side, in px, at which changes are looked for."""
_STRIP_PX = 1 << 18
_THREADS = 2
_EVERYTHING = 0.9
"""Share of a picture from which on all of it was changed."""
_NEW = 0.35
"""Share of a change that light does not explain, from which on it is a redrawing."""
_LOST = 0.15
"""Share of what is found again below which a figure has moved."""
_MARGIN = 8
"""Pixels beside new structure that an enlarger is shown."""


class Verdict(StrEnum):
    """What could be done."""

    KEPT = "kept"
    NOTHING = "nothing"
    EVERYTHING = "everything"
    MOVED = "moved"


WORDS = {
    Verdict.NOTHING: "The model changed nothing. Ask in other words, or turn “Keep the rest” off.",
    Verdict.EVERYTHING: "The model changed the whole picture, so no pixel of the reference is kept.",
    Verdict.MOVED: "The model moved the figure too far to put it back exactly, so its own picture is shown.",
}
"""What the artist is told."""
REDRAWN = (Verdict.EVERYTHING, Verdict.MOVED)
"""Nothing of the source is kept."""


@dataclass(frozen=True, slots=True)
class Views:
    """The same scene three times, RGB uint8: `source` at its own size, the others at the model's.

    `seen`: what `geometry` says of the source, as the autoencoder gives it back; `drawn`: the result.
    Raises ValueError where sizes do not belong together.
    """

    source: Bytes
    seen: Bytes
    drawn: Bytes
    geometry: Geometry

    def __post_init__(self) -> None:
        for picture, size in (
            (self.source, self.geometry.source),
            (self.seen, self.geometry.model),
            (self.drawn, self.geometry.model),
        ):
            if picture.shape != (size[1], size[0], 3) or picture.dtype != np.uint8:
                raise ValueError(f"a picture of {picture.shape} stands where {size} px of RGB are meant")


@dataclass(frozen=True, slots=True)
class Measures:
    """`changed`: share of the source's pixels; `where`: their left, top, right, bottom, of the sides.

    `moved`: px of the source by which the model's picture was put back; `found`: share of the source's
    structure found again in it; `tone`: largest drift of a channel that was taken out, of 1.
    """

    verdict: Verdict
    changed: float
    where: tuple[float, float, float, float] | None
    moved: float
    found: float
    tone: float


@dataclass(frozen=True, slots=True)
class Returned:
    """`picture` (H, W, 3) and `change` (H, W; 255: wholly changed), uint8, of the source's size."""

    picture: Bytes
    change: Bytes
    measures: Measures
    views: Views
    """With the model's picture moved back and without its drift; what `compose` needs."""

    @property
    def words(self) -> str | None:
        """What to say to the artist, if anything."""
        return WORDS.get(self.measures.verdict)


def never() -> None:
    """Nobody cancels."""


def bring_back(
    views: Views,
    *,
    tolerance: float = change.TOLERANCE,
    everywhere: bool = False,
    within: Bytes | None = None,
    enlarge: Enlarge | None = None,
    check: Check = never,
) -> Returned:
    """The change that `drawn` is against `seen`, in `source`. `tolerance`: see `change.Thresholds.of`.

    `everywhere`: all of the picture was asked to change, however little it did; what light explains still
    keeps the source's own detail. `within`: (H, W), how far each pixel of the source may change at most.
    """
    registration = register(views.seen, views.drawn)
    views = replace(views, drawn=registration.undo(views.drawn, views.seen))
    check()
    small = _at_most(views, _FIND_SIDE)
    drift = tone.drift(as_floats(small.seen), as_floats(small.drawn))
    if drift[1].any() and not everywhere:
        views = replace(views, drawn=as_bytes(tone.without(as_floats(views.drawn), drift)))
        small = _at_most(views, _FIND_SIDE)
    differences = change.difference(as_floats(small.drawn), as_floats(small.seen))
    thresholds = change.Thresholds.of(tolerance)
    mask = np.ones(differences.shape, bool) if everywhere else change.changed(differences, thresholds)
    verdict = _verdict(views, mask, registration)
    if within is not None and verdict in REDRAWN:
        verdict = Verdict.KEPT  # what lies outside stays, whatever was drawn
    if everywhere:
        levels = np.full(views.source.shape[:2], 255, np.uint8)
    else:
        levels = _levels(views, mask, change.fading(differences, mask, thresholds), verdict, check)
    if within is not None:
        levels = np.minimum(levels, within)
    picture = compose(views, levels, enlarge=enlarge, redrawn=verdict in REDRAWN, check=check)
    return Returned(picture, levels, _measures(views, levels, verdict, registration, drift), views)


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
    out = views.source.copy()
    mixer = _Mixer(views, levels, enlarge, redrawn)
    _over_strips(lambda area: mixer.mix(out, area), list(_strips(levels)), check)
    return out


class _Mixer:
    """What does not depend on the strip: maps of light, and the model's picture where it is needed large."""

    def __init__(self, views: Views, levels: Bytes, enlarge: Enlarge | None, redrawn: bool) -> None:
        self._views, self._levels = views, levels
        seen, drawn = (light.for_fit(as_floats(p)) for p in (views.seen, views.drawn))
        self._size = seen.shape[1], seen.shape[0]
        self._maps = None if redrawn else light.fitted(seen, drawn)
        weight = np.ones(seen.shape[:2], np.float32)
        self._new = weight if self._maps is None else light.structure(self._maps, seen, drawn)
        self._large, self._frame = self._enlarged(enlarge)

    def _enlarged(self, enlarge: Enlarge | None) -> tuple[Image.Image, Box]:
        """(the model's picture, larger where that helps; which of its own pixels this shows)."""
        drawn, geometry = Image.fromarray(self._views.drawn), self._views.geometry
        whole = Box(0, 0, *drawn.size)
        needed = self._needed() if enlarge and geometry.factor > 1 else None
        if enlarge is None or needed is None:
            return drawn, whole
        return enlarge(drawn.crop(needed)), Box(*needed)

    def _needed(self) -> tuple[int, int, int, int] | None:
        """The model's pixels where new structure shows, with a margin."""
        shown = Image.fromarray(self._levels).resize(
            self._size, Image.Resampling.BOX, Box(*self._views.geometry.inside)
        )
        rows, columns = np.nonzero((np.asarray(shown) > 0) & (self._new > 0))
        if not len(rows):
            return None
        width, height = self._views.geometry.model
        x, y = width / self._size[0], height / self._size[1]
        return (
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
        frame, large = self._frame, self._large
        across = large.width / (frame.right - frame.left)
        down = large.height / (frame.bottom - frame.top)
        shown = Box(
            min(max(0.0, (box.left - frame.left) * across), large.width - 1.0),
            min(max(0.0, (box.top - frame.top) * down), large.height - 1.0),
            max(1.0, min(float(large.width), (box.right - frame.left) * across)),
            max(1.0, min(float(large.height), (box.bottom - frame.top) * down)),
        )
        return as_floats(np.asarray(large.resize(size, Image.Resampling.BICUBIC, shown)))


def _at_most(views: Views, side: int) -> Views:
    """The model's pictures no larger than `side` px; for looking only."""
    width, height = views.geometry.model
    scale = side / max(width, height)
    if scale >= 1:
        return views
    size = max(1, round(width * scale)), max(1, round(height * scale))
    seen, drawn = (
        np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BOX)) for p in (views.seen, views.drawn)
    )
    return replace(views, seen=seen, drawn=drawn, geometry=replace(views.geometry, model=size))


def _verdict(views: Views, mask: Bools, registration: Registration) -> Verdict:
    share = float(mask.mean())
    if share == 0:
        return Verdict.NOTHING
    if registration.found < _LOST and share > 0.25:
        return Verdict.MOVED
    if share < _EVERYTHING:
        return Verdict.KEPT
    seen, drawn = (light.for_fit(as_floats(p)) for p in (views.seen, views.drawn))
    new = light.structure(light.fitted(seen, drawn), seen, drawn)
    return Verdict.EVERYTHING if float(new.mean()) > _NEW else Verdict.KEPT


def _levels(views: Views, mask: Bools, fade: Floats, verdict: Verdict, check: Check) -> Bytes:
    """(H, W): how far each pixel of the source is changed."""
    width, height = views.geometry.source
    levels = np.zeros((height, width), np.uint8)
    left, top, right, bottom = views.geometry.inside
    if verdict in REDRAWN:
        levels[:] = 255
        return levels
    if verdict is Verdict.NOTHING:
        return levels
    view = Image.fromarray(views.source[top:bottom, left:right])
    found = change.border(mask, view, fade)
    planes = found.stacked
    size = planes.shape[1], planes.shape[0]

    def fill(area: tuple[int, int, int, int]) -> None:
        x0, y0, x1, y1 = area
        box = views.geometry.seen_from(*area, size)
        source = as_floats(views.source[y0:y1, x0:x1])
        levels[y0:y1, x0:x1] = found.over(source, resized(planes, (x1 - x0, y1 - y0), box))

    near = resized(planes[..., 4], view.size)
    whole = np.zeros((height, width), np.uint8)
    whole[top:bottom, left:right] = near > 0
    _over_strips(fill, list(_strips(whole)), check)
    return levels


def _strips(levels: Bytes) -> Iterator[tuple[int, int, int, int]]:
    """(left, top, right, bottom) of strips around all that is not 0."""
    rows, columns = (np.flatnonzero(levels.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    left, right = int(columns[0]), int(columns[-1]) + 1
    high = max(1, _STRIP_PX // (right - left))
    for top in range(int(rows[0]), int(rows[-1]) + 1, high):
        yield left, top, right, min(top + high, int(rows[-1]) + 1)


def _over_strips(
    work: Callable[[tuple[int, int, int, int]], None], areas: list[tuple[int, int, int, int]], check: Check
) -> None:
    """Two at a time: Pillow and numpy let go of the interpreter while they compute."""

    def one(area: tuple[int, int, int, int]) -> None:
        check()
        work(area)

    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for _ in threads.map(one, areas):
                pass
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _measures(
    views: Views, levels: Bytes, verdict: Verdict, registration: Registration, drift: Floats
) -> Measures:
    shift = float(np.abs(drift[0] - 1 + drift[1]).max())
    moved = registration.moved * views.geometry.factor
    return replace(measured(levels, verdict), moved=moved, found=registration.found, tone=shift)


def measured(levels: Bytes, verdict: Verdict) -> Measures:
    """What a change says of itself."""
    height, width = levels.shape
    rows, columns = (np.flatnonzero(levels.any(axis=axis)) for axis in (1, 0))
    where = None
    if len(rows):
        where = (
            float(columns[0]) / width,
            float(rows[0]) / height,
            (float(columns[-1]) + 1) / width,
            (float(rows[-1]) + 1) / height,
        )
    changed = float(np.count_nonzero(levels)) / levels.size
    return Measures(verdict, changed, where, 0.0, 1.0, 0.0)
