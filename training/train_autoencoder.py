"""Train the autoencoder on composed portraits: first on small crops (many cheap steps), then on larger ones.

Resumes from its checkpoint. Needs figures only, no captions.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D

from training.compose import LIGHTS, BackgroundBank, compose
from training.corpus import FigureStore
from training.descent import Descent
from training.loop import arithmetic
from training.parallel import rank, workers
from training.presets import AutoencoderPreset, Preset
from training.variety import Frame, framed

FOREIGN = 0.15
MOVED = 0.2


def build_autoencoder(p: AutoencoderPreset) -> AutoencoderKL:
    """A randomly initialised autoencoder of the preset's shape (downscale 2 ** (levels - 1))."""
    levels = len(p.channels)
    vae = AutoencoderKL(
        block_out_channels=p.channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=p.layers,
        latent_channels=p.latent_channels,
        norm_num_groups=p.groups,
        mid_block_add_attention=False,
        sample_size=p.px,
    )
    for module in vae.modules():  # start as a nearly linear network: it finds the colours much sooner
        if isinstance(module, ResnetBlock2D):
            torch.nn.init.zeros_(module.conv2.weight)
            torch.nn.init.zeros_(module.conv2.bias)
    return vae


class PictureSource:
    """Random composed crops from a store of figures; the last `held_out` figures are never drawn.

    With `guests`, a share of the pictures is of those, and another of figures moved: what it has to carry for
    an artist is not all of one kind.
    """

    def __init__(
        self,
        store: FigureStore,
        bank: BackgroundBank,
        held_out: int,
        seed: int,
        device: str,
        guests: FigureStore | None = None,
    ) -> None:
        self.store, self.bank, self.device, self.guests = store, bank, device, guests
        self.count = len(store) - held_out
        self.rng, self.frames = torch.Generator().manual_seed(seed), random.Random(seed)
        names = list(bank._rows.values())
        self.rows = names

    def _randint(self, high: int, n: int) -> torch.Tensor:
        return torch.randint(high, (n,), generator=self.rng)

    def batch(self, n: int, crop: int) -> torch.Tensor:
        """n pictures (n, 3, crop, crop) in [-1, 1]."""
        figures = self._figures(n)
        which = [self.rows[int(i)] for i in self._randint(len(self.rows), n)]
        grounds = self.bank.images[[rows[int(self._randint(len(rows), 1))] for rows in which]]
        lights = self._randint(2 * len(LIGHTS), n).sub(len(LIGHTS)).clamp(min=0)
        pictures = compose(figures.to(self.device), grounds.to(self.device), lights.to(self.device))
        px = pictures.shape[-1]
        if crop < px:
            out = []
            for i in range(n):
                y, x = (int(v) for v in self._randint(px - crop + 1, 2))
                out.append(pictures[i, :, y : y + crop, x : x + crop])
            pictures = torch.stack(out)
        return pictures.to(memory_format=torch.channels_last)

    def _figures(self, n: int) -> torch.Tensor:
        if self.guests is None:
            return self.store.images(self._randint(self.count, n))
        foreign, moved = round(n * FOREIGN), round(n * MOVED)
        if not foreign:
            return self.store.images(self._randint(self.count, n))
        own = self.store.images(self._randint(self.count, n - foreign))
        figures = torch.cat([own, self.guests.images(self._randint(len(self.guests), foreign))])
        frames = [Frame.drawn(self.frames) for _ in range(foreign + moved)]
        return torch.cat([figures[: n - len(frames)], framed(figures[n - len(frames) :], frames)])

    def held_out(self, n: int) -> torch.Tensor:
        """n fixed full pictures from figures never trained on."""
        figures = self.store.images(torch.arange(self.count, min(self.count + n, len(self.store))))
        k = figures.shape[0]
        grounds = self.bank.images[[(7 * i) % len(self.bank.images) for i in range(k)]]
        lights = torch.tensor([i % len(LIGHTS) if i % 2 else 0 for i in range(k)])
        return compose(figures.to(self.device), grounds.to(self.device), lights.to(self.device))


def opponent(pictures: torch.Tensor) -> torch.Tensor:
    """Colour differences (N, 2, H / 4, W / 4) of pictures (N, 3, H, W), averaged over 4 x 4 pixels."""
    red, green, blue = F.avg_pool2d(pictures, 4).unbind(1)
    return torch.stack([green - (red + blue) / 2, (red - blue) / 2], dim=1)


def reconstruction_loss(out: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1, plus half the L1 of pixel differences (line work), plus twice that of coarse colour differences."""
    dx = (out - target).diff(dim=-1).abs().mean()
    dy = (out - target).diff(dim=-2).abs().mean()
    return F.l1_loss(out, target) + 0.5 * (dx + dy) + 2 * F.l1_loss(opponent(out), opponent(target))


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: torch.Tensor, batch: int = 16) -> float:
    """Mean reconstruction PSNR in dB over pictures (N, 3, H, W) in [-1, 1]."""
    vae.eval()
    values = []
    for part in pictures.split(batch):
        out = vae.decode(vae.encode(part).latent_dist.mode()).sample.clamp(-1, 1)
        mse = ((out - part) / 2).pow(2).mean(dim=(1, 2, 3))
        values.append(-10 * mse.log10())
    vae.train()
    return float(torch.cat(values).mean())


def take_over(vae: AutoencoderKL, shallow: dict[str, torch.Tensor], levels: int) -> None:
    """Start the outer `levels` of `vae` as those of a shallower autoencoder; its innermost parts stay new."""
    own = vae.state_dict()
    shift = len(vae.config.block_out_channels) - levels
    for name, tensor in shallow.items():
        head, block, rest = name.partition("up_blocks.")
        if block:
            number, dot, tail = rest.partition(".")
            name = f"{head}{block}{int(number) + shift}{dot}{tail}"
        inner = ".mid_block." in name or name.startswith(("encoder.conv_out", "encoder.conv_norm_out"))
        if not inner and name in own and own[name].shape == tensor.shape:
            own[name].copy_(tensor)


def started(p: AutoencoderPreset, preset: Preset, work: Path, device: str) -> AutoencoderKL:
    """The autoencoder as its training begins, a shallower one trained first where the preset says so."""
    vae = build_autoencoder(p)
    if p.grown_from is not None and not (work / "autoencoder.pt").exists():
        shallow = learn("shallow", p.grown_from, preset, work, device)
        take_over(vae, shallow.ema.shadow, len(p.grown_from.channels))
    return vae.to(device, memory_format=torch.channels_last)


def train(preset: Preset, work: Path, device: str) -> None:
    """Run (or continue) the autoencoder stage; writes `autoencoder.pt` and its log under `work`."""
    learn("autoencoder", preset.autoencoder, preset, work, device)


def train_decoder(preset: Preset, work: Path, device: str) -> None:
    """Go on with the decoder alone: latents, and all that was trained on them, stay what they are."""
    learn("autoencoder", preset.autoencoder, preset, work, device, decoder_only=True)


def learn(
    name: str, p: AutoencoderPreset, preset: Preset, work: Path, device: str, decoder_only: bool = False
) -> Descent:
    """Train one autoencoder of shape `p` to its end; writes `<name>.pt` and `<name>.jsonl`."""
    torch.manual_seed(preset.seed)
    vae = started(p, preset, work, device)
    store = FigureStore(work / p.figures, preset.px, device)
    bank = BackgroundBank(preset.px, cache=work / f"grounds{preset.px}.npy").to(device)
    path = work / "guests" / f"figures{preset.px}.npy"
    guests = FigureStore(path, preset.px, device) if path.exists() and preset.guest_identities else None
    source = PictureSource(store, bank, p.held_out, preset.seed, device, guests)
    descent = Descent(name, vae, p, work, preset)
    if decoder_only:
        vae.load_state_dict(descent.ema.shadow)  # the averaged encoder is the one that made the latents
        for part in (vae.encoder, vae.quant_conv):
            part.requires_grad_(False)
    probe = source.held_out(24)
    source.rng.manual_seed(preset.seed + descent.step * workers() + rank())

    def measures() -> dict[str, float]:
        row = {"loss": round(loss.item(), 4)}
        if descent.step % 100 == 0:
            with descent.ema.applied(vae):
                row["psnr"] = round(psnr(vae, probe), 2)
        return row

    for progress in descent.steps():
        small = progress < p.crop_until
        batch = source.batch(
            (p.crop_batch if small else p.batch) // workers(), p.crop if small else preset.px
        )
        with arithmetic(device, preset.bf16):
            mean = vae.encode(batch).latent_dist.mode()
            out = vae.decode(mean + p.noise * torch.randn_like(mean)).sample
            loss = reconstruction_loss(out.float(), batch) + p.decay * mean.float().pow(2).mean()
        descent.descend(loss)
        descent.log(measures)
    return descent


@torch.no_grad()
def make_certain(vae: AutoencoderKL) -> None:
    """Set the posterior's deviation to e**-7 everywhere: no loss teaches it, and img2img draws from it."""
    logvar = slice(vae.config.latent_channels, None)
    vae.quant_conv.weight[logvar] = 0
    vae.quant_conv.bias[logvar] = -14


def trained_vae(preset: Preset, work: Path, device: str = "cpu") -> AutoencoderKL:
    """The autoencoder stage's averaged weights, frozen."""
    vae = build_autoencoder(preset.autoencoder)
    states = torch.load(work / "autoencoder.pt", map_location="cpu", weights_only=True)["states"]
    vae.load_state_dict(states["ema"])
    make_certain(vae)
    return vae.to(device, memory_format=torch.channels_last).requires_grad_(False).eval()
