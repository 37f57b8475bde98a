"""Train what listens to character and style references: both adapters; all else is frozen.

The teacher is the same network told in words what a reference shows; the pupil is told by the reference alone
and learns to predict the same velocity. The difference between them is nothing but what the reference has to
say, so this needs far fewer pictures than the joint stage's loss, of which that is a hundredth part (compare
Hinton et al. 2015, arXiv 1503.02531). The image encoder has learnt to see before, and is not taught here.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from training.attributes import FIELDS
from training.captions import brief
from training.descent import Descent
from training.latents import LatentSet
from training.loop import arithmetic
from training.models import Adapters, PortraitModel, build_scheduler
from training.parallel import rank, workers
from training.presets import Preset
from training.samples import EMPTY_TEXT, NAMED, ZERO_REFERENCE, Mixer, Sample
from training.train_controlnet import trained_model
from training.train_encoder import load_encoder
from training.train_unet import small_pictures

SILENT = 0.1
EARLIEST = 250


def begin_with_words(model: PortraitModel) -> None:
    """Let references begin where words are: their keys and values start as the text's (as in IP-Adapter)."""
    modules = dict(model.unet.named_modules())
    for name, processor in model.unet.attn_processors.items():
        if not name.endswith("attn2.processor"):
            continue
        attention = modules[name.removesuffix(".processor")]
        for part, source in ((processor.to_k_ip, attention.to_k), (processor.to_v_ip, attention.to_v)):
            for layer in part:
                layer.weight.data.copy_(source.weight)


def load_references(model: PortraitModel, work: Path) -> None:
    """Put the averaged weights of the encoder and of this stage into the model, where they were run."""
    load_encoder(model.image_encoder, work)
    if (work / "adapters.pt").exists():
        state = torch.load(work / "adapters.pt", map_location="cpu", weights_only=True)["states"]["ema"]
        Adapters(model).load_state_dict(state)


def lesson(mixer: Mixer) -> tuple[Sample, str]:
    """A sample with references and the pupil's caption; the teacher's, which says what they show."""
    rng = mixer.rng
    sample = Sample(rng.randrange(len(mixer.data.portraits)), "")
    mixer.refer(sample)
    sample.zero_character = sample.zero_style = rng.random() < ZERO_REFERENCE
    told = mixer.told(sample)
    keep = 0.0 if rng.random() < SILENT else NAMED
    named = [f for f in FIELDS if f not in told and rng.random() < keep]
    portrait, wording = mixer.data.portraits[sample.target], rng.random()
    if rng.random() < EMPTY_TEXT:
        return sample, brief(portrait, [*told], rng) if told else ""
    sample.text = brief(portrait, named, random.Random(wording))
    return sample, brief(portrait, [*named, *told], random.Random(wording))


@torch.no_grad()
def embed_all(model: PortraitModel, data: LatentSet, device: str) -> torch.Tensor:
    """The embedding (N, D) of every picture of the set."""
    rows = torch.arange(len(data)).split(256)
    return torch.cat(
        [model.image_encoder(small_pictures(data, r.tolist(), device)).image_embeds for r in rows]
    )


def references(
    seen: torch.Tensor, picks: list[int | None], silent: list[bool]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (B, 1, D) of these rows of `seen`, zeros where absent or silent; the gate (B, 1, 1)."""
    rows = torch.tensor([pick or 0 for pick in picks], device=seen.device)
    there = torch.tensor([float(pick is not None) for pick in picks], device=seen.device).view(-1, 1, 1)
    heard = there * (1 - torch.tensor(silent, device=seen.device).float().view(-1, 1, 1))
    return seen[rows].unsqueeze(1) * heard, there


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the adapters' stage; writes `adapters.pt` and `adapters.jsonl` under `work`."""
    p = preset.adapters
    torch.manual_seed(preset.seed)
    model, tokenizer = trained_model(preset, work, device)
    load_encoder(model.image_encoder, work)
    begin_with_words(model)
    parts = Adapters(model).to(device).requires_grad_(True)
    model.unet.to(memory_format=torch.channels_last)
    descent = Descent("adapters", parts, p, work, preset)
    data, scheduler = LatentSet(work).to(device), build_scheduler()
    scaling, seen = data.scaling_factor(), embed_all(model, data, device)
    nothing = torch.zeros(p.batch // workers(), 1, seen.shape[1], device=device)
    seed = preset.seed + 104729 * (descent.step * workers() + rank() + 1)
    mixer = Mixer(data, seed)
    torch.manual_seed(seed)

    recent: list[float] = []

    def measures() -> dict[str, float]:
        row = {"samples": descent.step * p.batch, "taught": round(sum(recent) / len(recent), 5)}
        recent.clear()
        return row

    def words(texts: list[str]) -> torch.Tensor:
        ids = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return model.text_encoder(ids.to(device))[0]

    def predicted(
        noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor, embeds: list[torch.Tensor]
    ) -> torch.Tensor:
        return model.unet(noisy, t, text, added_cond_kwargs={"image_embeds": embeds}).sample.float()

    for _ in descent.steps():
        pairs = [lesson(mixer) for _ in range(p.batch // workers())]
        batch = [sample for sample, _ in pairs]
        clean = data.latents[[s.target for s in batch]].to(device).float() * scaling
        noise, t = torch.randn_like(clean), torch.randint(EARLIEST, 1000, (len(batch),), device=device)
        noisy = torch.cat([scheduler.add_noise(clean, noise, t), torch.zeros_like(clean)], dim=1)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        character, there_c = references(seen, [s.character for s in batch], [s.zero_character for s in batch])
        style, there_s = references(seen, [s.style for s in batch], [s.zero_style for s in batch])
        with arithmetic(device, preset.bf16):
            with torch.no_grad():
                text, full = words([s.text for s in batch]), words([said for _, said in pairs])
                model.gates[0].value = model.gates[1].value = torch.zeros_like(there_c)
                wanted = predicted(noisy, t, full, [nothing, nothing])
            model.gates[0].value, model.gates[1].value = there_c, there_s
            taught = F.mse_loss(predicted(noisy, t, text, [character, style]), wanted)
        descent.descend(taught)
        recent.append(taught.item())
        descent.log(measures)
