from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import save_file

from pipelines.disk import model_size
from pipelines.memory.plan import Part


def count(module: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.state_dict().values() if tensor.is_floating_point())


def test_a_folder_weighs_what_its_networks_hold(tiny_model_dir: Path) -> None:
    pipeline = DiffusionPipeline.from_pretrained(tiny_model_dir, local_files_only=True)
    size = model_size.of_folder(tiny_model_dir, 64, {"controlnet": tiny_model_dir / "controlnet"})
    found = {part.name: part.numbers for part in size.parts}
    assert set(found) == {"vae", "text_encoder", "unet", "controlnet"}
    for name in ("vae", "text_encoder", "unet"):
        assert found[name] == count(getattr(pipeline, name))
    assert size.resolution == 64
    assert not size.quantised


def test_a_variant_beside_the_plain_file_is_not_counted_twice(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "X", "vae": ["diffusers", "AutoencoderKL"]}')
    (tmp_path / "vae").mkdir()
    tensors = {"a": torch.zeros(3, 5), "b": torch.zeros(7)}
    save_file(tensors, tmp_path / "vae" / "diffusion_pytorch_model.safetensors")
    save_file(tensors, tmp_path / "vae" / "diffusion_pytorch_model.fp16.safetensors")
    assert model_size.of_folder(tmp_path, 512).parts == (Part("vae", 22),)


def test_shards_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"transformer": ["diffusers", "X"]}')
    folder = tmp_path / "transformer"
    folder.mkdir()
    save_file({"a": torch.zeros(4)}, folder / "m-1.safetensors")
    save_file({"b": torch.zeros(6)}, folder / "m-2.safetensors")
    index = '{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}'
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(index)
    assert model_size.of_folder(tmp_path, 512).parts == (Part("transformer", 10),)


def test_a_single_file_is_told_apart_by_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(
        {
            "model.diffusion_model.x": torch.zeros(10),
            "first_stage_model.x": torch.zeros(4, dtype=torch.float16),
            "conditioner.embedders.0.x": torch.zeros(2),
            "conditioner.embedders.1.x": torch.zeros(3),
            "conditioner.embedders.0.position_ids": torch.zeros(77, dtype=torch.int64),
        },
        path,
    )
    size = model_size.of_file(path, 1024)
    assert {part.name: part.numbers for part in size.parts} == {
        "unet": 10,
        "vae": 4,
        "text_encoder": 2,
        "text_encoder_2": 3,
    }


def test_the_package_that_quantised_a_model_is_known_by_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"transformer": ["diffusers", "X"]}')
    (tmp_path / "transformer").mkdir()
    config = '{"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}}'
    (tmp_path / "transformer" / "config.json").write_text(config)
    save_file({"a": torch.zeros(1)}, tmp_path / "transformer" / "diffusion_pytorch_model.safetensors")
    assert model_size.of_folder(tmp_path, 64).packages == {"bitsandbytes"}


def test_packed_weights_keep_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(1000, dtype=torch.uint8), "absmax": torch.zeros(10)}, path)
    size = model_size.of_file(path, 1024)
    assert size.parts == (Part("transformer", 10, 1000),)
    assert size.quantised


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a pickle in a zip file", b"\x10\0\0\0\0\0\0\0{{{{{{{{{{{{{{{{"]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a safetensors file"):
        model_size.header(path)


def test_a_declared_size_is_all_accounted_for() -> None:
    assert sum(part.numbers for part in model_size.declared(16_000_000_000, 1024).parts) == 8_000_000_000
    small = model_size.declared(16_000_000_001, 1024, "bitsandbytes")
    assert sum(part.fixed for part in small.parts) == 16_000_000_001
    assert small.quantised
    assert small.packages == {"bitsandbytes"}
