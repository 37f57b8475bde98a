"""Enlarge pictures with a network, tile by tile, on any processor. Pictures in, pictures out.

`Compact` is laid out as the architecture of that name that enlargers are commonly shared in, so that its
weights load elsewhere and other Compact weights load here. `foreign_enlargers` brings the other layouts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from pipelines.catalog import enlargers

TILE = 256
"""Side of the tiles a picture is enlarged in, in its own pixels."""


class Network(Protocol):
    """What makes (1, 3, h, w) in [0, 1] `factor` times larger; nothing beyond `reach` px changes a pixel."""

    @property
    def factor(self) -> int:
        """How many times longer sides become."""
        ...

    @property
    def reach(self) -> int:
        """How many pixels of the small picture a pixel of the large one depends on, to each side."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    @property
    def tile(self) -> int:
        """Side in px of the tiles it is given."""
        ...

    @property
    def layout(self) -> str:
        """The name its layout is known by."""
        ...

    def __call__(self, pictures: Tensor) -> Tensor:
        """The enlarged pictures."""
        ...


class Compact(nn.Module):
    """Convolutions and PReLU at the small size, one pixel shuffle at the end, on top of repeated pixels.

    Pictures (N, 3, H, W) in [0, 1] to (N, 3, factor * H, factor * W), which may leave [0, 1] a little.
    Keys: `body.0` first convolution, `body.1` its PReLU, ..., the last the convolution before the shuffle.
    """

    tile, layout = TILE, "Compact"

    def __init__(self, width: int, layers: int, factor: int) -> None:
        super().__init__()
        self.width, self.layers, self.factor = width, layers, factor
        body: list[nn.Module] = []
        for inputs in (3, *[width] * layers):
            body += [nn.Conv2d(inputs, width, 3, padding=1), nn.PReLU(width)]
        body.append(nn.Conv2d(width, 3 * factor * factor, 3, padding=1))
        self.body = nn.ModuleList(body)

    @property
    def reach(self) -> int:
        """How many pixels of the small picture a pixel of the large one depends on, to each side."""
        return self.layers + 2

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    def forward(self, pictures: Tensor) -> Tensor:
        """The enlarged pictures."""
        x = pictures
        for module in self.body:
            x = module(x)
        return F.pixel_shuffle(x, self.factor) + F.interpolate(pictures, scale_factor=float(self.factor))


def compact(weights: Mapping[str, Tensor]) -> Compact:
    """The network these weights belong to, in float32, ready to enlarge; ValueError where they fit none."""
    last = max((int(k.split(".")[1]) for k in weights if k.startswith("body.")), default=0)
    first, end = weights.get("body.0.weight"), weights.get(f"body.{last}.weight")
    if first is None or end is None or first.ndim != 4 or first.shape[1] != 3 or end.ndim != 4:
        raise ValueError("these are not the weights of a Compact enlarger for RGB pictures")
    factor = round((end.shape[0] / 3) ** 0.5)
    net = Compact(int(first.shape[0]), last // 2 - 1, factor)
    try:
        net.load_state_dict({k: v.float() for k, v in weights.items()})
    except RuntimeError as error:
        raise ValueError(f"these are not the weights of a Compact enlarger: {error}") from error
    return net.to(memory_format=torch.channels_last).requires_grad_(False).eval()  # type: ignore[call-overload]


def is_compact(weights: Mapping[str, Tensor]) -> bool:
    """Whether these weights are laid out as Compact, as far as their names tell."""
    return enlargers.is_compact(weights)


def load(path: Path) -> Compact:
    """The enlarger in a safetensors file."""
    return compact(load_file(path))


def _spans(length: int, tile: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, tile):
        yield start, min(start + tile, length)


def _ignore(share: float) -> None:
    """Nobody wants to know how far it is."""
    del share


@torch.inference_mode()
def enlarge(
    net: Network, picture: Image.Image, tile: int = TILE, done: Callable[[float], None] = _ignore
) -> Image.Image:
    """`picture` enlarged `net.factor` times, as RGB.

    Tiles overlap by all that a pixel depends on, so there are no seams, whatever their size. `done` hears
    after every tile what share of the picture is finished; an exception it raises ends the work.
    """
    margin, factor = net.reach, net.factor
    width, height = picture.size
    padded = F.pad(_tensor(picture), (margin,) * 4, mode="replicate")
    out = np.empty((height * factor, width * factor, 3), np.uint8)
    for top, bottom in _spans(height, tile):
        for left, right in _spans(width, tile):
            part = padded[..., top : bottom + 2 * margin, left : right + 2 * margin]
            out[top * factor : bottom * factor, left * factor : right * factor] = _pixels(net, part)
            done((top * width + (bottom - top) * right) / (height * width))
    return Image.fromarray(out)


def tiles(size: tuple[int, int], tile: int = TILE) -> int:
    """In how many tiles a picture of `size` (width, height) px is enlarged."""
    return math.prod(-(-side // tile) for side in size)


def enlarge_to(
    net: Network,
    picture: Image.Image,
    size: tuple[int, int],
    tile: int = TILE,
    done: Callable[[int, int], None] = lambda at, of: None,
) -> Image.Image:
    """RGB `picture` at `size` (width, height) px: enlarged as often as it takes, then made that size.

    `done` hears after every tile how many of how many are finished; an exception it raises ends the work.
    """
    sizes = [picture.size]
    while sizes[-1][0] < size[0] or sizes[-1][1] < size[1]:
        sizes.append((sizes[-1][0] * net.factor, sizes[-1][1] * net.factor))
    ended, of = 0, sum(tiles(each, tile) for each in sizes[:-1])

    def one_more(share: float) -> None:
        nonlocal ended
        del share
        ended += 1
        done(ended, of)

    for _ in sizes[1:]:
        picture = enlarge(net, picture, tile, one_more)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def _tensor(picture: Image.Image) -> Tensor:
    """(1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


def _pixels(net: Network, part: Tensor) -> np.ndarray:
    """A tile (1, 3, h, w) enlarged, without the margin it was given: uint8 (H, W, 3)."""
    rim = net.reach * net.factor
    large = net(part.to(net.device).contiguous(memory_format=torch.channels_last))[0, :, rim:-rim, rim:-rim]
    return (large.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
