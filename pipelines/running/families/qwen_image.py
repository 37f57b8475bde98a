"""A Qwen-Image model in memory: stock diffusers pipelines, words and references read by one vision model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import torch
from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as edit_plus
from PIL import Image

from pipelines.events import Notice
from pipelines.families.qwen_image import Checkpoint, Options
from pipelines.planning.plan import Plan
from pipelines.running import loading
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import cut_notice
from pipelines.running.families.call import Arguments, Stock, packed, unpacked
from pipelines.running.families.flow_controlnets import load_qwen_image
from pipelines.running.families.picture_prompts import load_picture_prompts
from pipelines.running.families.single_frames import frame_given_back, frame_latents, frame_pixels
from pipelines.running.families.stock import StockModel
from pipelines.spec import ModelSpec

BASE_CLASS: Mapping[Checkpoint, str] = {
    "edit": "QwenImageEditPlusPipeline",
    "image": "QwenImagePipeline",
    "2.1": "QwenImage21Pipeline",
    "2.1-turbo": "QwenImage21Pipeline",
}
PROMPT_TOKENS = 1024
NOTHING = " "
"""A negative prompt that says nothing; without one there would be no guidance."""


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> QwenImage:
    """Read all parts the entry names. Raises ModelUnavailable."""
    cls = QwenImage21 if options.checkpoint.startswith("2.1") else QwenImage
    with loading.explained(spec, settings):
        parts = {} if options.checkpoint == "image" else {"processor": load_picture_prompts(spec, settings)}
        base = loading.load_pipeline(
            getattr(diffusers, BASE_CLASS[options.checkpoint]), spec, settings, **parts
        )
        return cls(spec, options, settings, base)


class QwenImage(StockModel):
    """See `pipelines.running.contract.LoadedModel`."""

    def __init__(self, spec: ModelSpec, options: Options, settings: LoadSettings, base: Any) -> None:
        super().__init__(spec, options, settings, base)
        self.tokenizer = base.processor.tokenizer if hasattr(base, "processor") else base.tokenizer
        self.controlnets = self.load_controlnets(spec, options, QwenImageControlNetModel)

    @property
    def latent_channels(self) -> int:
        """Channels of `spatial` latents."""
        return self.vae.config.z_dim

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """Embeddings of the prompt with its pictures; of the negative one where guidance uses it."""
        encoded: Arguments = {"max_sequence_length": PROMPT_TOKENS}
        for prefix, text in self.texts(plan, emit).items():
            embeds, mask = self._encode(stock, text, images)
            encoded |= {f"{prefix}_embeds": embeds, f"{prefix}_embeds_mask": mask}
        return encoded

    def texts(self, plan: Plan, emit: Emit) -> dict[str, str]:
        """The prompts guidance uses, by argument; says what is too long."""
        texts = {"prompt": plan.composed_prompt}
        if plan.route.negative_prompt and plan.guidance_scale > 1:
            texts["negative_prompt"] = plan.negative_prompt or NOTHING
        for text in texts.values():
            if notice := cut_notice(self.tokenizer, text, PROMPT_TOKENS):
                emit(Notice(notice))
        return texts

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Along the outlines of the structure reference; edit models look at the picture itself."""
        if plan.control is None:
            return self.edit(plan, images, emit)
        network = self.network(plan, lambda path: load_qwen_image(path, self.components["transformer"]))
        stock = self.stock(plan.pipeline, controlnet=network)
        return stock, {"control_image": self.lines(plan, images, emit), **self.control_strength(plan)}

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, h·w/4, 4·channels) → (n, channels, h, w)."""
        return unpacked(latents, plan)

    def packed(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, channels, h, w) → (n, h·w/4, 4·channels)."""
        return packed(latents)

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1] → latents (1, channels, h, w)."""
        return frame_latents(self.vae, pixels)

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, channels, H, W) in [-1, 1], with a fourth channel where 2.1 has one."""
        return frame_pixels(self.vae, latents)

    def given_back(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1], encoded and decoded."""
        return frame_given_back(self.vae, pixels)

    def _encode(
        self, stock: Stock, text: str, images: Sequence[RoleImage]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        looks = stock.pipeline.__class__.__name__ == BASE_CLASS["edit"]
        seen = {"image": [_as_condition(stock.pipeline, i.image) for i in images]} if looks else {}
        with torch.no_grad():
            return stock.pipeline.encode_prompt(text, **seen, max_sequence_length=PROMPT_TOKENS)


class QwenImage21(QwenImage):
    """Qwen-Image 2.1: reads words and pictures together in the call itself; transparency becomes white."""

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """The prompts as they are: this pipeline takes no embeddings that have seen pictures."""
        side = round((plan.width * plan.height) ** 0.5 / 32) * 32
        return {**self.texts(plan, emit), "output_resolution": side}

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, h·w, channels) → (n, channels, h, w): one latent is 16 px wide."""
        return latents.transpose(1, 2).unflatten(2, (plan.height // 16, plan.width // 16))

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1], on white."""
        pixels = super().pixels(latents)
        if pixels.shape[1] == 3:
            return pixels
        cover = (pixels[:, 3:].clamp(-1, 1) + 1) / 2
        return pixels[:, :3] * cover + (1 - cover)


def _as_condition(pipeline: Any, picture: Image.Image) -> Image.Image:
    """A reference at the size at which the vision model of the edit models looks at it."""
    ratio = picture.width / picture.height
    width, height = edit_plus.calculate_dimensions(edit_plus.CONDITION_IMAGE_SIZE, ratio)[:2]
    return pipeline.image_processor.resize(picture, height, width)
