"""A Z-Image model in memory: stock diffusers pipelines around one transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.controlnets.controlnet_z_image import ZImageControlNetModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

from pipelines.events import Notice
from pipelines.families.z_image import Options
from pipelines.planning.plan import Plan
from pipelines.running import loading
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import cut_notice
from pipelines.running.families.call import Arguments, Stock
from pipelines.running.families.flow_controlnets import load_z_image
from pipelines.running.families.stock import StockModel
from pipelines.spec import ModelSpec

PROMPT_TOKENS = 512


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> ZImage:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        base = loading.load_pipeline(ZImagePipeline, spec, settings)
        return ZImage(spec, options, settings, base)


class ZImage(StockModel):
    """See `pipelines.running.contract.LoadedModel`."""

    def __init__(self, spec: ModelSpec, options: Options, settings: LoadSettings, base: Any) -> None:
        super().__init__(spec, options, settings, base)
        self._tokenizer = base.tokenizer
        self.controlnets = self.load_controlnets(spec, options, ZImageControlNetModel, options.control_config)

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """Prompt embeddings; those of the negative prompt where guidance uses them."""
        guided = plan.route.guidance_arg is not None and plan.guidance_scale > 0
        texts = {"prompt_embeds": plan.composed_prompt}
        if guided:
            texts["negative_prompt_embeds"] = plan.negative_prompt
        for text in texts.values():
            if notice := cut_notice(self._tokenizer, text, PROMPT_TOKENS):
                emit(Notice(notice))
        encoded = {name: self._encode(stock, text) for name, text in texts.items()}
        return encoded if guided else {**encoded, "guidance_scale": 0.0}

    def _encode(self, stock: Stock, text: str) -> list[torch.Tensor]:
        with torch.no_grad():
            return stock.pipeline.encode_prompt(
                text, do_classifier_free_guidance=False, max_sequence_length=PROMPT_TOKENS
            )[0]

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Along the outlines of the structure reference."""
        assert plan.control is not None
        network = self.network(plan, lambda path: load_z_image(path, self.components["transformer"]))
        stock = self.stock(plan.pipeline, controlnet=network)
        return stock, {
            "control_image": self.lines(plan, images, emit),
            "controlnet_conditioning_scale": plan.control.weight,
        }

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1] → latents (1, channels, h, w)."""
        return self.shifted_latents(pixels)

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1]."""
        return self.shifted_pixels(latents)
