"""The shapes that pictures are drawn in: square, and as wide or tall as a portrait is wanted.

Every shape has about the area of the square. A tall picture shows more above the head and less beside the
shoulders; a wide one shows the whole figure, smaller, with room at both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812

from training.compose import compose


@dataclass(frozen=True)
class Shape:
    """Sizes in sixteenths of the square's side, which is 16.

    Pictures are composed on a square `canvas` with the figure, `figure` wide, in the middle of its lower
    edge; `width` and `height` of it are kept, from the same place.
    """

    canvas: int
    figure: int
    width: int
    height: int

    def px(self, side: int, of: int) -> int:
        """So many sixteenths of `side`, in pixels."""
        return side * of // 16

    def framed(self, figures: torch.Tensor) -> torch.Tensor:
        """Figures, uint8 RGBA (B, 4, px, px), on the transparent canvas."""
        px = figures.shape[-1]
        canvas, side = self.px(px, self.canvas), self.px(px, self.figure)
        small = figures if side == px else _resized(figures, side)
        left = (canvas - side) // 2
        return F.pad(small, (left, canvas - side - left, canvas - side, 0))

    def compose(self, figures: torch.Tensor, grounds: torch.Tensor, lights: torch.Tensor) -> torch.Tensor:
        """As `compose.compose`, in this shape: `grounds` are of the canvas' size; (B, 3, height, width)."""
        px = figures.shape[-1]
        whole = compose(self.framed(figures), grounds, lights)
        left = (whole.shape[-1] - self.px(px, self.width)) // 2
        top = whole.shape[-2] - self.px(px, self.height)
        return whole[..., top:, left : whole.shape[-1] - left]


def _resized(figures: torch.Tensor, side: int) -> torch.Tensor:
    """Straight-alpha figures at another size; colours are averaged where there is any, so none bleed in."""
    alpha = figures[:, 3:].float() / 255
    soft = F.interpolate(torch.cat([figures[:, :3] * alpha, alpha], 1), size=(side, side), mode="area")
    colours = soft[:, :3] / soft[:, 3:].clamp(min=1e-4)
    return torch.cat([colours, soft[:, 3:] * 255], 1).round().clamp(0, 255).to(torch.uint8)


SQUARE = Shape(16, 16, 16, 16)
SHAPES: dict[str, Shape] = {"tall": Shape(18, 16, 14, 18), "wide": Shape(18, 14, 18, 14)}
"""The shapes beside the square, 3:4 and 4:3 or nearly, by the name of their folder of latents."""
CUT: dict[str, tuple[int, int]] = {"tall": (12, 18), "wide": (18, 12)}
"""Width and height of what is cut from them for 2:3 and 3:2."""
