"""A picture with more canvas around it: what every family that paints inside a mask can do as well.

Pure declarations, torch-free; `pipelines.running.extending` carries them out.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.families.base import Family, derived
from pipelines.families.route import Route
from pipelines.request import Mode, Role


def extending(family: Family) -> Family:
    """`family`, able to extend a picture wherever it paints inside a mask."""
    return derived(family, Mode.OUTPAINT, Mode.INPAINT, lambda masked, options: _extended(masked))


def _extended(masked: Route) -> Route:
    """The route of `outpaint` beside that of `inpaint`: the mask is the added canvas, all of it new.

    A strength below 1 leaves something of what the canvas begins with, the source's edges drawn out: small
    models that know one framing of a portrait need it, or they begin another one out there.
    """
    defaults = {**masked.default, "strength": 1.0} if masked.strength else masked.default
    route = replace(
        masked,
        extends=True,
        pipeline_with=(),
        roles=(Role.SOURCE,),
        max_references=1,
        role_limits=((Role.SOURCE, 1),),
        control_kinds=(),
        control_networks=False,
        defaults=(),
    )
    return route.with_defaults(defaults)
