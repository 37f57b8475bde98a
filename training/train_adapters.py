"""Train what listens to character and style references: both adapters; all else is frozen.

The teacher is the same network told in words what a reference shows; the pupil is told by the reference alone
and learns to predict the same velocity. The difference between them is nothing but what the reference has to
say, so this needs far fewer pictures than a plain loss, of which that is a hundredth part (compare Hinton et
al. 2015, arXiv 1503.02531). The critic reads over the pupil's shoulder: what a reference shows must be
readable in what is about to be drawn. The image encoder has learnt to see before, and is not taught here.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812

from training.attributes import FIELDS
from training.captions import asked, brief
from training.descent import Descent
from training.latents import LatentSet, small_pictures
from training.loop import arithmetic
from training.models import Adapters, PortraitModel, build_scheduler
from training.parallel import rank, workers
from training.presets import Preset
from training.reader import Truth
from training.samples import EMPTY_TEXT, NAMED, ZERO_REFERENCE, Mixer, Sample
from training.train_controlnet import trained_model
from training.train_critic import trained_critic, unseen
from training.train_encoder import load_encoder

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
    """A sample with references and the pupil's caption; the teacher's, which says what they show.

    Both are always told the expression, by the reference or in words: left open, mouths come out smudged.
    """
    rng = mixer.rng
    sample = Sample(rng.randrange(len(mixer.data.portraits)), "")
    mixer.refer(sample)
    sample.zero_character = sample.zero_style = rng.random() < ZERO_REFERENCE
    told = mixer.told(sample)
    keep = 0.0 if rng.random() < SILENT else NAMED
    named = [f for f in FIELDS if f not in told and (rng.random() < keep or f == "expression")]
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


class Classroom:
    """Teacher and pupil, which are the same network, with all that a lesson needs."""

    def __init__(self, preset: Preset, work: Path, device: str) -> None:
        self.device = device
        self.model, self.tokenizer = trained_model(preset, work, device)
        load_encoder(self.model.image_encoder, work)
        begin_with_words(self.model)
        self.model.unet.to(memory_format=torch.channels_last)
        self.data, self.scheduler = LatentSet(work).to(device), build_scheduler()
        self.scaling, self.seen = self.data.scaling_factor(), embed_all(self.model, self.data, device)
        self.critic, self.truth = trained_critic(work, self.data, device), Truth(self.data.portraits, device)

    def words(self, texts: list[str]) -> torch.Tensor:
        """What the text encoder makes of these texts (B, 77, D)."""
        ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return self.model.text_encoder(ids.to(self.device))[0]

    def predicted(
        self, noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor, embeds: list[torch.Tensor]
    ) -> torch.Tensor:
        """The network's velocity (B, C, h, w) for noisy latents without a source picture."""
        inputs = torch.cat([noisy, torch.zeros_like(noisy)], dim=1).contiguous(
            memory_format=torch.channels_last
        )
        return self.model.unet(inputs, t, text, added_cond_kwargs={"image_embeds": embeds}).sample.float()

    def teach(self, mixer: Mixer, pairs: list[tuple[Sample, str]]) -> tuple[torch.Tensor, torch.Tensor]:
        """How far the pupil is from its teacher, and what the critic cannot read in the pupil's picture."""
        batch = [sample for sample, _ in pairs]
        rows = torch.tensor([s.target for s in batch], device=self.device)
        clean = self.data.latents[rows].to(self.device).float() * self.scaling
        noise, t = torch.randn_like(clean), torch.randint(EARLIEST, 1000, (len(batch),), device=self.device)
        noisy = self.scheduler.add_noise(clean, noise, t)
        character, there_c = references(
            self.seen, [s.character for s in batch], [s.zero_character for s in batch]
        )
        style, there_s = references(self.seen, [s.style for s in batch], [s.zero_style for s in batch])
        gates, nothing = self.model.gates, torch.zeros_like(character)
        with torch.no_grad():
            text, full = self.words([s.text for s in batch]), self.words([said for _, said in pairs])
            gates[0].value = gates[1].value = torch.zeros_like(there_c)
            wanted = self.predicted(noisy, t, full, [nothing, nothing])
        gates[0].value, gates[1].value = there_c, there_s
        velocity = self.predicted(noisy, t, text, [character, style])
        taught = F.mse_loss(velocity, wanted)
        if self.critic is None:
            return taught, torch.zeros_like(taught)
        portraits = self.data.portraits
        fields: list[set[str] | None] = [
            mixer.told(s) | set(asked(portraits[s.target], s.text)) for s in batch
        ]
        shown = self.truth.only(rows, fields)
        return taught, unseen(self.critic, noisy, velocity, t, self.scheduler, shown).mean()


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the adapters' stage; writes `adapters.pt` and `adapters.jsonl` under `work`."""
    p = preset.adapters
    torch.manual_seed(preset.seed)
    room = Classroom(preset, work, device)
    parts = Adapters(room.model).to(device).requires_grad_(True)
    descent = Descent("adapters", parts, p, work, preset)
    seed = preset.seed + 104729 * (descent.step * workers() + rank() + 1)
    mixer = Mixer(room.data, seed)
    torch.manual_seed(seed)
    recent: list[tuple[float, float]] = []

    def measures() -> dict[str, float]:
        taught, unread = (round(sum(values) / len(recent), 5) for values in zip(*recent, strict=True))
        recent.clear()
        return {"samples": descent.step * p.batch, "taught": taught, "unread": unread}

    for _ in descent.steps():
        pairs = [lesson(mixer) for _ in range(p.batch // workers())]
        with arithmetic(device, preset.bf16):
            taught, unread = room.teach(mixer, pairs)
        descent.descend(taught + unread)
        recent.append((taught.item(), unread.item()))
        descent.log(measures)
