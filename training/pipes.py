"""Load an exported folder into the stock pipelines the studio uses, and draw batches with fixed seeds.

Guidance keeps the contrast there is without it, in the pipelines that can, and acts on pictures from noise in
the noisier half of the levels, as models.yaml says of this model.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    DiffusionPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
)
from PIL import Image

from pipelines.families.route import STUDIO_DEFAULTS
from pipelines.running.families.guidance_spans import GuidanceSpan
from pipelines.running.source_pixels import UnchangedCompositor
from training.models import ADAPTERS, plain_unet

STEPS = 20
GUIDANCE_RESCALE = 0.7
GUIDANCE_SPAN = GuidanceSpan(above=0.5)
TEXT = {"guidance_scale": STUDIO_DEFAULTS["guidance_scale"]}
EDIT = {**TEXT, "image_guidance_scale": 2.0}
SCALES = (1.0, 1.0)


class ReferencePipeline(StableDiffusionPipeline):
    """Takes a reference of its own for each prompt: the stock pipeline shows all of them to every picture."""

    def prepare_ip_adapter_image_embeds(
        self, ip_adapter_image: Any, ip_adapter_image_embeds: Any, *options: Any
    ) -> list[torch.Tensor]:
        """The embeddings as they are given: without and with the references, (2B, 1, D) for each adapter."""
        return list(ip_adapter_image_embeds)


class Pipes:
    """Every mode of one exported folder as a stock diffusers pipeline, sharing weights, in float32."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.folder, self.device = folder, device
        self.edit = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True).to(
            device
        )
        shared = {k: v for k, v in self.edit.components.items() if k != "unet"}
        shared["requires_safety_checker"] = False
        self.text = StableDiffusionPipeline(unet=plain_unet(self.edit.unet), **shared)
        self.image = StableDiffusionImg2ImgPipeline(**self.text.components, requires_safety_checker=False)
        controlnet = ControlNetModel.from_pretrained(folder / "controlnet", dtype=torch.float32).to(device)
        self.control = StableDiffusionControlNetPipeline(
            **self.text.components, controlnet=controlnet, requires_safety_checker=False
        )
        self.adapted = ReferencePipeline(unet=plain_unet(self.edit.unet), **shared)
        self.adapted.load_ip_adapter(
            [str(folder)] * 2,
            subfolder="ip_adapter",
            weight_name=[f"{name}.safetensors" for name in ADAPTERS],
            image_encoder_folder=None,
        )
        for pipe in (self.edit, self.text, self.image, self.control, self.adapted):
            pipe.set_progress_bar_config(disable=True)
            pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)

    @torch.no_grad()
    def draw(self, pipe: Any, prompts: Sequence[str], seed: int, **options: Any) -> list[Image.Image]:
        """One picture per prompt, with seeds `seed`, `seed + 1`, ... and 20 steps unless told otherwise."""
        generators = [torch.Generator("cpu").manual_seed(seed + i) for i in range(len(prompts))]
        options.setdefault("num_inference_steps", STEPS)
        if "guidance_rescale" in inspect.signature(pipe.__call__).parameters:
            options.setdefault("guidance_rescale", GUIDANCE_RESCALE)
        if pipe in (self.text, self.control, self.adapted):
            options.setdefault("callback_on_step_end", _end_guidance)
        return pipe(list(prompts), generator=generators, **options).images

    def edited(
        self, prompts: Sequence[str], sources: Sequence[Image.Image], seed: int, **options: Any
    ) -> list[Image.Image]:
        """One edit per source, which keeps the pixels that hardly change, as the studio lets it."""
        drawn = self.draw(self.edit, prompts, seed, image=list(sources), **options)
        return self.unchanged(sources, drawn)

    @torch.no_grad()
    def unchanged(self, sources: Sequence[Image.Image], drawn: Sequence[Image.Image]) -> list[Image.Image]:
        """Edits with their sources' own pixels where they hardly differ."""
        vae = self.edit.vae
        latents = vae.encode(to_tensor(sources).to(self.device)).latent_dist.mode()
        seen = to_pictures(vae.decode(latents).sample.clamp(-1, 1))
        with ThreadPoolExecutor() as threads:
            return list(threads.map(_composed, sources, seen, drawn))

    def adapted_batch(
        self,
        prompts: Sequence[str],
        seed: int,
        character: Sequence[Image.Image] | None,
        style: Sequence[Image.Image] | None,
        scales: tuple[float, float],
        **options: Any,
    ) -> list[Image.Image]:
        """Pictures with a character and/or style reference each; a missing kind has scale 0."""
        self.adapted.set_ip_adapter_scale([scales[0] if character else 0.0, scales[1] if style else 0.0])
        blank = [Image.new("RGB", (64, 64))] * len(prompts)
        embeds = [self._seen(character or blank), self._seen(style or blank)]
        return self.draw(self.adapted, prompts, seed, ip_adapter_image_embeds=embeds, **options)

    @torch.no_grad()
    def _seen(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """The embeddings of a reference for each prompt: zeros, then the pictures' (2B, 1, D)."""
        pixels = self.adapted.feature_extractor(list(pictures), return_tensors="pt").pixel_values
        embeds = self.adapted.image_encoder(pixels.to(self.device)).image_embeds.unsqueeze(1)
        return torch.cat([torch.zeros_like(embeds), embeds])


def _end_guidance(pipeline: Any, step: int, *rest: Any) -> dict[str, Any]:
    GUIDANCE_SPAN.after(pipeline, step)
    return {}


def _composed(source: Image.Image, seen: Image.Image, drawn: Image.Image) -> Image.Image:
    return UnchangedCompositor(source, seen).under(drawn)


def to_pictures(tensor: torch.Tensor) -> list[Image.Image]:
    """Pictures (N, 3, H, W) in [-1, 1] as Pillow images."""
    data = ((tensor + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(x) for x in data]


def to_tensor(images: Sequence[Image.Image]) -> torch.Tensor:
    """Pillow images of one size as (N, 3, H, W) in [-1, 1]."""
    import numpy as np

    stack = np.stack([np.asarray(x.convert("RGB")) for x in images])
    return torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 127.5 - 1
