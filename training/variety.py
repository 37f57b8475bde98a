"""Show the same renders in more ways: moved, with swapped colours, softened. For what learns to see."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from training.attributes import IGNORE

COLOURS = ("hair_color", "skin", "clothes_color", "background", "light")


def shifted(pictures: torch.Tensor, most: int) -> torch.Tensor:
    """Each of the pictures (B, C, h, w) moved by up to `most` pixels, its border repeated."""
    height, width = pictures.shape[-2:]
    padded = F.pad(pictures, (most,) * 4, mode="replicate")
    corners = torch.randint(0, 2 * most + 1, (len(pictures), 2, 1), device=pictures.device)
    rows = corners[:, 0] + torch.arange(height, device=pictures.device)
    columns = corners[:, 1] + torch.arange(width, device=pictures.device)
    each = torch.arange(len(pictures), device=pictures.device).view(-1, 1, 1)
    return padded.permute(0, 2, 3, 1)[each, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


def recoloured(
    pictures: torch.Tensor, shown: dict[str, torch.Tensor], share: float
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The first `share` of the pictures (B, 3, h, w) in [-1, 1] in other colours, which are not asked for.

    Channels change places, and some are inverted: swapping alone leaves black black and gray gray. A haircut
    that was never seen in this colour must be told by its shape.
    """
    count = int(len(pictures) * share)
    orders = torch.rand(count, 3, device=pictures.device).argsort(dim=1)
    signs = torch.randint(0, 2, (count, 3, 1, 1), device=pictures.device) * 2 - 1
    each = torch.arange(count, device=pictures.device).unsqueeze(1)
    swapped = pictures[:count][each, orders] * signs
    told = {field: values.clone() for field, values in shown.items()}
    for field in COLOURS:
        told[field][:count] = IGNORE
    return torch.cat([swapped, pictures[count:]]), told


def softened(pictures: torch.Tensor, share: float) -> torch.Tensor:
    """The first `share` of the pictures (B, 3, h, w) as they look at half their size, back at their own."""
    count, size = int(len(pictures) * share), pictures.shape[-2:]
    small = F.interpolate(pictures[:count], scale_factor=0.5, mode="area")
    soft = F.interpolate(small, size=size, mode="bilinear")
    return torch.cat([soft, pictures[count:]])


@dataclass(frozen=True)
class Frame:
    """Where a figure stands: `scale` times as large, `right` and `down` in half sides of the picture.

    It stays on the lower edge, as a portrait that is cut there must, or goes below.
    """

    scale: float
    right: float
    down: float
    mirrored: bool

    @classmethod
    def drawn(cls, rng: random.Random) -> Frame:
        """A frame at random."""
        scale = rng.uniform(0.65, 1.1)
        return cls(scale, rng.uniform(-0.25, 0.25), rng.uniform(0, 0.15), rng.random() < 0.5)

    def matrix(self) -> list[list[float]]:
        """From places in the picture to places in the figure, as torch's `affine_grid` takes it."""
        across = -1 / self.scale if self.mirrored else 1 / self.scale
        return [[across, 0.0, -self.right * across], [0.0, 1 / self.scale, 1 - (1 + self.down) / self.scale]]


def framed(figures: torch.Tensor, frames: Sequence[Frame]) -> torch.Tensor:
    """Figures, straight-alpha uint8 (B, 4, h, w), each where its frame puts it; transparent beside it.

    Colours are averaged where there is any, so none bleed in.
    """
    matrices = torch.tensor([f.matrix() for f in frames], device=figures.device)
    grid = F.affine_grid(matrices, [*figures.shape], align_corners=False)
    alpha = figures[:, 3:].float() / 255
    soft = F.grid_sample(torch.cat([figures[:, :3] * alpha, alpha], 1), grid, align_corners=False)
    colours = soft[:, :3] / soft[:, 3:].clamp(min=1e-4)
    return torch.cat([colours, soft[:, 3:] * 255], 1).round().clamp(0, 255).to(torch.uint8)
