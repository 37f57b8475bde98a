"""Show the same renders in more ways: moved, with swapped colours, softened. For what learns to see."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from training.attributes import IGNORE

COLOURS = ("hair_color", "skin", "clothes_color", "background", "light")


def shifted(pictures: torch.Tensor, most: int) -> torch.Tensor:
    """Each of the pictures (B, C, h, w) moved by up to `most` pixels, its border repeated."""
    height, width = pictures.shape[-2:]
    padded = F.pad(pictures, (most,) * 4, mode="replicate")
    corners = torch.randint(0, 2 * most + 1, (len(pictures), 2)).tolist()
    return torch.stack(
        [x[:, y : y + height, z : z + width] for x, (y, z) in zip(padded, corners, strict=True)]
    )


def recoloured(
    pictures: torch.Tensor, shown: dict[str, torch.Tensor], share: float
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The first `share` of the pictures (B, 3, h, w) in [-1, 1] in other colours, which are not asked for.

    Channels change places, and some are inverted: swapping alone leaves black black and gray gray. A haircut
    that was never seen in this colour must be told by its shape.
    """
    count = int(len(pictures) * share)
    orders = torch.rand(count, 3).argsort(dim=1)
    signs = torch.randint(0, 2, (count, 3, 1, 1), device=pictures.device) * 2 - 1
    swapped = torch.stack([x[order] for x, order in zip(pictures[:count], orders, strict=True)]) * signs
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
