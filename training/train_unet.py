"""Train the network and the text encoder in one run, on latents.

The network sees noisy latents beside source latents, just as diffusers' InstructPix2Pix pipeline feeds them:
the source is the autoencoder's mean *without* the scaling factor, and zeros where there is no source.
References are left to a later stage: the adapters lie in the network already, switched off.
"""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import DDIMScheduler
from transformers import CLIPTokenizer

from training.descent import Descent
from training.latents import LatentSet
from training.loop import arithmetic
from training.models import ADAPTERS, Adapters, PortraitModel, build_scheduler
from training.parallel import rank, workers
from training.presets import Preset
from training.reader import Truth
from training.samples import Batch, batches, loader
from training.shapes import CUT, SHAPES
from training.tokenizer import build as build_tokenizer
from training.train_critic import Critic, trained_critic, unseen

OTHERS = 0.5
CHANGED = 0.3
FACE = 3.0


def stratified_timesteps(scheduler: DDIMScheduler, n: int, device: str) -> torch.Tensor:
    """n timesteps in 0..999, one from each of n equal slices of their distribution, in random order.

    A timestep comes up in proportion to 1 / (1 + SNR / 5): what a picture shows is decided where there is
    much noise, and a network that has seen few pictures must learn that first (compare min-SNR-5, Hang et
    al. 2023, arXiv 2303.09556).
    """
    signal = scheduler.alphas_cumprod
    weights = 1 / (1 + signal / (1 - signal) / 5)
    shares = weights.cumsum(0) / weights.sum()
    slices = (torch.randperm(n, device=device) + torch.rand(n, device=device)) / n
    return torch.searchsorted(shares.to(device), slices).clamp(max=len(shares) - 1)


def change_weights(clean: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Weights (B, 1, h, w), mean 1 a sample, that count the cells an edit changes as much as all the others.

    Both latents (B, C, h, w) are scaled. Most of an edit is copying, and a new expression is a sixteenth
    of the picture: without this it hardly counts. A changed cell counts 4 to 20 times as much as another.
    """
    changed = ((clean - source).abs().mean(dim=1, keepdim=True) > CHANGED).float()
    share = changed.mean(dim=(1, 2, 3), keepdim=True)
    weights = 1 + changed * ((1 - share) / share.clamp(min=1e-3)).clamp(3, 19)
    return weights / weights.mean(dim=(1, 2, 3), keepdim=True)


def face_weights(like: torch.Tensor) -> torch.Tensor:
    """Weights (B, 1, h, w), mean 1, that count the middle of the picture, where the face is, three times."""
    batch, _, height, width = like.shape
    weights = like.new_ones(batch, 1, height, width)
    weights[:, :, height // 4 : height * 13 // 16, width // 4 : width * 13 // 16] = FACE
    return weights / weights.mean(dim=(1, 2, 3), keepdim=True)


def velocity_loss(
    model: PortraitModel,
    data: LatentSet,
    batch: Batch,
    scheduler: DDIMScheduler,
    scaling: float,
    critic: Critic | None = None,
    truth: Truth | None = None,
) -> torch.Tensor:
    """Weighted mean squared error of the predicted velocity, one value per sample (B,).

    With a critic, what it cannot read in the predicted picture counts, too. Nothing in it waits for a
    graphics card: the processor can be steps ahead.
    """
    device = str(batch.ids.device)
    edit = (batch.source >= 0).view(-1, 1, 1, 1)
    clean = data.latents[batch.target.to(data.latents.device)].to(device).float() * scaling
    source = data.latents[batch.source.clamp(min=0).to(data.latents.device)].to(device).float() * edit
    weights = torch.where(edit, change_weights(clean, source * scaling), face_weights(clean))
    noise, t = torch.randn_like(clean), stratified_timesteps(scheduler, len(clean), device)
    noisy = scheduler.add_noise(clean, noise, t)
    text = model.text_encoder(batch.ids)[0]
    silent = torch.zeros(len(clean), 1, model.image_encoder.config.projection_dim, device=device)
    inputs = torch.cat([noisy, source], dim=1).contiguous(memory_format=torch.channels_last)
    out = model.unet(inputs, t, text, added_cond_kwargs={"image_embeds": [silent, silent]}).sample
    target = scheduler.get_velocity(clean, noise, t)
    losses = (weights * F.mse_loss(out.float(), target, reduction="none")).mean(dim=(1, 2, 3))
    if critic is None or truth is None:
        return losses
    shown = truth.only(batch.target, batch.told)
    return losses + unseen(critic, noisy, out.float(), t, scheduler, shown)


def silence(model: PortraitModel) -> None:
    """Switch off, and leave as it is, what reads references."""
    adapters = Adapters(model).requires_grad_(False)
    model.image_encoder.requires_grad_(False)
    for processor in adapters.attention:
        processor.scale = [0.0] * len(ADAPTERS)


class Turns:
    """Batches of squares in half of the steps, of another set in the others, the same in all workers."""

    def __init__(self, preset: Preset, work: Path, device: str, tokenizer: CLIPTokenizer, seed: int) -> None:
        self.seed = preset.seed
        others = [*other_shapes(work), *only_edited(work)]
        self.sets = [LatentSet(work), *(data for data, _ in others)]
        size = preset.unet.batch // workers()
        loaders = (preset.loaders, *[min(1, preset.loaders)] * len(others))
        self.batches = [
            loader(partial(batches, data.notes, tokenizer, size, edits_only), seed, count)
            for data, edits_only, count in zip(
                self.sets, (False, *(flag for _, flag in others)), loaders, strict=True
            )
        ]
        for data in self.sets:
            data.to(device)

    def next(self, step: int) -> tuple[int, Batch]:
        """Which of the sets it is (0: squares), and a batch of it."""
        turn, which = random.Random(self.seed * 1_000_003 + step), 0
        if len(self.sets) > 1 and turn.random() < OTHERS:
            which = turn.randrange(1, len(self.sets))
        return which, next(self.batches[which])


def other_shapes(work: Path) -> list[tuple[LatentSet, bool]]:
    """The latents of every shape beside the square, where they have been encoded; not for edits alone."""
    there = [name for name in SHAPES if (work / f"latents-{name}").exists()]
    sets = {name: LatentSet(work, f"latents-{name}") for name in there}
    return [(data, False) for data in (*sets.values(), *(sets[name].cut(*CUT[name]) for name in there))]


def only_edited(work: Path) -> list[tuple[LatentSet, bool]]:
    """The latents of pictures that an artist might bring: figures elsewhere, and of other designs."""
    kinds = {"latents-moved": "corpus", "latents-guests": "guests"}
    return [(LatentSet(work, k, figures), True) for k, figures in kinds.items() if (work / k).exists()]


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the joint stage; writes `unet.pt` and `unet.jsonl` under `work`."""
    p = preset.unet
    torch.manual_seed(preset.seed)
    tokenizer = build_tokenizer(work / "tokenizer") if rank() == 0 or workers() == 1 else None
    tokenizer = tokenizer or CLIPTokenizer.from_pretrained(_wait_for(work / "tokenizer"))
    model = PortraitModel(preset, tokenizer).to(device)
    model.unet.to(memory_format=torch.channels_last)
    silence(model)
    scheduler = build_scheduler()
    descent = Descent("unet", model, p, work, preset)
    seed = preset.seed + 7919 * (descent.step * workers() + rank())
    turns = Turns(preset, work, device, tokenizer, seed)
    data = turns.sets[0]
    scaling, critic = data.scaling_factor(), trained_critic(work, data, device)
    truth = Truth(data.portraits, device)
    torch.manual_seed(seed)
    recent: list[tuple[torch.Tensor, torch.Tensor]] = []

    def measures() -> dict[str, float]:
        row = {"samples": descent.step * p.batch, **_by_kind(recent)}
        recent.clear()
        return row

    for _ in descent.steps():
        which, batch = turns.next(descent.step)
        batch = batch.to(device)
        with arithmetic(device, preset.bf16):
            losses = velocity_loss(
                model, turns.sets[which], batch, scheduler, scaling, None if which else critic, truth
            )
        descent.descend(losses.mean())
        if rank() == 0 and not which:
            recent.append((losses.detach(), batch.source >= 0))
        descent.log(measures)


def _wait_for(folder: Path, seconds: float = 60) -> Path:
    end = time.monotonic() + seconds
    while not (folder / "merges.txt").exists() and time.monotonic() < end:
        time.sleep(0.2)
    return folder


def _by_kind(recent: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, float]:
    """The mean loss of edits and of captions."""
    if not recent:
        return {}
    losses, edits = (torch.cat(parts) for parts in zip(*recent, strict=True))
    kinds = {"edit": losses[edits], "text": losses[~edits]}
    return {name: round(float(part.mean()), 4) for name, part in kinds.items() if len(part)}
