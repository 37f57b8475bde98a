"""A JoyAI-Image-Edit-Plus model in memory: one stock diffusers pipeline that reads words and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.pipelines.joyimage.pipeline_joyimage_edit_plus import JoyImageEditPlusPipeline

from pipelines.events import Notice
from pipelines.families.joyimage import Options
from pipelines.planning.plan import Plan
from pipelines.running import loading
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import cut_notice
from pipelines.running.families.call import Arguments, Stock
from pipelines.running.families.picture_prompts import load_picture_prompts
from pipelines.running.families.single_frames import frame_given_back, frame_pixels
from pipelines.running.families.stock import StockModel
from pipelines.spec import ModelSpec

PROMPT_TOKENS = 2048
LATENT_PX = 8
"""One latent is so wide; the network takes them two by two."""


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> JoyImage:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        prompts = load_picture_prompts(spec, settings)
        base = loading.load_pipeline(JoyImageEditPlusPipeline, spec, settings, processor=prompts)
        return JoyImage(spec, options, settings, base)


class JoyImage(StockModel):
    """See `pipelines.running.contract.LoadedModel`."""

    @property
    def latent_channels(self) -> int:
        """Channels of `spatial` latents."""
        return self.vae.config.z_dim

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """The prompts as they are: this pipeline takes no embeddings that have seen pictures."""
        texts = {"prompt": plan.composed_prompt}
        if plan.guidance_scale > 1 and plan.negative_prompt:
            texts["negative_prompt"] = plan.negative_prompt
        for text in texts.values():
            if notice := cut_notice(stock.pipeline.tokenizer, text, PROMPT_TOKENS):
                emit(Notice(notice))
        return texts

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """No network of its own: the model looks at the structure reference itself."""
        return self.edit(plan, images, emit)

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, patches, channels, 1, 2, 2), the picture's own first → (n, channels, h, w)."""
        high, wide = plan.height // (2 * LATENT_PX), plan.width // (2 * LATENT_PX)
        own = latents[:, : high * wide, :, 0].unflatten(1, (high, wide))
        return own.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1]."""
        return frame_pixels(self.vae, latents)

    def given_back(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1], encoded and decoded."""
        return frame_given_back(self.vae, pixels)
