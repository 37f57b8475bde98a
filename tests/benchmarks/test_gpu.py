from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from benchmarks import gpu, random_models


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> gpu.Setup:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("random-models")
    return gpu.Setup("tiny", "cpu", torch.float32, folder, pictures=1, steps={"sdxl": 2, "klein": 2})


def test_both_ways_are_measured_with_both_models(setup: gpu.Setup) -> None:
    report = gpu.run(["sdxl", "klein"], 1, setup)
    assert "float32; matmul" in report.splitlines()[0]
    for name in ("sdxl", "klein"):
        assert f"| {name} (whole in memory) | stock | studio | studio / stock |" in report
    for label in ("load, s", "switch to it, s", "step, s", "picture, s"):
        rows = re.findall(rf"\| {label} \| ([\d.]+) \| ([\d.]+) \| [\d.]+ \|", report)
        assert len(rows) == 2, label
        assert all(float(seconds) > 0 for row in rows for seconds in row)
    assert len(re.findall(r"most memory, MiB \| [1-9]\d* \| [1-9]\d* \|", report)) == 2
    assert len(re.findall(r"share of the card's matmul \| [\d.]+%", report)) == 2


def test_the_same_seed_makes_the_same_random_model(tmp_path: Path) -> None:
    made = [
        random_models.make("sdxl", "tiny", tmp_path / str(n), "cpu", torch.float32) / "unet" for n in (1, 2)
    ]
    one, two = (next(folder.glob("*.safetensors")).read_bytes() for folder in made)
    assert one == two


def test_full_size_is_the_size_of_the_release() -> None:
    from accelerate import init_empty_weights
    from diffusers import Flux2Transformer2DModel, UNet2DConditionModel

    unet = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "addition_embed_type": "text_time",
        "use_linear_projection": True,
    }
    with init_empty_weights():
        sdxl = UNet2DConditionModel(**unet, **random_models._UNET["full"])
        klein = Flux2Transformer2DModel(**random_models._KLEIN["full"])
        sd15 = UNet2DConditionModel(**random_models._UNET_1["full"])
    assert sum(p.numel() for p in sdxl.parameters()) == pytest.approx(2.567e9, rel=0.001)
    assert sum(p.numel() for p in klein.parameters()) == pytest.approx(3.876e9, rel=0.005)
    assert sum(p.numel() for p in sd15.parameters()) == pytest.approx(0.8595e9, rel=0.001)
