"""Sizes and schedules of the ways to train: `cpu` (two cores), `gpu` (at 256 px, on one card), `gpu-short`.

The last goes on, on one card, from weights that `cpu` made, for twelve minutes in all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class AutoencoderPreset:
    """Shape and schedule of the autoencoder stage. `crop_until` is the share of steps spent on crops.

    `grown_from`: a shallower autoencoder that is trained first and gives the outer levels their start.
    """

    channels: tuple[int, ...] = (12, 16, 48)
    layers: int = 1
    latent_channels: int = 8
    groups: int = 1
    px: int = 128
    figures: str = "corpus/figures128.npy"
    held_out: int = 300
    crop: int = 64
    crop_batch: int = 10
    batch: int = 4
    crop_until: float = 0.0
    steps: int = 9000
    minutes: float = 42.0
    warmup: int = 30
    lr: float = 2e-2
    ema: float = 0.98
    noise: float = 0.05
    decay: float = 1e-3
    grown_from: AutoencoderPreset | None = None

    @property
    def factor(self) -> int:
        """How many pixels one latent cell is wide."""
        return int(2 ** (len(self.channels) - 1))


@dataclass(frozen=True)
class UnetPreset:
    """Shape of the network, both encoders and both adapters, and schedule of the joint stage."""

    channels: tuple[int, ...] = (96, 192)
    layers: int = 1
    attention: tuple[int, ...] = (1,)
    groups: int = 2
    text_width: int = 160
    text_layers: int = 2
    image_px: int = 64
    image_patch: int = 8
    image_width: int = 128
    image_layers: int = 2
    batch: int = 32
    steps: int = 12000
    minutes: float = 343.0
    warmup: int = 30
    lr: float = 1.5e-2
    ema: float = 0.996


@dataclass(frozen=True)
class StagePreset:
    """Schedule of a stage that has no settings of its own."""

    batch: int
    steps: int
    minutes: float
    warmup: int
    lr: float = 1e-2
    ema: float = 0.99


@dataclass(frozen=True)
class ControlNetPreset:
    """Schedule of the ControlNet stage; `hint_channels` has one entry per level of the autoencoder."""

    hint_channels: tuple[int, ...] = (16, 32, 64, 96)
    pictures: int = 2500
    batch: int = 16
    steps: int = 6000
    minutes: float = 51.0
    warmup: int = 20
    lr: float = 1e-2
    ema: float = 0.98


@dataclass(frozen=True)
class ReaderPreset:
    """Schedule of the attribute reader that measures generated pictures."""

    batch: int = 48
    steps: int = 4500
    minutes: float = 20.0
    warmup: int = 50
    lr: float = 2e-3


@dataclass(frozen=True)
class EnlargerPreset:
    """Shape and schedule of the enlarger: `factor` times larger, `layers` hidden convolutions of `width`.

    `crop` is the side of the small training squares; `portraits` and `drawings` are how many are rendered.
    """

    factor: int = 4
    width: int = 64
    layers: int = 12
    portraits: int = 3700
    drawings: int = 840
    crop: int = 48
    batch: int = 8
    steps: int = 60000
    minutes: float = 100.0
    warmup: int = 50
    lr: float = 1e-2
    ema: float = 0.995
    polish: float = 0.6
    sharpen: float = 2.5


@dataclass(frozen=True)
class Preset:
    """Everything one training run needs to know; `px` is the side of the square pictures.

    `styles` are the designs the model draws in; `guests` those of which it only learns to edit pictures, and
    `strangers` those it never sees, to measure edits of foreign pictures with.

    `cases`, `pictures`: how many tries a measure rests on, and how many the Fréchet distance of a mode does;
    `real_pictures`: how many real ones it compares them with.
    """

    name: str = "cpu"
    px: int = 128
    seed: int = 1
    bf16: bool = False
    device: str = "cpu"
    workers: int = 2
    loaders: int = 0
    styles: tuple[str, ...] = ("toon", "bold line", "ink", "flat vector", "paper cut", "storybook")
    guests: tuple[str, ...] = ("peep", "big smile", "dylan")
    strangers: tuple[str, ...] = ("mini",)
    corpus_identities: int = 2000
    identities: int = 1900
    shaped_identities: int = 500
    moved_identities: int = 400
    guest_identities: int = 400
    stranger_identities: int = 60
    checkpoint_seconds: float = 150.0
    autoencoder: AutoencoderPreset = field(
        default_factory=lambda: AutoencoderPreset(
            channels=(12, 16, 48, 128),
            latent_channels=16,
            batch=8,
            minutes=120.0,
            lr=1e-2,
            grown_from=AutoencoderPreset(),
        )
    )
    unet: UnetPreset = field(default_factory=UnetPreset)
    critic: StagePreset = StagePreset(batch=256, steps=20000, minutes=3.0, warmup=50)
    encoder: StagePreset = StagePreset(batch=128, steps=20000, minutes=24.0, warmup=50)
    adapters: StagePreset = StagePreset(batch=32, steps=6000, minutes=60.0, warmup=20)
    controlnet: ControlNetPreset = field(default_factory=ControlNetPreset)
    enlarger: EnlargerPreset = field(default_factory=EnlargerPreset)
    reader: ReaderPreset = field(default_factory=ReaderPreset)
    cases: int = 48
    pictures: int = 1000
    real_pictures: int = 1000


CPU = Preset()
GPU = replace(
    CPU,
    name="gpu",
    px=256,
    bf16=True,
    device="cuda",
    workers=1,
    loaders=8,
    corpus_identities=7000,
    identities=6000,
    shaped_identities=3000,
    moved_identities=3000,
    guest_identities=1500,
    autoencoder=replace(
        CPU.autoencoder, channels=(32, 64, 96, 128), latent_channels=12, groups=4, px=256,
        figures="corpus/figures256.npy", crop=128, crop_batch=48, batch=16, crop_until=0.5, steps=12000,
        minutes=7.0, ema=0.995, lr=2e-2, grown_from=None,
    ),
    unet=replace(
        CPU.unet, channels=(64, 128, 192), attention=(1, 2), groups=16, text_width=192, text_layers=3,
        image_width=192, image_layers=3, batch=192, steps=30000, minutes=14.0, warmup=200, ema=0.9985,
    ),
    encoder=replace(CPU.encoder, batch=512, minutes=2.0),
    adapters=replace(CPU.adapters, batch=192, steps=8000, minutes=4.0, ema=0.995),
    controlnet=replace(
        CPU.controlnet, hint_channels=(16, 32, 64, 96), pictures=12000, batch=128, steps=8000, minutes=4.0
    ),
    reader=replace(CPU.reader, batch=128, steps=6000, minutes=4.0),
    cases=200,
)  # fmt: skip
GPU_SHORT = replace(
    CPU,
    name="gpu-short",
    bf16=True,
    device="cuda",
    workers=1,
    loaders=6,
    corpus_identities=7000,
    identities=6500,
    shaped_identities=2500,
    moved_identities=3000,
    guest_identities=1500,
    autoencoder=replace(CPU.autoencoder, batch=256, steps=40000, minutes=1.3, warmup=100, ema=0.995),
    unet=replace(CPU.unet, batch=1024, steps=40000, minutes=4.5, warmup=200, lr=2e-2, ema=0.9985),
    critic=replace(CPU.critic, batch=1024, minutes=0.4),
    encoder=replace(CPU.encoder, batch=1024, minutes=0.6),
    adapters=replace(CPU.adapters, batch=512, steps=20000, minutes=1.1, ema=0.995),
    controlnet=replace(CPU.controlnet, pictures=12000, batch=256, steps=20000, minutes=1.1),
    reader=replace(CPU.reader, batch=192, minutes=0.8),
)
PRESETS = {p.name: p for p in (CPU, GPU, GPU_SHORT)}


def rehearsal(preset: Preset) -> Preset:
    """The same networks and stages with two steps of small batches each: does everything run, end to end?"""

    def brief(stage: Any, batch: int) -> Any:
        return replace(stage, steps=2, batch=min(batch, stage.batch), warmup=1)

    autoencoder = brief(preset.autoencoder, 2)
    if autoencoder.grown_from is not None:
        autoencoder = replace(autoencoder, grown_from=brief(autoencoder.grown_from, 2))
    return replace(
        preset, corpus_identities=60, identities=40, shaped_identities=25, moved_identities=25,
        guest_identities=25, loaders=min(1, preset.loaders),
        cases=4, pictures=4, real_pictures=8, unet=brief(preset.unet, 8), critic=brief(preset.critic, 16),
        encoder=brief(preset.encoder, 16), adapters=brief(preset.adapters, 8), reader=brief(preset.reader, 8),
        controlnet=replace(brief(preset.controlnet, 4), pictures=16),
        autoencoder=replace(autoencoder, held_out=8, crop_batch=2),
    )  # fmt: skip
