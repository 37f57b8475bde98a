"""Teach the image encoder to see: every attribute of a picture must be readable from its embedding.

The joint stage's loss hardly tells it what to look for (a reference is a hundredth part of that loss). Read
by one linear head per attribute, thrown away afterwards, it sees twenty times as many pictures in a minute.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from transformers import CLIPVisionModelWithProjection

from training.attributes import IGNORE
from training.descent import Descent
from training.latents import LatentSet, small_pictures
from training.loop import arithmetic
from training.models import build_image_encoder
from training.parallel import rank, workers
from training.presets import Preset
from training.reader import Truth, heads
from training.variety import recoloured, shifted

SHIFT = 2
RECOLOURED = 0.4


class Sight(torch.nn.Module):
    """The image encoder, and a head per attribute on its embedding."""

    def __init__(self, image_encoder: CLIPVisionModelWithProjection) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.heads = heads(image_encoder.config.projection_dim)

    def loss(self, pictures: torch.Tensor, truth: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean cross-entropy of all attributes, read from pictures (B, 3, px, px) in [-1, 1].

        `truth`: the class (B,) of each attribute, `IGNORE` where a picture does not show it.
        """
        embeds = self.image_encoder(pictures).image_embeds
        return torch.stack(
            [
                F.cross_entropy(head(embeds), truth[field], ignore_index=IGNORE)
                for field, head in self.heads.items()
                if (truth[field] != IGNORE).any()
            ]
        ).mean()


def drawn(data: LatentSet, truth: Truth, count: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Random small pictures (count, 3, px, px) in [-1, 1], moved and recoloured, and what they show."""
    device = data.small.device
    rows = torch.randint(0, len(data), (count,), device=device)
    pictures = small_pictures(data, rows, str(device))
    return recoloured(shifted(pictures, SHIFT), truth.of(rows), RECOLOURED)


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the encoder's stage; writes `encoder.pt` and `encoder.jsonl` under `work`."""
    p = preset.encoder
    torch.manual_seed(preset.seed)
    sight = Sight(build_image_encoder(preset)).to(device)
    descent = Descent("encoder", sight, p, work, preset)
    data = LatentSet(work).to(device)
    truth = Truth(data.portraits, device)
    torch.manual_seed(preset.seed + 15485863 * (descent.step * workers() + rank() + 1))
    for _ in descent.steps():
        pictures, shown = drawn(data, truth, p.batch // workers())
        with arithmetic(device, preset.bf16):
            loss = sight.loss(pictures, shown)
        descent.descend(loss)
        descent.log(lambda loss=loss: {"pictures": descent.step * p.batch, "loss": round(loss.item(), 4)})


def load_encoder(image_encoder: CLIPVisionModelWithProjection, work: Path) -> None:
    """Put this stage's averaged weights into the encoder, where it has been run."""
    if (work / "encoder.pt").exists():
        state = torch.load(work / "encoder.pt", map_location="cpu", weights_only=True)["states"]["ema"]
        Sight(image_encoder).load_state_dict(state)
