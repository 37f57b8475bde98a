"""Stable Diffusion 1.x and models in its format: seven modes on stock diffusers pipelines.

This file holds the tables (torch-free); what runs is `pipelines.running.families.stable_diffusion`.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from pipelines.families.base import Family
from pipelines.families.options import AdapterOptions
from pipelines.families.route import Route
from pipelines.request import MAX_REFERENCES, ControlKind, Mode, Role


class Options(AdapterOptions):
    """What an entry of this family says about its files."""

    edit_unet: bool = Field(
        default=False, description="The UNet reads the source's latents beside the noise."
    )
    image_guidance_scale: float = Field(default=1.5, ge=1.0, le=10.0, description="How close an edit stays.")
    keep_unchanged: bool = Field(
        default=False,
        description="Where an edit hardly changes the source, the source's own pixels stay.",
    )
    guidance_rescale: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="How far guidance keeps the contrast there is without it, in pipelines that can: "
        "0.7 for networks trained to a signal-to-noise ratio of zero (Lin et al. 2023, arXiv 2305.08891).",
    )
    guidance_above: float = Field(
        default=0.0,
        ge=0.0,
        lt=1.0,
        description="In pictures that begin as noise, and pipelines that can, guidance acts down to this "
        "share of the noise levels; below, where it may smudge what is small, words act without it "
        "(Kynkäänniemi et al. 2024, arXiv 2404.07724).",
    )
    vae: str | None = Field(default=None, description="An autoencoder instead of the model's own.")

    def always_needed(self) -> tuple[str, ...]:
        """Locations that every mode needs."""
        return (*super().always_needed(), *filter(None, (self.vae,)))


_OWN: dict[Mode, Route] = {
    Mode.TEXT_TO_IMAGE: Route(pipeline="StableDiffusionPipeline"),
    Mode.SMART_EDIT: Route(
        pipeline="StableDiffusionInstructPix2PixPipeline",
        reference_arg="image",
        roles=(Role.SOURCE,),
        min_references=1,
        max_references=1,
        size_source="reference",
    ),
    Mode.IMG2IMG: Route(
        pipeline="StableDiffusionImg2ImgPipeline",
        reference_arg="image",
        roles=(Role.SOURCE,),
        min_references=1,
        max_references=1,
        strength=True,
        strength_rounding="floor",
        size_source="reference",
    ),
    Mode.CHARACTER_REFERENCE: Route(
        pipeline="StableDiffusionPipeline",
        reference_arg="ip_adapter_image_embeds",
        roles=(Role.CHARACTER, Role.STYLE),
        min_references=1,
        max_references=MAX_REFERENCES,
        reference_weights=True,
    ),
    Mode.STYLE_REFERENCE: Route(
        pipeline="StableDiffusionPipeline",
        reference_arg="ip_adapter_image_embeds",
        roles=(Role.STYLE, Role.CHARACTER),
        min_references=1,
        max_references=MAX_REFERENCES,
        reference_weights=True,
    ),
    Mode.CONTROLNET: Route(
        pipeline="StableDiffusionControlNetPipeline",
        pipeline_with=((Role.SOURCE, "StableDiffusionControlNetImg2ImgPipeline"),),
        reference_arg="image",
        roles=(Role.STRUCTURE, Role.SOURCE),
        min_references=1,
        max_references=2,
        role_limits=((Role.STRUCTURE, 1), (Role.SOURCE, 1)),
        strength=True,
        strength_rounding="floor",
        control_kinds=tuple(ControlKind),
        size_source="reference",
    ),
    Mode.INPAINT: Route(
        pipeline="StableDiffusionInpaintPipeline",
        reference_arg="image",
        mask_arg="mask_image",
        roles=(Role.SOURCE, Role.MASK),
        min_references=1,
        max_references=2,
        role_limits=((Role.SOURCE, 1), (Role.MASK, 1)),
        strength=True,
        strength_rounding="floor",
        size_source="reference",
        defaults=(("strength", 1.0),),
    ),
}


ROUTES: dict[Mode, Route] = {
    mode: replace(
        route,
        vae=True,
        weights=True,
        ip_adapter=route.reference_arg == "ip_adapter_image_embeds",
        control_networks=mode is Mode.CONTROLNET,
    )
    for mode, route in _OWN.items()
}


def narrow(route: Route, mode: Mode, options: Options) -> Route:
    """`route` as far as the entry's files go. Raises ValueError naming the option that is missing."""
    if mode is Mode.SMART_EDIT and not options.edit_unet:
        raise ValueError("'smart_edit' needs options.edit_unet")
    if mode is Mode.CONTROLNET:
        return options.narrow_control(route)
    if route.reference_arg == "ip_adapter_image_embeds":
        return options.narrow_adapters(route, mode)
    return route


def needed_files(mode: Mode, options: Options) -> tuple[str, ...]:
    """Files a mode needs beyond the base model."""
    return options.needed_for(mode)


FOLDERS = {"StableDiffusionPipeline": {}, "StableDiffusionInstructPix2PixPipeline": {"edit_unet": True}}
FAMILY = Family(
    routes=ROUTES,
    options=Options,
    narrow=narrow,
    needed_files=needed_files,
    base="sd1",
    adapts_sources=True,
    vaes=frozenset({"sd"}),
    folders=FOLDERS,
)
