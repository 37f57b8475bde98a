"""Teach a critic to read the attributes of a portrait from its latents.

The network and the adapters are asked whether the picture about to be drawn shows what they were told: the
plain loss hardly sees a mouth. The critic learns from encoded renders alone, is not exported, and has nothing
to do with the reader that measures: that one reads pixels, and never meets the network before it is measured.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import DDIMScheduler

from training.attributes import IGNORE
from training.descent import Descent
from training.latents import LatentSet
from training.loop import arithmetic
from training.parallel import rank, workers
from training.presets import Preset
from training.reader import Truth, heads

BLUR = 0.6
SHOWN = {"expression": 0.05, "haircut": 0.03}
SHOWN_OTHERWISE = 0.01


class Critic(torch.nn.Module):
    """Scaled latents (B, C, h, w) to logits for each attribute."""

    def __init__(self, channels: int, side: int, width: int = 64) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.GELU(),
            torch.nn.Conv2d(width, 2 * width, 3, padding=1, stride=2), torch.nn.GELU(),
            torch.nn.Conv2d(2 * width, 3 * width, 3, padding=1, stride=2), torch.nn.GELU(),
            torch.nn.Flatten(),
            torch.nn.Linear(3 * width * (side // 4) ** 2, 4 * width), torch.nn.GELU(),
        )  # fmt: skip
        self.heads = heads(4 * width)

    def losses(self, latents: torch.Tensor, truth: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Cross-entropy (B,) of each attribute, 0 where the truth says `IGNORE`: that does not count."""
        features = self.body(latents)
        return {
            f: F.cross_entropy(head(features), truth[f], ignore_index=IGNORE, reduction="none")
            for f, head in self.heads.items()
        }

    def loss(self, latents: torch.Tensor, truth: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean cross-entropy (B,) of each picture's attributes that count."""
        total = torch.stack([*self.losses(latents, truth).values()]).sum(dim=0)
        counted = torch.stack([truth[f] != IGNORE for f in self.heads]).sum(dim=0)
        return total / counted.clamp(min=1)


def unseen(
    critic: Critic,
    noisy: torch.Tensor,
    velocity: torch.Tensor,
    t: torch.Tensor,
    scheduler: DDIMScheduler,
    truth: dict[str, torch.Tensor],
) -> torch.Tensor:
    """What the critic cannot read in the picture about to be drawn: a loss (B,), attributes weighted.

    `noisy` latents (B, C, h, w) at timesteps `t`, with the `velocity` predicted for them, make that picture.
    """
    signal = scheduler.alphas_cumprod.to(noisy.device)[t].view(-1, 1, 1, 1)
    drawn = signal.sqrt() * noisy - (1 - signal).sqrt() * velocity
    losses = critic.losses(drawn, truth)
    return torch.stack([SHOWN.get(f, SHOWN_OTHERWISE) * value for f, value in losses.items()]).sum(dim=0)


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the critic's stage; writes `critic.pt` and `critic.jsonl` under `work`."""
    p = preset.critic
    torch.manual_seed(preset.seed)
    data = LatentSet(work).to(device)
    critic = Critic(data.latents.shape[1], data.latents.shape[-1]).to(device)
    descent = Descent("critic", critic, p, work, preset)
    truth, scaling = Truth(data.portraits, device), data.scaling_factor()
    torch.manual_seed(preset.seed + 32452843 * (descent.step * workers() + rank() + 1))
    for _ in descent.steps():
        rows = torch.randint(0, len(data), (p.batch // workers(),), device=device)
        clean = data.latents[rows].to(device).float() * scaling
        blur = torch.rand(len(rows), 1, 1, 1, device=device) * BLUR
        with arithmetic(device, preset.bf16):
            loss = critic.loss(clean + blur * torch.randn_like(clean), truth.of(rows)).mean()
        descent.descend(loss)
        descent.log(lambda loss=loss: {"pictures": descent.step * p.batch, "loss": round(loss.item(), 4)})


def trained_critic(work: Path, data: LatentSet, device: str) -> Critic | None:
    """The critic's averaged weights, frozen; None where its stage has not been run."""
    if not (work / "critic.pt").exists():
        return None
    critic = Critic(data.latents.shape[1], data.latents.shape[-1])
    states = torch.load(work / "critic.pt", map_location="cpu", weights_only=True)["states"]
    critic.load_state_dict(states["ema"])
    return critic.to(device).requires_grad_(False).eval()
