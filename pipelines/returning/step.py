"""The step between a model's picture and the collection: register, take out drift, find the change, compose.

What is not changed is the source's own bytes. Strip by strip, so that memory is bounded and a cancel heard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from PIL import Image

from pipelines.returning import change, light, tone
from pipelines.returning.composing import Enlarge, EnlargedView, composed, over_strips, strips
from pipelines.returning.maths import Bools, Bytes, Floats, as_bytes, as_floats, resized
from pipelines.returning.registration import Registration, register
from pipelines.returning.views import Check, Progress, Views, never, no_progress

_FIND_SIDE = 384
"""Longer side, in px, at which changes are looked for."""
_EVERYTHING = 0.9
"""Share of a picture from which on all of it was changed."""
_NEW = 0.35
"""Share of a change that light does not explain, from which on it is a redrawing."""
_REDRAWN = 0.35
"""Share of what is found again below which what changed was drawn anew, in another style say: slight changes
belong to it, too."""
_LOST = 0.15
"""Share of what is found again below which a figure has moved."""


class Verdict(StrEnum):
    """What could be done."""

    KEPT = "kept"
    NOTHING = "nothing"
    EVERYTHING = "everything"
    MOVED = "moved"


WORDS = {
    Verdict.NOTHING: "The model changed nothing. Ask in other words, or turn “Keep the rest” off.",
    Verdict.EVERYTHING: "The model changed the whole picture, so no pixel of the reference is kept.",
    Verdict.MOVED: "The figure was moved or redrawn too much to be put back: this is the picture as made.",
}
"""What the artist is told."""
REDRAWN = (Verdict.EVERYTHING, Verdict.MOVED)
"""Nothing of the source is kept."""


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
    large: EnlargedView | None = None
    """The model's picture as it was enlarged, if it was."""

    @property
    def words(self) -> str | None:
        """What to say to the artist, if anything."""
        return WORDS.get(self.measures.verdict)


def bring_back(
    views: Views,
    *,
    tolerance: float = change.TOLERANCE,
    everywhere: bool = False,
    within: Bytes | None = None,
    enlarge: Enlarge | None = None,
    check: Check = never,
    progress: Progress = no_progress,
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
    fit = light.LightFit.of(views.seen, views.drawn)
    if everywhere:
        mask, faint = np.ones(differences.shape, bool), np.zeros(differences.shape, bool)
    else:
        redrawn = registration.found < _REDRAWN
        found = change.changed(differences, thresholds, everywhere=redrawn)
        faint = np.zeros_like(found) if redrawn else change.faint(found, differences)
        mask = change.grown(found & ~faint, fit.new)
    verdict = _verdict(fit, mask, registration)
    if within is not None and verdict in REDRAWN:
        verdict = Verdict.KEPT  # what lies outside stays, whatever was drawn
    if everywhere:
        levels = np.full(views.source.shape[:2], 255, np.uint8)
    else:
        fade = change.fading(differences, mask, thresholds) * ~faint
        levels = _levels(views, mask, fade, verdict, check)
    if within is not None:
        levels = np.minimum(levels, within)
    lit = None if verdict in REDRAWN else fit
    picture, large = composed(views, levels, lit, enlarge=enlarge, check=check, progress=progress)
    return Returned(picture, levels, _measures(views, levels, verdict, registration, drift), views, large)


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


def _verdict(fit: light.LightFit, mask: Bools, registration: Registration) -> Verdict:
    share = float(mask.mean())
    if share == 0:
        return Verdict.NOTHING
    if registration.found < _LOST and share > 0.25:
        return Verdict.MOVED
    if share < _EVERYTHING:
        return Verdict.KEPT
    return Verdict.EVERYTHING if float(fit.new.mean()) > _NEW else Verdict.KEPT


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
    over_strips(fill, list(strips(whole)), check)
    return levels


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
