"""Latents of FLUX.2's autoencoder, which FLUX.3 has as well: packed two by two, and normalised by channel."""

from __future__ import annotations

import torch

from pipelines.planning.plan import Plan
from pipelines.running.families.stock import StockModel


class PatchedLatents(StockModel):
    """A `StockModel` whose steps leave tokens of two by two latents each, measured by `vae.bn`."""

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, h·w/4, 4·channels) → (n, channels, h, w)."""
        return self.unpatched(self.spread(latents, plan))

    def spread(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """(n, h·w/4, 4·channels) → (n, 4·channels, h/2, w/2): in patches, each channel by its own measure."""
        side = 2 * self._scale
        return latents.transpose(1, 2).unflatten(2, (plan.height // side, plan.width // side))

    def packed(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """`spread`, the other way round."""
        return latents.flatten(2).transpose(1, 2)

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1] → (1, 4·channels, h/2, w/2)."""
        patches = patched(self.vae.encode(pixels).latent_dist.mode())
        mean, deviation = self._statistics(patches)
        return (patches - mean) / deviation

    def unpatched(self, patches: torch.Tensor) -> torch.Tensor:
        """(n, 4·channels, h/2, w/2), by each channel's own measure → (n, channels, h, w) as decoded."""
        mean, deviation = self._statistics(patches)
        return torch.nn.functional.pixel_shuffle(patches * deviation + mean, 2)

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1]."""
        return self.vae.decode(latents.to(self.vae.dtype), return_dict=False)[0]

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and spread of packed latents, per channel."""
        norm, config = self.vae.bn, self.vae.config
        spread = torch.sqrt(norm.running_var + config.batch_norm_eps)
        return tuple(v.view(1, -1, 1, 1).to(like.device, like.dtype) for v in (norm.running_mean, spread))  # pyright: ignore[reportReturnType]

    @property
    def _scale(self) -> int:
        return 2 ** (len(self.vae.config.block_out_channels) - 1)


def patched(latents: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) → (n, 4·c, h/2, w/2)."""
    return torch.nn.functional.pixel_unshuffle(latents, 2)
