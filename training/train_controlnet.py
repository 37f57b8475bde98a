"""Train the ControlNet on edge maps, for the plain network, which stays frozen with the text encoder.

Half of the pictures come without words (as in Zhang et al. 2023, arXiv 2302.05543): beside a caption that
says it all, edges have little to add, and lose against a prompt that says something else. Edges are
`skimage.feature.canny(gray, sigma=1.0)` of the whole picture, white on black: the detector that users'
structure references go through too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from skimage.feature import canny
from transformers import CLIPTokenizer

from training.attributes import Portrait
from training.captions import caption
from training.compose import BackgroundBank
from training.corpus import FigureStore
from training.descent import Descent
from training.latents import LatentSet, Shot, shoot
from training.loop import arithmetic
from training.models import PortraitModel, build_controlnet, build_scheduler, plain_unet
from training.parallel import rank, workers
from training.presets import Preset
from training.samples import loader, tokens
from training.train_unet import stratified_timesteps

SILENT = 0.5


def edges(pictures: torch.Tensor) -> torch.Tensor:
    """Canny edges of pictures (N, 3, H, W) in [-1, 1]: uint8 0/1 of shape (N, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    gray = ((pictures.cpu().float() + 1) / 2 * weights).sum(1).numpy()
    return torch.from_numpy(np.stack([canny(g, sigma=1.0) for g in gray])).to(torch.uint8)


def edge_cache(preset: Preset, work: Path, data: LatentSet, count: int) -> tuple[list[int], torch.Tensor]:
    """Indices of `count` pictures of the latent set and their edge maps, computed once."""
    pick = random.Random(preset.seed).sample(range(len(data)), min(count, len(data)))
    path = work / f"edges{preset.px}.pt"
    if path.exists():
        maps = torch.load(path, weights_only=True)
        if len(maps) == len(pick):
            return pick, maps
    store = FigureStore(work / "corpus" / f"figures{preset.px}.npy", preset.px)
    bank = BackgroundBank(preset.px, cache=work / f"grounds{preset.px}.npy")
    shots = [data.shots[i] for i in pick]
    parts = [(shots[i : i + 64], store, bank) for i in range(0, len(shots), 64)]
    if preset.loaders:  # as many processes as there are to spare
        with Pool(preset.loaders) as pool:
            maps = torch.cat(pool.starmap(_outlined, parts))
    else:
        maps = torch.cat([_outlined(*part) for part in parts])
    if rank() == 0:
        torch.save(maps, path)
    return pick, maps


def _outlined(shots: list[Shot], store: FigureStore, bank: BackgroundBank) -> torch.Tensor:
    torch.set_num_threads(1)
    return edges(shoot(shots, store, bank, "cpu"))


def hints(
    portraits: list[Portrait], tokenizer: CLIPTokenizer, size: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches of `size`: places (B,) in `portraits`, and the token ids (B, 77) of their captions."""
    rng = random.Random(seed)
    while True:
        rows = rng.sample(range(len(portraits)), size)
        texts = ["" if rng.random() < SILENT else caption(portraits[r], rng) for r in rows]
        yield torch.tensor(rows), tokens(tokenizer, texts)


def trained_model(preset: Preset, work: Path, device: str) -> tuple[PortraitModel, CLIPTokenizer]:
    """The joint stage's averaged weights, frozen, with the tokenizer they were trained with."""
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    model = PortraitModel(preset, tokenizer)
    state = torch.load(work / "unet.pt", map_location="cpu", weights_only=True)["states"]["ema"]
    model.load_state_dict(state)
    return model.to(device).requires_grad_(False).eval(), tokenizer


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the ControlNet stage; writes `controlnet.pt` and `controlnet.jsonl` under `work`."""
    p = preset.controlnet
    torch.manual_seed(preset.seed + rank())
    model, tokenizer = trained_model(preset, work, device)
    unet = plain_unet(model.unet).to(device, memory_format=torch.channels_last).requires_grad_(False)
    net = (
        build_controlnet(preset, model.unet)
        .to(device, memory_format=torch.channels_last)
        .requires_grad_(True)
    )
    descent = Descent("controlnet", net, p, work, preset)
    data, scheduler = LatentSet(work), build_scheduler()
    scaling = data.scaling_factor()
    pick, maps = edge_cache(preset, work, data, p.pictures)
    latents, maps = data.latents[pick].to(device), maps.to(device)
    seed = preset.seed + 31 * (descent.step * workers() + rank())
    draw = partial(hints, [data.portraits[i] for i in pick], tokenizer, p.batch // workers())
    ready = loader(draw, seed, min(4, preset.loaders))
    for _ in descent.steps():
        rows, ids = (part.to(device) for part in next(ready))
        clean = latents[rows].float() * scaling
        hint = maps[rows].float().unsqueeze(1).expand(-1, 3, -1, -1)
        with torch.no_grad():
            text = model.text_encoder(ids)[0]
        noise, t = torch.randn_like(clean), stratified_timesteps(scheduler, len(rows), device)
        noisy = scheduler.add_noise(clean, noise, t).contiguous(memory_format=torch.channels_last)
        with arithmetic(device, preset.bf16):
            down, mid = net(noisy, t, text, hint, return_dict=False)
            out = unet(
                noisy, t, text, down_block_additional_residuals=down, mid_block_additional_residual=mid
            ).sample
        loss = F.mse_loss(out.float(), scheduler.get_velocity(clean, noise, t))
        descent.descend(loss)
        descent.log(lambda loss=loss: {"samples": descent.step * p.batch, "loss": round(loss.item(), 4)})
