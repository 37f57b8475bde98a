"""Fixing faces: wherever a family paints over a source, it can do so with a head alone, at its full size.

Pure tables; `pipelines.running.face_fixing` holds what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.families.base import Family, derived
from pipelines.families.options import AdapterOptions
from pipelines.families.route import Route
from pipelines.request import MAX_REFERENCES, Mode, Role

if TYPE_CHECKING:
    from pipelines.spec import ModelSpec

LOW = 0.4
"""Strength that draws a face anew and leaves who it is: the usual one of other face detailers."""


def fixing(family: Family) -> Family:
    """`family`, able to redraw heads wherever it paints over a source."""

    def fixed(painted_over: Route, options: Any) -> Route:
        known = options is None or _knows_persons(options)
        return _fixed(painted_over, persons=family.adapts_sources and known)

    return derived(family, Mode.FIX_FACE, Mode.IMG2IMG, fixed)


def defaults_of(spec: ModelSpec, mode: Mode) -> Mapping[str, Any]:
    """What an entry sets for a mode; for faces what it sets for painting over, which is the same work."""
    if mode is Mode.FIX_FACE and mode not in spec.defaults:
        own = spec.defaults.get(Mode.IMG2IMG, {})
        return {name: value for name, value in own.items() if name not in ("strength", "finish")}
    return spec.defaults.get(mode, {})


def _knows_persons(options: Any) -> bool:
    adapts = isinstance(options, AdapterOptions) and options.image_encoder is not None
    return adapts and Role.CHARACTER in options.ip_adapters


def _fixed(painted_over: Route, *, persons: bool) -> Route:
    """The route of `fix_face` beside that of `img2img`. `persons`: pictures can show who it is."""
    alone = {"roles": (Role.SOURCE,), "max_references": 1, "role_limits": ()}
    route = replace(painted_over, patches=True, min_reference_px=16, **alone).with_defaults({"strength": LOW})
    if not persons:
        return route
    return replace(
        route,
        roles=(Role.SOURCE, Role.CHARACTER),
        max_references=MAX_REFERENCES,
        role_limits=((Role.SOURCE, 1),),
        reference_weights=True,
    )
