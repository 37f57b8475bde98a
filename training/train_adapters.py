"""Train what listens to character and style references: both adapters; all else is frozen.

The teacher is the same network told in words what a reference shows; the pupil is told by the reference alone
and learns to predict the same velocity. The difference between them is nothing but what the reference has to
say, so this needs far fewer pictures than a plain loss, of which that is a hundredth part (compare Hinton et
al. 2015, arXiv 1503.02531). The critic reads over the pupil's shoulder: what a reference shows must be
readable in what is about to be drawn. That counts double: at half of it expressions hardly came across. The
image encoder has learnt to see before, and is not taught here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from transformers import CLIPTokenizer

from training.attributes import FIELDS
from training.captions import asked, brief
from training.descent import Descent
from training.latents import LatentSet, Notes, small_pictures
from training.loop import arithmetic
from training.models import Adapters, PortraitModel, build_scheduler
from training.parallel import rank, workers
from training.presets import Preset
from training.reader import Truth, marked
from training.samples import EMPTY_TEXT, NAMED, ZERO_REFERENCE, Mixer, Sample, Tensors, loader, places, tokens
from training.train_controlnet import trained_model
from training.train_critic import trained_critic, unseen
from training.train_encoder import load_encoder
from training.train_unet import face_weights

SILENT = 0.1
THOROUGH = 0.5
UNREAD = 2.0
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

    Both are always told the expression, by the reference or in words: left open, mouths come out smudged. In
    half of the lessons all is told that the reference does not show.
    """
    rng = mixer.rng
    sample = Sample(rng.randrange(len(mixer.data.portraits)), "")
    mixer.refer(sample)
    sample.zero_character = sample.zero_style = rng.random() < ZERO_REFERENCE
    told = mixer.told(sample)
    keep = 0.0 if rng.random() < SILENT else 1.0 if rng.random() < THOROUGH else NAMED
    named = [f for f in FIELDS if f not in told and (rng.random() < keep or f == "expression")]
    portrait, wording = mixer.data.portraits[sample.target], rng.random()
    if rng.random() < EMPTY_TEXT:
        return sample, brief(portrait, [*told], rng) if told else ""
    sample.text = brief(portrait, named, random.Random(wording))
    return sample, brief(portrait, [*named, *told], random.Random(wording))


@dataclass
class Lessons(Tensors):
    """What the pupil learns from at once, as tensors that a loader's worker has made ready.

    `target`, `character`, `style`: indices (B,) into the latent set, -1 for none; `silent`: whether
    an empty reference takes the place of each (B, 2); `ids`, `full_ids`: what pupil and teacher are told
    (B, 77); `shown`: the attributes (B, attributes) that must show.
    """

    target: torch.Tensor
    character: torch.Tensor
    style: torch.Tensor
    silent: torch.Tensor
    ids: torch.Tensor
    full_ids: torch.Tensor
    shown: torch.Tensor

    @classmethod
    def of(cls, pairs: list[tuple[Sample, str]], mixer: Mixer, tokenizer: CLIPTokenizer) -> Lessons:
        """These samples, each with its teacher's caption."""
        samples, portraits = [sample for sample, _ in pairs], mixer.data.portraits
        return cls(
            torch.tensor([s.target for s in samples]),
            places([s.character for s in samples]),
            places([s.style for s in samples]),
            torch.tensor([[s.zero_character, s.zero_style] for s in samples]),
            tokens(tokenizer, [s.text for s in samples]),
            tokens(tokenizer, [said for _, said in pairs]),
            marked([mixer.told(s) | set(asked(portraits[s.target], s.text)) for s in samples]),
        )


def lessons(data: Notes, tokenizer: CLIPTokenizer, size: int, seed: int) -> Iterator[Lessons]:
    """Endless batches of `size` lessons from `data`."""
    mixer = Mixer(data, seed)
    while True:
        yield Lessons.of([lesson(mixer) for _ in range(size)], mixer, tokenizer)


@torch.no_grad()
def embed_all(model: PortraitModel, data: LatentSet, device: str) -> torch.Tensor:
    """The embedding (N, D) of every picture of the set."""
    rows = torch.arange(len(data)).split(256)
    return torch.cat([model.image_encoder(small_pictures(data, r, device)).image_embeds for r in rows])


def references(
    seen: torch.Tensor, picks: torch.Tensor, silent: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (B, 1, D) of these rows of `seen`, zeros where absent or silent; the gate (B, 1, 1)."""
    there = (picks >= 0).float().view(-1, 1, 1)
    heard = there * (~silent).float().view(-1, 1, 1)
    return seen[picks.clamp(min=0)].unsqueeze(1) * heard, there


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

    def words(self, ids: torch.Tensor) -> torch.Tensor:
        """What the text encoder makes of these token ids (B, 77): (B, 77, D)."""
        return self.model.text_encoder(ids)[0]

    def predicted(
        self, noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor, embeds: list[torch.Tensor]
    ) -> torch.Tensor:
        """The network's velocity (B, C, h, w) for noisy latents without a source picture."""
        inputs = torch.cat([noisy, torch.zeros_like(noisy)], dim=1).contiguous(
            memory_format=torch.channels_last
        )
        return self.model.unet(inputs, t, text, added_cond_kwargs={"image_embeds": embeds}).sample.float()

    def teach(self, lessons: Lessons) -> tuple[torch.Tensor, torch.Tensor]:
        """How far the pupil is from its teacher, and what the critic cannot read in the pupil's picture."""
        clean = self.data.latents[lessons.target].float() * self.scaling
        noise = torch.randn_like(clean)
        t = torch.randint(EARLIEST, 1000, (len(clean),), device=self.device)
        noisy = self.scheduler.add_noise(clean, noise, t)
        character, there_c = references(self.seen, lessons.character, lessons.silent[:, 0])
        style, there_s = references(self.seen, lessons.style, lessons.silent[:, 1])
        gates, nothing = self.model.gates, torch.zeros_like(character)
        with torch.no_grad():
            text, full = self.words(lessons.ids), self.words(lessons.full_ids)
            gates[0].value = gates[1].value = torch.zeros_like(there_c)
            wanted = self.predicted(noisy, t, full, [nothing, nothing])
        gates[0].value, gates[1].value = there_c, there_s
        velocity = self.predicted(noisy, t, text, [character, style])
        taught = (face_weights(clean) * F.mse_loss(velocity, wanted, reduction="none")).mean()
        if self.critic is None:
            return taught, torch.zeros_like(taught)
        shown = self.truth.only(lessons.target, lessons.shown)
        return taught, unseen(self.critic, noisy, velocity, t, self.scheduler, shown).mean()


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the adapters' stage; writes `adapters.pt` and `adapters.jsonl` under `work`."""
    p = preset.adapters
    torch.manual_seed(preset.seed)
    room = Classroom(preset, work, device)
    parts = Adapters(room.model).to(device).requires_grad_(True)
    descent = Descent("adapters", parts, p, work, preset)
    seed = preset.seed + 104729 * (descent.step * workers() + rank() + 1)
    draw = partial(lessons, room.data.notes, room.tokenizer, p.batch // workers())
    ready = loader(draw, seed, preset.loaders)
    torch.manual_seed(seed)
    recent: list[tuple[torch.Tensor, torch.Tensor]] = []

    def measures() -> dict[str, float]:
        taught, unread = (round(float(torch.stack(x).mean()), 5) for x in zip(*recent, strict=True))
        recent.clear()
        return {"samples": descent.step * p.batch, "taught": taught, "unread": unread}

    for _ in descent.steps():
        now = next(ready).to(device)
        with arithmetic(device, preset.bf16):
            taught, unread = room.teach(now)
        descent.descend(taught + UNREAD * unread)
        recent.append((taught.detach(), unread.detach()))
        descent.log(measures)
