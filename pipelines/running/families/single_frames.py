"""Pictures out of autoencoders that were made for films: a picture is one of a single frame.

Knows the autoencoder's configuration; nothing of models.
"""

from __future__ import annotations

from typing import Any

import torch


def frame_pixels(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """(n, z, h, w) → (n, channels, H, W) in [-1, 1]: latents as the network knows them, decoded."""
    mean, spread = _statistics(vae, latents)
    film = (latents * spread + mean).unsqueeze(2).to(vae.dtype)
    return vae.decode(film, return_dict=False)[0][:, :, 0]


def frame_latents(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """(n, 3, H, W) in [-1, 1] → (n, z, h, w): latents as the network knows them."""
    latents = vae.encode(_film(vae, pixels)).latent_dist.mode()[:, :, 0]
    mean, spread = _statistics(vae, latents)
    return (latents - mean) / spread


def frame_given_back(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """(n, 3, H, W) in [-1, 1] → the same, encoded and decoded; transparency that is added is left out."""
    return vae.decode(vae.encode(_film(vae, pixels)).latent_dist.mode(), return_dict=False)[0][:, :3, 0]


def _statistics(vae: Any, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and spread of each channel."""
    mean, spread = (
        torch.tensor(values).view(1, -1, 1, 1).to(latents.device, latents.dtype)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, spread


def _film(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """One frame, opaque where the autoencoder knows transparency."""
    channels = vae.config.get("in_channels", 3)
    opaque = torch.ones_like(pixels[:, :1]).expand(-1, channels - 3, -1, -1)
    return torch.cat([pixels, opaque], dim=1).unsqueeze(2)
