"""A FLUX.2 model in memory: stock diffusers pipelines around one transformer that sees its references.

img2img is inpainting with a mask that lets everything change: the family has no class of its own for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import torch
from PIL import Image

from pipelines.events import Notice
from pipelines.families.flux2 import Checkpoint, Options
from pipelines.planning.plan import Plan
from pipelines.request import Role
from pipelines.running import loading, reference_keys
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import cut_notice
from pipelines.running.families.call import Arguments, Stock
from pipelines.running.families.patches import PatchedLatents, patched
from pipelines.running.families.role_images import fitted, only
from pipelines.spec import ModelSpec

BASE_CLASS: Mapping[Checkpoint, str] = {
    "klein": "Flux2KleinPipeline",
    "klein-base": "Flux2KleinPipeline",
    "klein-kv": "Flux2KleinKVPipeline",
    "dev": "Flux2Pipeline",
}
PROMPT_TOKENS = 512


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> Flux2:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        # a folder says so itself
        alone = spec.parts and options.checkpoint in ("klein", "klein-base")
        parts = {"is_distilled": options.checkpoint == "klein"} if alone else {}
        base = loading.load_pipeline(
            getattr(diffusers, BASE_CLASS[options.checkpoint]), spec, settings, **parts
        )
        return Flux2(spec, options, settings, base)


class Flux2(PatchedLatents):
    """See `pipelines.running.contract.LoadedModel`."""

    def __init__(self, spec: ModelSpec, options: Options, settings: LoadSettings, base: Any) -> None:
        super().__init__(spec, options, settings, base)
        self._tokenizer = getattr(base.tokenizer, "tokenizer", base.tokenizer)
        if options.checkpoint == "klein-kv":
            reference_keys.remember(base.transformer, settings.remembered)

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """Prompt embeddings; those of the negative prompt where guidance uses them."""
        texts = {"prompt_embeds": plan.composed_prompt}
        if plan.route.negative_prompt and plan.guidance_scale > 1:
            texts["negative_prompt_embeds"] = plan.negative_prompt
        for text in texts.values():
            if notice := cut_notice(self._tokenizer, text, PROMPT_TOKENS):
                emit(Notice(notice))
        return {name: self._encode(stock, text) for name, text in texts.items()}

    def _encode(self, stock: Stock, text: str) -> torch.Tensor:
        with torch.no_grad():
            return stock.pipeline.encode_prompt(text, max_sequence_length=PROMPT_TOKENS)[0]

    def finished(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """klein returns them as `pixels` takes them, dev as its steps leave them."""
        return latents if latents.ndim == 4 else self.spatial(latents, plan)

    # --- modes that this family does in its own way --------------------------------------------------
    def img2img(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """From the source, as far as strength lets it change."""
        stock = self.stock(plan.pipeline)
        source = fitted(only(images, Role.SOURCE), plan, emit)
        everything = Image.new("L", source.size, 255)
        return stock, {
            "image": self._latents_of(stock, source),
            "mask_image": everything,
            "strength": plan.strength,
        }

    def inpaint(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """The source where the mask is white, with one more picture to look at."""
        stock = self.stock(plan.pipeline)
        arguments = self.masked(plan, images, emit)
        arguments["image"] = self._latents_of(stock, arguments["image"])
        looked_at = [i.image for i in images if i.role in (Role.CHARACTER, Role.STYLE)]
        if looked_at:
            arguments["image_reference"] = looked_at[0]
        return stock, arguments

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Pose and composition come from the whole picture, in words."""
        return self.edit(plan, images, emit)

    def _latents_of(self, stock: Stock, picture: Image.Image) -> torch.Tensor:
        """A source as the pipeline takes it at any size: of a picture it would keep a million pixels."""
        pixels = stock.pipeline.image_processor.preprocess(picture, picture.height, picture.width)
        with torch.no_grad():
            encoded = self.vae.encode(pixels.to(self.settings.device, self.vae.dtype))
        return patched(encoded.latent_dist.mode())
