"""The families this studio knows, in one explicit table.

Knows which family does which mode; nothing of files, requests or torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.errors import RequestError
from pipelines.families import (
    face_fixing,
    flux1,
    flux2,
    flux3,
    joyimage,
    qwen_image,
    sdxl,
    stable_diffusion,
    upscaler,
    z_image,
)
from pipelines.families.base import Family
from pipelines.families.extending import extending
from pipelines.families.route import Route
from pipelines.request import MODE_LABEL, Mode

if TYPE_CHECKING:
    from pipelines.spec import ModelSpec

_DRAWING: Mapping[str, Family] = {
    "stable-diffusion": stable_diffusion.FAMILY,
    "sdxl": sdxl.FAMILY,
    "flux2": flux2.FAMILY,
    "flux3": flux3.FAMILY,
    "qwen-image": qwen_image.FAMILY,
    "z-image": z_image.FAMILY,
    "flux1": flux1.FAMILY,
    "joyimage": joyimage.FAMILY,
}
FAMILIES: Mapping[str, Family] = {
    **{name: face_fixing.fixing(extending(upscaler.redrawing(family))) for name, family in _DRAWING.items()},
    upscaler.NAME: upscaler.FAMILY,
}


def entry_route(spec: ModelSpec, mode: Mode) -> Route:
    """The route of one of the entry's modes, narrowed by its options, without its defaults.

    Raises ValueError where the family or the options do not allow the mode.
    """
    family = FAMILIES[spec.family]
    if mode not in family.routes:
        raise ValueError(f"the family '{spec.family}' cannot do '{mode.value}'")
    route = family.narrow(family.routes[mode], mode, family.options.model_validate(spec.options))
    return (
        route
        if spec.add_ons
        else replace(route, loras=False, vae=False, ip_adapter=False, control_networks=False)
    )


def resolve(spec: ModelSpec, mode: Mode) -> Route:
    """How `spec` does `mode`, with the entry's own defaults. Raises RequestError (field `mode`)."""
    if mode not in spec.modes:
        can = ", ".join(MODE_LABEL[m] for m in spec.modes)
        raise RequestError(
            f"{spec.label} can't do {MODE_LABEL[mode]}. Choose another model, or one of its modes: {can}.",
            field="mode",
        )
    route = replace(
        entry_route(spec, mode),
        shapes=spec.shapes,
        no_use_for=spec.no_use_for,
        crops=spec.framing == "any",
    )
    return route.with_defaults(_defaults(spec, mode))


def _defaults(spec: ModelSpec, mode: Mode) -> Mapping[str, Any]:
    """The entry's own; where it has none for extending, those of painting inside a mask."""
    if mode is Mode.FIX_FACE:
        return face_fixing.defaults_of(spec, mode)
    if mode is not Mode.OUTPAINT or mode in spec.defaults:
        return spec.defaults.get(mode, {})
    masked = spec.defaults.get(Mode.INPAINT, {})
    return {name: value for name, value in masked.items() if name != "strength"}


def needed_files(spec: ModelSpec, mode: Mode) -> tuple[str, ...]:
    """What `mode` needs beyond the base model: paths in its folder, or `hub://owner/name/path`."""
    family = FAMILIES[spec.family]
    own = family.needed_files(mode, family.options.model_validate(spec.options))
    return (*spec.parts.values(), *own)
