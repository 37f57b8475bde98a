"""The bundled weights themselves: small, safetensors only, loadable offline, the same for the same seed."""

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

FOLDER = Path(__file__).parents[2] / "pipelines" / "bundled" / "portrait-mini"


def test_size_and_files():
    files = [p for p in FOLDER.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= 45_000_000
    assert {p.suffix for p in files} <= {".safetensors", ".json", ".txt", ".md"}
    assert {p.stem for p in (FOLDER / "ip_adapter").iterdir()} == {"character", "style"}


def test_card_names_data_credits_and_limits():
    card = (FOLDER / "README.md").read_text()
    for words in (
        "license: cc-by-4.0",
        "Micah Lanier",
        "Lisa Wischofsky",
        "Pablo Stanley",
        "## Limits",
        "## Measured",
    ):
        assert words in card


def test_preview_has_one_row_for_each_latent_channel():
    preview = json.loads((FOLDER / "preview.json").read_text())
    vae = json.loads((FOLDER / "vae" / "config.json").read_text())
    assert np.asarray(preview["latent_rgb_factors"]).shape == (vae["latent_channels"], 3)
    assert len(preview["bias"]) == 3


def test_an_edit_is_the_same_for_the_same_seed():
    pipe = DiffusionPipeline.from_pretrained(FOLDER, dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    source = Image.new("RGB", (128, 128), (200, 60, 60))

    def draw(seed: int) -> np.ndarray:
        generator = torch.Generator("cpu").manual_seed(seed)
        image = pipe("add glasses", image=source, num_inference_steps=2, generator=generator).images[0]
        return np.asarray(image, dtype=np.int16)

    assert np.abs(draw(1) - draw(1)).max() <= 1
    assert np.abs(draw(1) - draw(2)).max() > 1
