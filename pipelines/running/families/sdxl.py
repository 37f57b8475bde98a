"""A Stable Diffusion XL model in memory: as Stable Diffusion, with two text encoders and a union ControlNet.

The style adapter acts on the one block that carries style (InstantStyle), so that nothing of the subject
comes along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

from pipelines.errors import ModelUnavailable
from pipelines.families.sdxl import CONTROL_TYPES, STYLE_BLOCKS, Options
from pipelines.planning import weights
from pipelines.planning.plan import Plan
from pipelines.request import Mode, Role
from pipelines.running import loading
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.families.call import Arguments, Stock, accepts
from pipelines.running.families.role_images import fitted, only
from pipelines.running.families.stable_diffusion import StableDiffusion, tell_cut
from pipelines.running.weighing import weighed
from pipelines.spec import ModelSpec

_WORD_ARGUMENTS = (
    "prompt_embeds",
    "negative_prompt_embeds",
    "pooled_prompt_embeds",
    "negative_pooled_prompt_embeds",
)


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> StableDiffusionXL:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        return StableDiffusionXL(spec, options, settings)


class StableDiffusionXL(StableDiffusion):
    """See `pipelines.running.contract.LoadedModel`."""

    pipeline_class: ClassVar[Any] = StableDiffusionXLPipeline
    controlnet_class: ClassVar[Any] = ControlNetUnionModel
    absent: ClassVar[Arguments] = {"feature_extractor": None, "image_encoder": None, "add_watermarker": False}
    options: Options

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Along the outlines of the structure reference, from noise or from a source."""
        stock, arguments = self._union(plan, images, emit)
        if plan.strength is None:
            return stock, arguments
        source = fitted(only(images, Role.SOURCE), plan, emit)
        return stock, {**arguments, "image": source, "strength": plan.strength}

    def inpaint(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """The source where the mask is white, along the outlines of a structure reference if there is one."""
        if not any(image.role is Role.STRUCTURE for image in images):
            return super().inpaint(plan, images, emit)
        stock, control = self._union(plan, images, emit)
        return stock, {**control, **self.masked(plan, images, emit)}

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """Embeddings of both text encoders; the negative ones only where guidance uses them."""
        if plan.weighed:
            return self._weighed(plan, stock.pipeline, emit)
        guided = plan.guidance_scale > 1
        tell_cut(self._words, (plan.composed_prompt, plan.negative_prompt if guided else ""), emit)
        negative = plan.negative_prompt if guided else ""
        with torch.no_grad():
            encoded = stock.pipeline.encode_prompt(
                plan.composed_prompt,
                device=self.settings.device,
                do_classifier_free_guidance=guided,
                negative_prompt=negative or None,
            )
        return {
            name: value for name, value in zip(_WORD_ARGUMENTS, encoded, strict=True) if value is not None
        }

    def _weighed(self, plan: Plan, pipeline: Any, emit: Emit) -> Arguments:
        """Words by weight; a prompt's summary (pooled) knows no weights, and is that of the words alone."""
        guided = plan.guidance_scale > 1
        texts = (plan.composed_prompt, plan.negative_prompt) if guided else (plan.composed_prompt,)
        encoders = [
            (pipeline.tokenizer, pipeline.text_encoder),
            (pipeline.tokenizer_2, pipeline.text_encoder_2),
        ]
        weighers = [self.weigher(*pair, penultimate=True) for pair in encoders if pair[1] is not None]
        tell_cut(weighers[0], texts, emit)
        each = [weighed(weigher, texts) for weigher in weighers]
        with torch.no_grad():
            plain = pipeline.encode_prompt(
                weights.words(texts[0]),
                device=self.settings.device,
                do_classifier_free_guidance=guided,
                negative_prompt=weights.words(texts[-1]) if guided else None,
            )
        whole = [torch.cat(parts, dim=-1) for parts in zip(*each, strict=True)]
        given = dict(zip(_WORD_ARGUMENTS, (*whole, *[None] * (2 - len(whole)), *plain[2:]), strict=True))
        return {name: value for name, value in given.items() if value is not None}

    def scales(self, images: Sequence[RoleImage]) -> list[Any]:
        """As in Stable Diffusion, style only in the block that carries it."""
        shares = super().scales(images)
        if not self.options.style_blocks:
            return shares
        return [
            _in_style_blocks(share) if image.role is Role.STYLE else share
            for image, share in zip(images, shares, strict=True)
        ]

    def _union(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        assert plan.control is not None
        kind = plan.control.kind
        if plan.control.network is None and kind not in {**self.controlnets, **self.network_files}:
            raise ModelUnavailable(
                "A structure reference needs the model's ControlNet, which is not on this machine yet. "
                "Remove the reference, or download the ControlNet."
            )
        unet = self._inpaint_unet if plan.mode is Mode.INPAINT else self.unet
        network = self.lines_network(plan)
        lines = self.lines(plan, images, emit)
        if isinstance(network, ControlNetUnionModel):
            stock = self.stock(plan.pipeline, unet=unet, controlnet=network)
            given = {"control_image": [lines], "control_mode": [CONTROL_TYPES[kind]]}
        else:  # a network for one kind of lines alone
            stock = self.stock(plan.pipeline.replace("Union", ""), unet=unet, controlnet=network)
            given = {"control_image" if accepts(stock.pipeline, "control_image") else "image": lines}
        return stock, {**given, **self.control_strength(plan)}


def _in_style_blocks(scale: float) -> dict[str, dict[str, list[float]]]:
    return {
        part: {block: [scale * share for share in shares] for block, shares in blocks.items()}
        for part, blocks in STYLE_BLOCKS.items()
    }
