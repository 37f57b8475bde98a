"""Stable Diffusion XL and models in its format, on stock diffusers pipelines.

This file holds the tables (torch-free); what runs is `pipelines.running.families.sdxl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from pipelines.families import stable_diffusion
from pipelines.families.base import Family
from pipelines.families.route import Route
from pipelines.request import ControlKind, Mode, Role

CONTROL_TYPES: Mapping[ControlKind, int] = {ControlKind.SOFT_EDGE: 2, ControlKind.CANNY: 3}
"""Which of the union network's inputs a control image goes to."""
STYLE_BLOCKS: Mapping[str, Mapping[str, tuple[int, ...]]] = {"up": {"block_0": (0, 1, 0)}}
"""The one attention block that carries style and nothing of the subject (InstantStyle)."""


class Options(stable_diffusion.Options):
    """What an entry of this family says about its files."""

    style_blocks: bool = Field(
        default=True, description="Style acts only in the block that carries style; False: in all blocks."
    )


_SD = stable_diffusion.ROUTES
ROUTES: dict[Mode, Route] = {
    Mode.TEXT_TO_IMAGE: replace(_SD[Mode.TEXT_TO_IMAGE], pipeline="StableDiffusionXLPipeline"),
    Mode.SMART_EDIT: replace(
        _SD[Mode.SMART_EDIT], pipeline="StableDiffusionXLInstructPix2PixPipeline", step_callback=False
    ),
    Mode.IMG2IMG: replace(_SD[Mode.IMG2IMG], pipeline="StableDiffusionXLImg2ImgPipeline"),
    Mode.CHARACTER_REFERENCE: replace(_SD[Mode.CHARACTER_REFERENCE], pipeline="StableDiffusionXLPipeline"),
    Mode.STYLE_REFERENCE: replace(_SD[Mode.STYLE_REFERENCE], pipeline="StableDiffusionXLPipeline"),
    Mode.CONTROLNET: replace(
        _SD[Mode.CONTROLNET],
        pipeline="StableDiffusionXLControlNetUnionPipeline",
        pipeline_with=((Role.SOURCE, "StableDiffusionXLControlNetUnionImg2ImgPipeline"),),
        reference_arg="control_image",
    ),
    Mode.INPAINT: replace(
        _SD[Mode.INPAINT],
        pipeline="StableDiffusionXLInpaintPipeline",
        pipeline_with=((Role.STRUCTURE, "StableDiffusionXLControlNetUnionInpaintPipeline"),),
        roles=(Role.SOURCE, Role.MASK, Role.STRUCTURE),
        max_references=3,
        role_limits=((Role.SOURCE, 1), (Role.MASK, 1), (Role.STRUCTURE, 1)),
        control_kinds=tuple(ControlKind),
        control_networks=True,
    ),
}


def narrow(route: Route, mode: Mode, options: Options) -> Route:
    """`route` as far as the entry's files go. Raises ValueError naming the option that is missing."""
    if mode is Mode.INPAINT:
        kinds = tuple(kind for kind in ControlKind if kind in options.controlnets)
        return replace(route, control_kinds=kinds) if kinds else _without_structure(route)
    return stable_diffusion.narrow(route, mode, options)


def _without_structure(route: Route) -> Route:
    return replace(
        route,
        pipeline_with=(),
        roles=(Role.SOURCE, Role.MASK),
        max_references=2,
        role_limits=route.role_limits[:2],
        control_kinds=(),
        control_networks=False,
    )


FOLDERS = {"StableDiffusionXLPipeline": {}, "StableDiffusionXLInstructPix2PixPipeline": {"edit_unet": True}}
FAMILY = Family(
    routes=ROUTES,
    options=Options,
    narrow=narrow,
    needed_files=stable_diffusion.needed_files,
    base="sdxl",
    adapts_sources=True,
    vaes=frozenset({"sd"}),
    folders=FOLDERS,
)
