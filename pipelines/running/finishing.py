"""What a finished picture keeps of its source, at the size that was asked for.

Between the families, which know how a source becomes a model's picture, and `pipelines.returning`, which
knows no models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines import returning
from pipelines.planning.plan import Plan
from pipelines.request import Mode, Role
from pipelines.returning.composing import Enlarge, EnlargedView, composed
from pipelines.returning.geometry import Box, Geometry, around, covering, stretched
from pipelines.returning.step import Returned, Verdict, bring_back, measured
from pipelines.returning.stored import as_stored
from pipelines.returning.views import Check, Progress, Views, no_progress
from pipelines.running import enlarging, references
from pipelines.running.contract import FinishedPicture, RoleImage
from pipelines.running.control_images import feathered
from pipelines.running.source_pixels import SourceCompositor

_ENLARGER = Path(returning.__file__).parents[1] / "bundled" / "enlarger" / "enlarger.safetensors"
_MOST_ENLARGED = 512 * 512
"""Pixels of a model's picture that the enlarger is given; more takes longer than the picture itself."""
_ALL_ENLARGED = 256 * 256
_PAINTED = 8
"""Levels of 255 of a mask from which on it counts as painted."""


_GRADUAL = 4
"""How fast a mask whose greys were drawn lets the model's picture through."""

Finisher = Callable[[Image.Image, Check], FinishedPicture]
"""Makes the finished picture of a model's."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The source at the size of the finished picture, RGB; what of it the model sees; its mask (L) if any.

    `own`: the same in the colours and with the transparency of its file, where that has some.
    """

    source: Image.Image
    geometry: Geometry
    mask: Image.Image | None = None
    own: Image.Image | None = None

    def view(self, picture: Image.Image) -> Image.Image:
        """What the model sees of a picture of the canvas' size, at the model's."""
        if picture.size == self.geometry.model == self.geometry.source:
            return picture
        return picture.resize(self.geometry.model, Image.Resampling.LANCZOS, self.geometry.box)


def canvas(plan: Plan, images: Sequence[RoleImage]) -> Canvas:
    """Where the finished picture of a refinement is put together."""
    model = plan.width, plan.height
    source = next(image for image in images if image.role is Role.SOURCE)
    whole = plan.route.shows == "whole"
    picture = _sized(source.image, plan, whole)
    own = _own(source, plan, whole)
    masks = [image.image for image in images if image.role is Role.MASK]
    if not masks:
        return Canvas(picture, (stretched if whole else covering)(picture.size, model), own=own)
    mask = _sized(masks[0], plan, whole).convert("L")
    if mask.size != picture.size:
        mask = mask.resize(picture.size, Image.Resampling.BILINEAR)
    if plan.route.refines:  # the model sees all of it, and the change is limited afterwards
        return Canvas(picture, (stretched if whole else covering)(picture.size, model), mask, own)
    spot = mask.point([255 if level >= _PAINTED else 0 for level in range(256)]).getbbox()
    guided = any(image.role is Role.STRUCTURE for image in images)
    if spot is None or guided or not plan.route.crops:  # outlines lie over the whole picture
        return Canvas(picture, covering(picture.size, model), mask, own)
    return Canvas(picture, around(picture.size, model, spot), mask, own)


def _own(source: RoleImage, plan: Plan, whole: bool) -> Image.Image | None:
    """None where the file stores plain sRGB."""
    stored = source.whole
    if stored is None or not (stored.mode == "RGBA" or stored.info.get("icc_profile")):
        return None
    if stored.size != source.image.size:  # what is refined is a cropped or an extended copy
        return None
    sized = _sized(stored, plan, whole)
    sized.info = {"icc_profile": stored.info.get("icc_profile")}
    return sized


def _sized(picture: Image.Image, plan: Plan, whole: bool) -> Image.Image:
    if plan.result_size == "source" or plan.result_size is None:
        return picture
    size = plan.result_size
    width, height = (plan.width, plan.height) if size == "model" else (size.width, size.height)
    if whole:
        return picture.resize((width, height), Image.Resampling.LANCZOS)
    return references.fit(picture, width, height, 1)[0]


def alone(picture: Image.Image, check: Check) -> FinishedPicture:
    """The model's picture as it is."""
    return FinishedPicture(picture)


def under(compositor: SourceCompositor) -> Finisher:
    """As pictures were finished before they had a size of their own."""
    return lambda picture, check: FinishedPicture(compositor.under(picture))


def finisher(
    plan: Plan,
    place: Canvas,
    seen: Callable[[Image.Image], Image.Image],
    progress: Progress = no_progress,
    *,
    gradual: bool = False,
) -> Finisher:
    """What makes the finished picture on `place`. `seen`: what the autoencoder makes of a picture.

    `progress`: hears of large pictures how many of how many strips are done. `gradual`: the model has drawn
    less where the mask is grey, so hardly anything is left to be mixed.
    """
    source = np.asarray(place.source)
    shown = place.view(place.source)
    limits = None if place.mask is None else np.asarray(feathered(place.mask))
    if limits is not None and gradual:
        limits = np.minimum(limits.astype(np.uint16) * _GRADUAL, 255).astype(np.uint8)
    keeps = plan.route.refines and plan.keep is not None and plan.keep.enabled
    if not keeps or plan.keep is None:
        levels = np.full(source.shape[:2], 255, np.uint8) if limits is None else limits
        return lambda picture, check: _painted(place, _views(place, source, shown, picture), levels, check)
    tolerance, given_back = plan.keep.tolerance, seen(shown)
    redraws = plan.mode is Mode.IMG2IMG  # the whole picture is asked to change, at a high influence by little

    def finish(picture: Image.Image, check: Check) -> FinishedPicture:
        views = _views(place, source, given_back, picture)
        made = bring_back(
            views,
            tolerance=tolerance,
            everywhere=redraws,
            within=limits,
            enlarge=enlarger(views),
            check=check,
            progress=progress,
        )
        return _kept(place, made)

    return finish


def _views(place: Canvas, source: np.ndarray, seen: Image.Image, drawn: Image.Image) -> Views:
    looked_at, made = (np.asarray(picture.convert("RGB")) for picture in (seen, drawn))
    return Views(source, looked_at, made, place.geometry)


def _painted(place: Canvas, views: Views, levels: np.ndarray, check: Check) -> FinishedPicture:
    """The model's own pixels where `levels` say."""
    made, large = composed(views, levels, None, enlarge=enlarger(views), check=check)
    verdict = Verdict.KEPT if not levels.all() else Verdict.EVERYTHING
    measures = measured(levels, verdict)
    return _kept(place, Returned(made, levels, measures, views, large))._replace(words=None)


def _kept(place: Canvas, made: Returned) -> FinishedPicture:
    own, views = place.own, made.views
    picture = (
        Image.fromarray(made.picture)
        if own is None
        else as_stored(own, views.source, made.picture, made.change)
    )
    return FinishedPicture(
        picture, Image.fromarray(made.change), views, made.measures, made.words, made.large
    )


def enlarged(picture: Image.Image) -> Image.Image:
    """A model's picture larger, where it is small enough for the bundled enlarger; else as it is."""
    return _larger(picture) if picture.width * picture.height <= _MOST_ENLARGED else picture


def enlarger(views: Views) -> Enlarge | None:
    """The bundled enlarger, where a model's picture is small enough for it."""
    width, height = views.geometry.model
    return _enlarged if width * height <= _MOST_ENLARGED else None


def _enlarged(picture: Image.Image, needed: Box) -> EnlargedView:
    """All of it where that is quick, so that corrections find all of it; else what is needed."""
    frame = Box(0, 0, *picture.size) if picture.width * picture.height <= _ALL_ENLARGED else needed
    return EnlargedView(_larger(picture.crop(frame)), frame)


def _larger(picture: Image.Image) -> Image.Image:
    return enlarging.enlarge(_net(), picture)


@cache
def _net() -> enlarging.Compact:
    return enlarging.load(_ENLARGER)
