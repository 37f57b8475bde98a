"""Put rendered figures before backgrounds and light them, as batches of tensors.

A figure is straight-alpha RGBA with a transparent ground; a background is opaque RGB. Light shades the figure
(and dims the background where it is dramatic). Values leave here in [-1, 1], what the autoencoder reads.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from training import scenes

LIGHTS: tuple[str, ...] = ("none", "left", "right", "dramatic left", "dramatic right", "soft")

# light -> (gain towards the lit side, gain towards the dark side, background gain)
_SIDE_LIGHT: dict[str, tuple[float, float, float]] = {
    "left": (1.12, 0.66, 1.0),
    "right": (1.12, 0.66, 1.0),
    "dramatic left": (1.2, 0.26, 0.55),
    "dramatic right": (1.2, 0.26, 0.55),
}


class BackgroundBank:
    """All backgrounds at one size, drawn once and kept as uint8.

    `images` has shape (n, 3, px, px); `rows(name)` lists the indices of one background's seeded variants.
    """

    def __init__(self, px: int, variants: int = 12, first_seed: int = 0, cache: Path | None = None) -> None:
        names = [
            (b, s) for b in scenes.BACKGROUNDS for s in range(variants if scenes.kind(b) == "scene" else 1)
        ]
        self._rows: dict[str, list[int]] = {}
        for i, (name, _) in enumerate(names):
            self._rows.setdefault(name, []).append(i)
        if cache is not None and cache.exists():
            stack = np.load(cache)
        else:
            stack = np.stack([scenes.draw(name, px, first_seed + s) for name, s in names])
            if cache is not None:
                _save_whole(cache, stack)
        self.images = torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()

    def to(self, device: str) -> BackgroundBank:
        """Keep the pictures on `device`."""
        self.images = self.images.to(device)
        return self

    def rows(self, name: str) -> list[int]:
        """Indices into `images` of the variants of background `name`."""
        return self._rows[name]


def _save_whole(target: Path, stack: np.ndarray) -> None:
    """Others may make the same file at the same time, and read it as soon as it is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, stack)
    part.replace(target)


def light_maps(lights: torch.Tensor, px: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Gains for indices into LIGHTS: figure gain (B, 1, px, px) and background gain (B, 1, 1, 1)."""
    x = torch.linspace(0, 1, px)
    ramp = torch.sigmoid((x - 0.5) * 9.0)
    table, ground = [], []
    for name in LIGHTS:
        if name in _SIDE_LIGHT:
            lit, dark, back = _SIDE_LIGHT[name]
            row = lit + (dark - lit) * (ramp if name.endswith("left") else ramp.flip(0))
            table.append(row.expand(px, px))
            ground.append(back)
        else:
            table.append(torch.ones(px, px))
            ground.append(1.0)
    device = lights.device
    figure = torch.stack(table).to(device)[lights].unsqueeze(1)
    return figure, torch.tensor(ground, device=device)[lights].view(-1, 1, 1, 1)


def compose(figures: torch.Tensor, grounds: torch.Tensor, lights: torch.Tensor) -> torch.Tensor:
    """Composite uint8 figures (B, 4, H, W) over uint8 grounds (B, 3, H, W) under light indices (B,).

    Returns float32 pictures (B, 3, H, W) in [-1, 1].
    """
    rgb = figures[:, :3].float() / 255
    alpha = figures[:, 3:].float() / 255
    back = grounds.float() / 255
    gain, ground_gain = light_maps(lights, figures.shape[-1])
    soft = (lights == LIGHTS.index("soft")).view(-1, 1, 1, 1)
    warm = torch.tensor([1.0, 0.9, 0.76], device=rgb.device).view(1, 3, 1, 1)
    lit = torch.where(soft, 0.72 * rgb + 0.28 * warm, (rgb * gain).clamp(0, 1))
    return (lit * alpha + back * ground_gain * (1 - alpha)) * 2 - 1
