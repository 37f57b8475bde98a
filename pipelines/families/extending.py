"""A picture with more canvas around it: what every family that paints inside a mask can do as well.

Pure declarations, torch-free; `pipelines.running.extending` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.families.base import Family
from pipelines.families.route import Route
from pipelines.request import Mode, Role


def extending(family: Family) -> Family:
    """`family`, able to extend a picture wherever it paints inside a mask."""
    if Mode.INPAINT not in family.routes:
        return family
    routes: Mapping[Mode, Route] = {**family.routes, Mode.OUTPAINT: _extended(family.routes[Mode.INPAINT])}

    def narrow(route: Route, mode: Mode, options: Any) -> Route:
        if mode is not Mode.OUTPAINT:
            return family.narrow(route, mode, options)
        return _extended(family.narrow(family.routes[Mode.INPAINT], Mode.INPAINT, options))

    def parts(mode: Mode, options: Any) -> tuple[str, ...]:
        return family.parts(Mode.INPAINT if mode is Mode.OUTPAINT else mode, options)

    return replace(family, routes=routes, narrow=narrow, parts=parts)


def _extended(masked: Route) -> Route:
    """The route of `outpaint` beside that of `inpaint`: the mask is the added canvas, all of it new."""
    defaults = {name: value for name, value in masked.defaults if name != "strength"}
    route = replace(
        masked,
        extends=True,
        pipeline_with=(),
        roles=(Role.SOURCE,),
        max_references=1,
        role_limits=((Role.SOURCE, 1),),
        strength=False,
        strength_rounding=None,
        control_kinds=(),
        control_networks=False,
        defaults=(),
    )
    return route.with_defaults(defaults)
