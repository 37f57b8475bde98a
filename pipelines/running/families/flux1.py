"""A FLUX.1 model in memory: stock diffusers pipelines around one transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import torch
from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel

from pipelines.errors import RequestError
from pipelines.events import Notice
from pipelines.families.flux1 import Checkpoint, Options
from pipelines.families.options import ADAPTED
from pipelines.planning.plan import Plan
from pipelines.request import ControlKind, Mode, Role
from pipelines.running import loading
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import cut_notice
from pipelines.running.families.call import Arguments, DiffusersCall, Stock, packed, unpacked
from pipelines.running.families.flow_controlnets import load_flux1
from pipelines.running.families.flux1_adapters import Adapters
from pipelines.running.families.role_images import fitted, only
from pipelines.running.families.stock import StockModel
from pipelines.spec import ModelSpec

BASE_CLASS: Mapping[Checkpoint, str] = {
    "dev": "FluxPipeline",
    "kontext": "FluxKontextPipeline",
    "fill": "FluxFillPipeline",
}
PROMPT_TOKENS = 512
UNION_MODES: Mapping[ControlKind, int] = {ControlKind.CANNY: 0}
"""Which of a union network's inputs a control image goes to; its makers gave it none for soft edges."""
TRAINED_SIDE = 1024
"""Kontext knows its sources at sizes of about this square."""


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> Flux1:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        base = loading.load_pipeline(getattr(diffusers, BASE_CLASS[options.checkpoint]), spec, settings)
        return Flux1(spec, options, settings, base)


class Flux1(StockModel):
    """See `pipelines.running.contract.LoadedModel`."""

    def __init__(self, spec: ModelSpec, options: Options, settings: LoadSettings, base: Any) -> None:
        super().__init__(spec, options, settings, base)
        self._kontext = options.checkpoint == "kontext"
        self._resized = spec.resolution >= TRAINED_SIDE
        self._tokenizer = base.tokenizer_2
        self.controlnets = self.load_controlnets(spec, options, FluxControlNetModel)
        self.adapters = Adapters(self, spec, options) if self.modes & {*ADAPTED} else None

    def prepare(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> DiffusersCall:
        """Encode words and references. Emits notices and control images."""
        if self.adapters is not None and plan.mode not in ADAPTED:
            self.adapters.detach()
        return super().prepare(plan, images, emit)

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """Embeddings of both text encoders."""
        text = plan.composed_prompt
        if notice := cut_notice(self._tokenizer, text, PROMPT_TOKENS):
            emit(Notice(notice))
        with torch.no_grad():
            embeds, pooled = stock.pipeline.encode_prompt(text, max_sequence_length=PROMPT_TOKENS)[:2]
        return {"prompt_embeds": embeds, "pooled_prompt_embeds": pooled, **self._area(plan)}

    def edit(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Words change the one source: a list would be taken for a batch. Others act through IP-Adapters."""
        if plan.mode in ADAPTED:
            assert self.adapters is not None
            return self.adapters.attach(plan, images, emit)
        return self.stock(plan.pipeline), {"image": only(images, Role.SOURCE).image}

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Along the outlines of the structure reference, from noise or from a source."""
        assert plan.control is not None
        network = self.network(plan, lambda path: load_flux1(path, self.components["transformer"]))
        stock = self.stock(plan.pipeline, controlnet=network)
        arguments = {"control_image": self.lines(plan, images, emit), **self.control_strength(plan)}
        if network.config.num_mode is not None:
            arguments["control_mode"] = _mode(plan.control.kind)
        if plan.strength is None:
            return stock, arguments
        source = fitted(only(images, Role.SOURCE), plan, emit)
        return stock, {**arguments, "image": source, "strength": plan.strength}

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, h·w/4, 4·channels) → (n, channels, h, w)."""
        return unpacked(latents, plan)

    def packed(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, channels, h, w) → (n, h·w/4, 4·channels)."""
        return packed(latents)

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1] → latents (1, channels, h, w)."""
        return self.shifted_latents(pixels)

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1]."""
        return self.shifted_pixels(latents)

    def _area(self, plan: Plan) -> Arguments:
        """Kontext makes its own size of about a million pixels unless it is told another area."""
        if not self._kontext:
            return {}
        resized = self._resized and plan.mode is not Mode.INPAINT
        return {"max_area": plan.width * plan.height, "_auto_resize": resized}


def _mode(kind: ControlKind) -> int:
    if kind not in UNION_MODES:
        raise RequestError(
            "This ControlNet knows no soft edges. Choose canny, or another ControlNet.",
            field="control",
        )
    return UNION_MODES[kind]
