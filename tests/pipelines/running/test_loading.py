from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from diffusers import DDIMScheduler, DiffusionPipeline, UNet2DConditionModel

from benchmarks import random_models
from pipelines.catalog.catalog import load_catalog
from pipelines.errors import ModelUnavailable
from pipelines.events import ImageReady, WorkOrder
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest
from pipelines.running import families, loading
from pipelines.running.contract import LoadSettings
from pipelines.running.runner import PipelineRunner
from tests import single_files


@pytest.fixture(scope="module")
def unet(tiny_model_dir: Path) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(tiny_model_dir / "unet").eval()


def test_a_sibling_has_the_same_tensors_in_another_module(unet: UNet2DConditionModel) -> None:
    twin = loading.sibling_unet(unet)
    assert twin is not unet
    own = dict(unet.named_parameters())
    for name, tensor in twin.named_parameters():
        assert tensor.data_ptr() == own[name].data_ptr(), name


def test_a_narrow_sibling_shares_all_but_the_first_convolution(unet: UNet2DConditionModel) -> None:
    narrow = loading.sibling_unet(unet, in_channels=8)
    own = dict(unet.named_parameters())
    apart = [n for n, t in narrow.named_parameters() if t.data_ptr() != own[n].data_ptr()]
    assert apart == ["conv_in.weight"]
    assert narrow.config.in_channels == 8


def test_a_narrow_sibling_computes_what_the_whole_does_without_a_source(unet: UNet2DConditionModel) -> None:
    narrow = loading.sibling_unet(unet, in_channels=8)
    noise, words = torch.randn(2, 8, 8, 8), torch.randn(2, 7, 32)
    with torch.no_grad():
        whole = unet(torch.cat([noise, torch.zeros_like(noise)], dim=1), 500, words).sample
        part = narrow(noise, 500, words).sample
    assert torch.allclose(whole, part, atol=1e-5)


def test_a_copied_scheduler_has_a_state_of_its_own() -> None:
    scheduler = DDIMScheduler(prediction_type="v_prediction", timestep_spacing="trailing")
    copy = loading.copy_scheduler(scheduler)
    copy.set_timesteps(7)
    assert copy.config == scheduler.config
    assert scheduler.num_inference_steps is None


def test_a_fingerprint_follows_the_weights_and_not_the_place(tiny_model_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model_dir, tmp_path / "moved")
    original = loading.fingerprint(tiny_model_dir)
    assert loading.fingerprint(copy) == original
    weights = copy / "ip_adapter" / "style.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert loading.fingerprint(copy) != original


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory, tiny_plain_dir: Path) -> Path:
    """A models.yaml with two tiny models, each as a folder and as one file of the same weights."""
    folder = tmp_path_factory.mktemp("single")
    sdxl = random_models.make("sdxl", "tiny", folder / "sdxl", "cpu", torch.float32)
    entries = []
    for name, family, place in (("sd", "stable-diffusion", tiny_plain_dir), ("xl", "sdxl", sdxl)):
        pipeline = DiffusionPipeline.from_pretrained(place, local_files_only=True)
        file = single_files.write(pipeline, folder / f"{name}.safetensors")
        for key, source, config in ((name, place, None), (f"{name}-file", file, place)):
            entries.append(
                {"id": key, "label": key, "family": family, "source": str(source), "licence": "none",
                 "resolution": 64, "modes": ["text_to_image", "img2img"]}
                | ({"config": str(config)} if config else {})
            )  # fmt: skip
    path = folder / "models.yaml"
    path.write_text(yaml.safe_dump({"models": entries}))
    return path


def pixels(models_yaml: Path, model: str) -> bytes:
    catalog = load_catalog(models_yaml)
    runner = PipelineRunner(catalog, "cpu")
    request = GenerationRequest(
        model=model, prompt="a face", seed=5, num_inference_steps=2, width=64, height=64
    )
    whole = complete(request, catalog, {}, lambda: 0).request
    events: list[Any] = []
    runner.run(WorkOrder("job", whole, {}), events.append, lambda: False)
    return next(event for event in events if isinstance(event, ImageReady)).rgb


@pytest.mark.parametrize("model", ["sd", "xl"])
def test_one_file_makes_the_pictures_its_folder_makes(
    single: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert pixels(single, f"{model}-file") == pixels(single, model)


def test_a_file_without_its_configuration_says_so(single: Path) -> None:
    spec = load_catalog(single).get("sd-file")
    settings = LoadSettings(
        None, frozenset(spec.modes), "cpu", torch.float32, file=single.parent / "sd.safetensors"
    )
    with pytest.raises(ModelUnavailable, match="configuration for sd-file"):
        families.load(spec, settings)


def test_a_damaged_file_says_so(single: Path, tmp_path: Path) -> None:
    catalog = load_catalog(single)
    spec = catalog.get("sd-file")
    broken = tmp_path / "sd.safetensors"
    broken.write_bytes((single.parent / "sd.safetensors").read_bytes()[:5000])
    settings = LoadSettings(
        None, frozenset(spec.modes), "cpu", torch.float32, file=broken, config=catalog.config(spec)
    )
    with pytest.raises(ModelUnavailable, match="damaged or incomplete"):
        families.load(spec, settings)


def test_a_files_name_in_the_record_follows_its_weights(single: Path, tmp_path: Path) -> None:
    file = single.parent / "sd.safetensors"
    moved = tmp_path / file.name
    moved.write_bytes(file.read_bytes())
    assert loading.fingerprint(moved.parent) == loading.fingerprint(moved)
