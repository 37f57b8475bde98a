"""FLUX.3 Image Klein in memory: one adapter over diffusers' blocks, which sees its references whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from pipelines.events import Notice
from pipelines.families.flux3 import Options
from pipelines.planning.plan import Plan
from pipelines.request import Role
from pipelines.running import loading
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import cut_notice
from pipelines.running.families import modular
from pipelines.running.families.call import Arguments, Stock
from pipelines.running.families.patches import PatchedLatents
from pipelines.running.families.role_images import fitted
from pipelines.running.families.stock import ignore
from pipelines.spec import ModelSpec

TEMPLATE_TOKENS = 16
"""More than the conversation around a prompt takes of the model's length."""


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> Flux3:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        return Flux3(spec, options, settings, modular.load(spec, settings))


class Flux3(PatchedLatents):
    """See `pipelines.running.contract.LoadedModel`."""

    def class_named(self, name: str) -> Any:
        """The adapter: diffusers has no pipeline of the usual kind."""
        return modular.pipeline_class(name)

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """The prompt's embeddings, as many tokens as it has."""
        text = plan.composed_prompt
        if notice := cut_notice(stock.pipeline.tokenizer, text, modular.MOST_TOKENS - TEMPLATE_TOKENS):
            emit(Notice(notice))
        with torch.no_grad():
            return {"prompt_embeds": stock.pipeline.encode_prompt(text)}

    def edit(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """All references in the artist's order, whole; the source at the size of the picture.

        That is the size the blocks themselves would draw at. A source of another size gets a border of up to
        15 px from them, and up to four times as many tokens as the picture has.
        """
        assert plan.route.reference_arg is not None
        source = next((image for image in images if image.role is Role.SOURCE), None)
        given = [fitted(image, plan, ignore) if image is source else image.image for image in images]
        return self.stock(plan.pipeline), {plan.route.reference_arg: given}

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Pose and composition come from the whole picture, in words."""
        return self.edit(plan, images, emit)

    def finished(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, 4·channels, h/2, w/2), as the blocks give them → (n, channels, h, w)."""
        return self.unpatched(latents)
