"""Families of several checkpoints: one table of routes for each, and what their routes have in common.

Pure declarations; imports no torch. A family's file says the tables, this one how an entry picks from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pipelines.families.options import StockOptions
from pipelines.families.route import Route
from pipelines.request import MAX_REFERENCES, ControlKind, Mode, Role

Checkpoints = Mapping[Any, Mapping[Mode, Route]]
"""By the option `checkpoint` of an entry: what that model can do."""


def choosing(checkpoints: Checkpoints) -> Callable[[Route, Mode, Any], Route]:
    """A family's `narrow`: the route of the entry's checkpoint, with the control kinds it has files for.

    It raises ValueError where the checkpoint has no route for the mode, or no file it needs is named.
    """

    def narrow(route: Route, mode: Mode, options: Any) -> Route:
        if mode not in checkpoints[options.checkpoint]:
            raise ValueError(f"the checkpoint '{options.checkpoint}' cannot do '{mode.value}'")
        own = checkpoints[options.checkpoint][mode]
        if own.reference_arg == ADAPTED_ARG:
            return options.narrow_adapters(own, mode)
        return options.narrow_control(own) if own.control_kinds else own

    return narrow


ADAPTED_ARG = "ip_adapter_image_embeds"
"""Argument of pipelines whose references act through IP-Adapters."""


def adapted(route: Route, first: Role, second: Role) -> Route:
    """The route beside one from words alone in which IP-Adapters act, first of all for role `first`."""
    return replace(
        route,
        reference_arg=ADAPTED_ARG,
        roles=(first, second),
        min_references=1,
        max_references=MAX_REFERENCES,
        reference_weights=True,
        ip_adapter=True,
    )


def needed(mode: Mode, options: StockOptions) -> tuple[str, ...]:
    """A family's `needed_files`, where the options know them all."""
    return options.needed_for(mode)


def by_reference(edited: Route) -> dict[Mode, Route]:
    """The modes of a model that looks at whole pictures and is told in words what each is for."""
    character, style, structure = Role.CHARACTER, Role.STYLE, Role.STRUCTURE
    return {
        Mode.SMART_EDIT: edited,
        Mode.CHARACTER_REFERENCE: replace(edited, roles=(character, style, structure), size_source="request"),
        Mode.STYLE_REFERENCE: replace(edited, roles=(style, character, structure), size_source="request"),
        Mode.CONTROLNET: replace(edited, roles=(structure, character, style)),
    }


def masked(route: Route, pipeline: str) -> Route:
    """The inpaint route beside an img2img `route`: a source and a mask, redrawn wholly under the mask."""
    return replace(
        route,
        pipeline=pipeline,
        mask_arg="mask_image",
        roles=(Role.SOURCE, Role.MASK),
        max_references=2,
        role_limits=((Role.SOURCE, 1), (Role.MASK, 1)),
        defaults=(("strength", 1.0),),
    )


def controlled(route: Route, pipeline: str) -> Route:
    """The ControlNet route beside an img2img `route`: a structure reference and no source."""
    return replace(
        route,
        pipeline=pipeline,
        reference_arg="control_image",
        roles=(Role.STRUCTURE,),
        strength=False,
        strength_rounding=None,
        control_kinds=tuple(ControlKind),
        control_networks=True,
    )
