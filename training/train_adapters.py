"""Train what listens to character and style references: image encoder and both adapters; all else is frozen.

The teacher is the same network told in words what a reference shows; the pupil is told by the reference alone
and learns to predict the same velocity. The difference between them is nothing but what the reference has to
say, so this needs far fewer pictures than the joint stage's loss, of which that is a hundredth part (compare
Hinton et al. 2015, arXiv 1503.02531). Meanwhile the image encoder learns to tell the attributes apart.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from training.attributes import FIELDS, Portrait
from training.captions import brief
from training.descent import Descent
from training.latents import LatentSet
from training.loop import device_of
from training.models import PortraitModel, build_scheduler
from training.parallel import rank, workers
from training.presets import Preset
from training.reader import CLASSES, IGNORE, labels
from training.samples import NAMED, ZERO_REFERENCE, Mixer, Sample
from training.train_controlnet import trained_model
from training.train_unet import reference_embeddings, small_pictures

SILENT = 0.1
EARLIEST = 250
DISTILLED = 20.0


class Adapters(torch.nn.Module):
    """What of `model` is trained here, and one head per attribute that is thrown away afterwards."""

    def __init__(self, model: PortraitModel) -> None:
        super().__init__()
        self.image_encoder = model.image_encoder
        self.projections = model.unet.encoder_hid_proj
        processors = model.unet.attn_processors.items()
        self.attention = torch.nn.ModuleList(p for n, p in processors if n.endswith("attn2.processor"))
        width = model.image_encoder.config.projection_dim
        self.heads = torch.nn.ModuleDict({f: torch.nn.Linear(width, len(c)) for f, c in CLASSES.items()})


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


def load_adapters(model: PortraitModel, work: Path) -> None:
    """Put this stage's averaged weights into the model, where it has been run."""
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
    sample.text = brief(portrait, named, random.Random(wording))
    return sample, brief(portrait, [*named, *told], random.Random(wording))


def attribute_loss(parts: Adapters, pictures: torch.Tensor, portraits: list[Portrait]) -> torch.Tensor:
    """Mean cross-entropy of all attributes, read from pictures (B, 3, px, px) in [-1, 1]."""
    embeds = parts.image_encoder(pictures).image_embeds
    truth = [labels(p) for p in portraits]
    losses = []
    for field, head in parts.heads.items():
        wanted = torch.tensor([t[field] for t in truth], device=embeds.device)
        if (wanted != IGNORE).any():
            losses.append(F.cross_entropy(head(embeds), wanted, ignore_index=IGNORE))
    return torch.stack(losses).mean()


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the adapters' stage; writes `adapters.pt` and `adapters.jsonl` under `work`."""
    p = preset.adapters
    torch.manual_seed(preset.seed)
    model, tokenizer = trained_model(preset, work, device)
    begin_with_words(model)
    parts = Adapters(model).to(device).requires_grad_(True)
    model.unet.to(memory_format=torch.channels_last)
    descent = Descent("adapters", parts, p, work, preset.checkpoint_seconds)
    data, scheduler = LatentSet(work).to(device), build_scheduler()
    scaling = data.scaling_factor()
    seed = preset.seed + 104729 * (descent.step * workers() + rank() + 1)
    mixer = Mixer(data, seed)
    torch.manual_seed(seed)

    def words(texts: list[str]) -> torch.Tensor:
        ids = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return model.text_encoder(ids.to(device))[0]

    for _ in descent.steps():
        pairs = [lesson(mixer) for _ in range(p.batch // workers())]
        batch = [sample for sample, _ in pairs]
        clean = data.latents[[s.target for s in batch]].to(device).float() * scaling
        noise, t = torch.randn_like(clean), torch.randint(EARLIEST, 1000, (len(batch),), device=device)
        noisy = torch.cat([scheduler.add_noise(clean, noise, t), torch.zeros_like(clean)], dim=1)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with device_of(device).autocast(preset.bf16):
            with torch.no_grad():
                text, full = words([s.text for s in batch]), words([said for _, said in pairs])
                wanted = _predicted(model, data, [], noisy, t, full)
            taught = F.mse_loss(_predicted(model, data, batch, noisy, t, text), wanted)
            rows = [mixer.rng.randrange(len(data)) for _ in range(p.pictures // workers())]
            pictures = small_pictures(data, rows, device)
            told = attribute_loss(parts, pictures, [data.portraits[i] for i in rows])
        descent.descend(DISTILLED * taught + told)
        row = {
            "samples": descent.step * p.batch,
            "taught": round(taught.item(), 5),
            "told": round(told.item(), 4),
        }
        descent.log(lambda row=row: row)


def _predicted(
    model: PortraitModel,
    data: LatentSet,
    batch: list[Sample],
    noisy: torch.Tensor,
    t: torch.Tensor,
    text: torch.Tensor,
) -> torch.Tensor:
    """The network's velocity (B, C, h, w), with the references of `batch`; without any where it is empty."""
    absent = [None] * len(noisy)
    silent = [s.zero_character for s in batch] or [False] * len(noisy)
    embeds = []
    for gate, picks in zip(
        model.gates, ([s.character for s in batch], [s.style for s in batch]), strict=True
    ):
        each, gate.value = reference_embeddings(model, data, picks or absent, silent, str(noisy.device))
        embeds.append(each)
    return model.unet(noisy, t, text, added_cond_kwargs={"image_embeds": embeds}).sample.float()
