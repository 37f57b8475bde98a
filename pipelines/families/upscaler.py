"""Networks that make a picture larger and change nothing in it: convolutions and transformers of any layout.

This file holds the tables (torch-free); `pipelines.running.families.upscaler` holds what runs. `redrawing`
gives families that paint over a source the same mode: enlarge, then paint over tile by tile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.families.base import Family, as_it_is, derived
from pipelines.families.route import Route
from pipelines.request import Mode, Role

NAME = "upscaler"
"""The family's name in models.yaml."""
GENTLE = 0.3
"""Strength that adds detail and moves nothing."""
REDRAWN_SCALE = 2


class Options(BaseModel):
    """What an entry of this family says: nothing yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")


ROUTES = {
    Mode.UPSCALE: Route(
        pipeline="Enlarger",
        roles=(Role.SOURCE,),
        min_references=1,
        max_references=1,
        min_reference_px=1,
        guidance_arg=None,
        negative_prompt=False,
        loras=False,
        size_multiple=1,
        size_source="reference",
        draws=False,
        enlarges=True,
    )
}


def _nothing(mode: Mode, options: Any) -> tuple[str, ...]:
    del mode, options
    return ()


FAMILY = Family(routes=ROUTES, options=Options, narrow=as_it_is, needed_files=_nothing)


def redrawing(family: Family) -> Family:
    """`family`, able to redraw an enlarged picture wherever it paints over one."""
    return derived(family, Mode.UPSCALE, Mode.IMG2IMG, lambda painted_over, options: _redrawn(painted_over))


def _redrawn(painted_over: Route) -> Route:
    """The route of `upscale` beside that of `img2img`."""
    gentle = {"strength": GENTLE, "scale": REDRAWN_SCALE}
    return replace(painted_over, enlarges=True, min_reference_px=1).with_defaults(gentle)
