"""Train the enlarger: a Compact network that starts as bicubic interpolation and learns what to add.

Small squares of the pairs, in the shares below; colours and directions are shuffled, so that it learns lines
and not which colours portraits have. The last part of the schedule (`polish`) also asks for the sharpness of
the truth.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pipelines.running.enlarging import Compact
from training.descent import Descent
from training.enlarger_pairs import AREA, DECODED, LANCZOS, REDRAWN, Pairs
from training.loop import arithmetic
from training.parallel import rank, workers
from training.presets import EnlargerPreset, Preset

DRAWING_SHARE = 0.2
SHARES = {DECODED: 0.47, REDRAWN: 0.28, AREA: 0.15, LANCZOS: 0.1}
RIM = 2  # small pixels at a square's rim that count for nothing: they lack neighbours
POLISH_RAMP = 0.1  # share of the schedule in which the wish for sharpness grows to its full weight
CARRIERS = 27  # channels that carry a pixel's 3 x 3 neighbourhood through all layers, at the start


def bicubic_kernel(factor: int) -> Tensor:
    """What each of factor * factor subpixels takes of its 5 x 5 small pixels: (factor, factor, 5, 5)."""
    impulses = torch.eye(25).view(25, 1, 5, 5)
    impulses = F.pad(impulses, (4, 4, 4, 4))
    large = F.interpolate(impulses, scale_factor=factor, mode="bicubic", align_corners=False)
    centre = large[:, 0, 6 * factor : 7 * factor, 6 * factor : 7 * factor]
    return centre.permute(1, 2, 0).reshape(factor, factor, 5, 5)


@torch.no_grad()
def start_as_bicubic(net: Compact) -> None:
    """Set weights so that the network is bicubic interpolation: 27 channels carry each 3 x 3 neighbourhood.

    The other channels begin as a residual network's, and count for nothing until the last layer learns to.
    """
    convs = [m for m in net.body if isinstance(m, nn.Conv2d)]
    for conv, slopes in zip(convs[:-1], [m for m in net.body if isinstance(m, nn.PReLU)], strict=True):
        _clear_bias(conv)
        nn.init.kaiming_normal_(conv.weight, a=0.2)
        if conv.in_channels > 3:
            conv.weight.mul_(0.4)
            nn.init.zeros_(conv.weight[:CARRIERS])
            for i in range(net.width):
                conv.weight[i, i, 1, 1] += 1
        nn.init.constant_(slopes.weight, 0.2)
        nn.init.ones_(slopes.weight[:CARRIERS])
    first, last = convs[0], convs[-1]
    first.weight[:CARRIERS] = torch.eye(CARRIERS).view(CARRIERS, 3, 3, 3)
    nn.init.zeros_(last.weight)
    _clear_bias(last)
    _set_last(last.weight, bicubic_kernel(net.factor))


def _clear_bias(conv: nn.Conv2d) -> None:
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def _set_last(weight: Tensor, kernel: Tensor) -> None:
    """Spread a kernel of 5 x 5 pixels onto 3 x 3 places of carried 3 x 3 neighbourhoods; less the skip."""
    factor = kernel.shape[0]
    grid = weight.view(3, factor, factor, -1, 3, 3)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            py, px = max(-1, min(1, dy)), max(-1, min(1, dx))
            tap = (dy - py + 1) * 3 + (dx - px + 1)
            share = kernel[:, :, dy + 2, dx + 2] - (1.0 if dy == dx == 0 else 0.0)
            for colour in range(3):
                grid[colour, :, :, colour * 9 + tap, py + 1, px + 1] += share


def build_enlarger(p: EnlargerPreset) -> Compact:
    """A network of the preset's shape that does what bicubic interpolation does."""
    net = Compact(p.width, p.layers, p.factor)
    start_as_bicubic(net)
    return net


class Squares:
    """Random squares of the training pairs, turned, mirrored and with colours in any order."""

    def __init__(self, folder: Path, crop: int, seed: int) -> None:
        self.portraits = Pairs(folder, "portraits", "train")
        self.drawings = Pairs(folder, "drawings", "train")
        self.crop, self.rng = crop, random.Random(seed)

    def _one(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        pairs, version = self.portraits, rng.choices(list(SHARES), list(SHARES.values()))[0]
        if rng.random() < DRAWING_SHARE:
            pairs, version = self.drawings, rng.choice(self.drawings.versions)
        places = pairs.px - self.crop + 1
        i, y, x = rng.randrange(len(pairs)), rng.randrange(places), rng.randrange(places)
        low, high = pairs.crop(i, version, y, x, self.crop)
        colours = rng.sample(range(3), 3) if rng.random() < 0.5 else [0, 1, 2]
        turns, mirror = rng.randrange(4), rng.random() < 0.5
        return self._turned(low, turns, mirror, colours), self._turned(high, turns, mirror, colours)

    @staticmethod
    def _turned(square: np.ndarray, turns: int, mirror: bool, colours: list[int]) -> np.ndarray:
        square = np.rot90(square, turns)[..., colours]
        return square[:, ::-1] if mirror else square

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """n pairs: small (n, 3, crop, crop) and large (n, 3, factor * crop, ...), in [0, 1]."""
        lows, highs = zip(*(self._one() for _ in range(n)), strict=True)
        return _floats(lows), _floats(highs)


def _floats(squares: tuple[np.ndarray, ...]) -> Tensor:
    stack = torch.from_numpy(np.ascontiguousarray(np.stack(squares))).permute(0, 3, 1, 2)
    return (stack.float() / 255).contiguous(memory_format=torch.channels_last)


def charbonnier(difference: Tensor) -> Tensor:
    """Mean of a smooth absolute value."""
    return (difference.square() + 1e-6).sqrt().mean()


def gradients(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring pixels, across and down."""
    return pictures.diff(dim=-1), pictures.diff(dim=-2)


def edge_energy(pictures: Tensor, cell: int = 16) -> Tensor:
    """Root mean square of the gradients in cells of `cell` pixels: (N, 1, H / cell, W / cell)."""
    dx, dy = gradients(pictures)
    energy = F.pad(dx, (0, 1)).square().mean(1, True) + F.pad(dy, (0, 0, 0, 1)).square().mean(1, True)
    return (F.avg_pool2d(energy, cell) + 1e-5).sqrt()


def enlarging_loss(out: Tensor, target: Tensor, polish: float) -> tuple[Tensor, Tensor]:
    """Pixels and edges, plus `polish` times how far the sharpness is from the truth's; and that by itself."""
    difference = out - target
    dx, dy = gradients(difference)
    fidelity = charbonnier(difference) + charbonnier(dx) + charbonnier(dy)
    lack = F.l1_loss(edge_energy(out), edge_energy(target))
    return fidelity + polish * lack, lack


def inner(pictures: Tensor, rim: int) -> Tensor:
    """Pictures without `rim` pixels at each side."""
    return pictures[..., rim:-rim, rim:-rim]


class Probe:
    """Fixed whole pairs of held-out portraits, to follow the training by."""

    def __init__(self, folder: Path, count: int = 12) -> None:
        pairs = Pairs(folder, "portraits", "held")
        step = max(1, len(pairs) // count)
        self.versions: dict[str, tuple[Tensor, Tensor]] = {}
        for version in (DECODED, REDRAWN, AREA):
            lows, highs = zip(*(pairs.whole(i * step, version) for i in range(count)), strict=True)
            self.versions[version] = (_floats(lows), _floats(highs))

    @torch.no_grad()
    def measures(self, net: Compact) -> dict[str, float]:
        """PSNR above bicubic in dB, and gradient energy as a share of the truth's, for each version."""
        out: dict[str, float] = {}
        for version, (low, high) in self.versions.items():
            large = torch.cat([net(x).clamp(0, 1) for x in low.split(2)])
            plain = F.interpolate(low, scale_factor=float(net.factor), mode="bicubic").clamp(0, 1)
            out[f"{version}_gain"] = round(psnr(large, high) - psnr(plain, high), 2)
            out[f"{version}_psnr"] = round(psnr(large, high), 2)
            out[f"{version}_energy"] = round(sharpness(large) / sharpness(high), 3)
        return out


def psnr(pictures: Tensor, truth: Tensor) -> float:
    """Mean PSNR in dB of pictures (N, 3, H, W) in [0, 1]."""
    return float((-10 * (pictures - truth).square().mean(dim=(1, 2, 3)).log10()).mean())


def sharpness(pictures: Tensor) -> float:
    """Gradient energy: the mean squared difference of neighbouring pixels."""
    return sum(float(g.square().mean()) for g in gradients(pictures))


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the enlarger stage; writes `enlarger.pt` and its log under `work`."""
    p = preset.enlarger
    torch.manual_seed(preset.seed)
    net = build_enlarger(p).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    descent = Descent("enlarger", net, p, work, preset)
    squares = Squares(work / "pairs", p.crop, preset.seed * 7919 + descent.step * workers() + rank())
    probe = Probe(work / "pairs") if rank() == 0 else None
    loss = lack = torch.zeros(())

    def measures() -> dict[str, float]:
        row = {"loss": round(loss.item(), 5), "lack": round(lack.item(), 5)}
        if descent.step % 500 == 0 and probe is not None:
            with descent.ema.applied(net):
                row.update(probe.measures(net))
        return row

    for progress in descent.steps():
        low, high = (x.to(device) for x in squares.batch(p.batch // workers()))
        with arithmetic(device, preset.bf16):
            out = net(low).float()
        polish = p.sharpen * min(1.0, max(0.0, (progress - p.polish) / POLISH_RAMP))
        loss, lack = enlarging_loss(inner(out, RIM * p.factor), inner(high, RIM * p.factor), polish)
        descent.descend(loss)
        descent.log(measures)
