"""A finished picture as the event that brings it: pixels, and of a refined one what its source was."""

from __future__ import annotations

from dataclasses import asdict, replace

from PIL import Image

from pipelines.events import ImageReady, Refined
from pipelines.returning.step import REDRAWN
from pipelines.running import shaping
from pipelines.running.contract import FinishedPicture
from pipelines.running.control_images import as_png


def image_ready(index: int, seed: int, kept: FinishedPicture, shaped: shaping.Shaped | None) -> ImageReady:
    """Picture `index` of a batch as it is told of. `shaped`: how its source lies in it."""
    rgb = kept.picture.convert("RGB")
    return ImageReady(
        index=index,
        seed=seed,
        width=rgb.width,
        height=rgb.height,
        rgb=rgb.tobytes(),
        refined=_refined(kept, shaped),
        alpha=kept.picture.getchannel("A").tobytes() if kept.picture.mode == "RGBA" else b"",
        profile=kept.picture.info.get("icc_profile") or b"",
    )


def _refined(kept: FinishedPicture, shaped: shaping.Shaped | None) -> Refined | None:
    if kept.views is None or kept.change is None or kept.measures is None:
        return None
    seen, drawn = (as_png(Image.fromarray(p)) for p in (kept.views.seen, kept.views.drawn))
    redrawn = kept.measures.verdict in REDRAWN
    refined = Refined(
        as_png(kept.change), seen, drawn, kept.views.geometry.box, redrawn, asdict(kept.measures)
    )
    if shaped is not None and not shaped.as_is(kept.views.source):
        refined.measures["placed"] = list(shaped.place)
        refined = replace(refined, source=as_png(Image.fromarray(kept.views.source)))
    if kept.large is None:
        return refined
    return replace(refined, large=as_png(kept.large.picture), frame=kept.large.frame)
