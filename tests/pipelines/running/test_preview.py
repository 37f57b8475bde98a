from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from pipelines.running import preview
from pipelines.running.preview import CleanGuess, LatentColours


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_a_preview_has_the_pictures_shape_and_colours() -> None:
    colours = LatentColours(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), torch.tensor([0.0, -1.0, 0.0]))
    latents = torch.full((1, 2, 6, 8), 1.0)
    picture = opened(colours.jpeg(latents, 8))
    assert picture.format == "JPEG"
    assert picture.size == (64, 48)
    red, green, blue = picture.getpixel((30, 20))
    assert (red > 240, green < 15, blue > 240) == (True, True, True)


def test_a_preview_of_a_large_picture_is_small() -> None:
    colours = LatentColours(torch.randn(4, 3), torch.zeros(3))
    jpeg = colours.jpeg(torch.randn(1, 4, 128, 64), 8)
    assert opened(jpeg).size == (128, 256)
    assert len(jpeg) < 40_000


def test_numbers_run_over_do_not_break_the_preview() -> None:
    colours = LatentColours(torch.tensor([[1.0, 1, 1], [-1, 1, -1]]), torch.zeros(3))
    assert opened(colours.jpeg(torch.full((1, 2, 8, 8), float("inf")), 8)).size == (64, 64)


class Computed(TorchDispatchMode):
    """Names of what torch is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_a_preview_is_drawn_without_threads_of_torch() -> None:
    """Those would be more than there are cores, and the model's own would sleep at every turn."""
    colours = LatentColours(torch.randn(4, 3), torch.randn(3))
    with Computed() as computed:
        colours.jpeg(torch.randn(1, 4, 64, 64), 8)
    assert computed.names <= {"randn", "select", "detach", "_to_copy"}


def test_fitting_finds_the_map_that_was_there() -> None:
    factors, bias = torch.randn(5, 3), torch.randn(3)
    latents = torch.randn(6, 5, 8, 8)
    pictures = (latents.permute(0, 2, 3, 1) @ factors + bias).permute(0, 3, 1, 2)
    fitted = preview.fit(latents, pictures.repeat_interleave(4, 2).repeat_interleave(4, 3))
    assert torch.allclose(fitted.factors, factors, atol=1e-4)
    assert torch.allclose(fitted.bias, bias, atol=1e-4)


def test_colours_are_read_back_from_the_models_folder(tmp_path: Path) -> None:
    colours = LatentColours(torch.randn(8, 3), torch.randn(3))
    colours.save(tmp_path)
    read = preview.read(tmp_path, 8)
    assert read is not None
    assert torch.allclose(read.factors, colours.factors)
    assert preview.read(tmp_path, 4) is None
    assert preview.read(tmp_path / "elsewhere", 8) is None
    assert preview.read(None, 8) is None


def test_an_autoencoder_without_colours_is_measured(tiny_plain_dir: Path) -> None:
    vae = AutoencoderKL.from_pretrained(tiny_plain_dir / "vae")

    def decode(latents: torch.Tensor) -> torch.Tensor:
        return vae.decode(latents).sample

    measured = preview.measure(decode, 8)
    assert measured.factors.shape == (8, 3)
    assert torch.isfinite(measured.factors).all()
    assert torch.allclose(measured.factors, preview.measure(decode, 8).factors, atol=1e-4)


def test_the_guess_is_the_schedulers_own_and_leaves_its_step_as_it_was() -> None:
    scheduler, plain = DDIMScheduler(), DDIMScheduler()
    guess = CleanGuess(scheduler)
    sample, noise = torch.randn(1, 4, 4, 4), torch.randn(1, 4, 4, 4)
    for one in (scheduler, plain):
        one.set_timesteps(4)
    timestep = plain.timesteps[1]
    expected = plain.step(noise, timestep, sample)
    result = scheduler.step(noise, timestep, sample, return_dict=False)
    assert torch.equal(result[0], expected.prev_sample)
    assert guess.latest is not None
    assert torch.equal(guess.latest, expected.pred_original_sample)


@pytest.mark.parametrize("name", ["eta", "generator"])
def test_pipelines_still_see_what_the_step_takes(name: str) -> None:
    import inspect

    scheduler = DDIMScheduler()
    CleanGuess(scheduler)
    assert name in inspect.signature(scheduler.step).parameters
