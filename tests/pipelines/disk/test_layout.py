from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.disk import layout
from pipelines.errors import ModelUnavailable
from tests import tiny_models_flux3

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "image_encoder": [None, None],
    "requires_safety_checker": True,
}
UNET = [
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/diffusion_pytorch_model.bin",
]
TEXT = [
    "text_encoder/config.json",
    "text_encoder/model-00001-of-00002.safetensors",
    "text_encoder/model-00002-of-00002.safetensors",
    "text_encoder/model.safetensors.index.json",
    "text_encoder/model.fp16-00001-of-00001.safetensors",
    "text_encoder/model.safetensors.index.fp16.json",
    "text_encoder/openvino_model.xml",
]
REST = [
    "model_index.json",
    "README.md",
    "v1-5-pruned.ckpt",
    "v1-5-pruned.safetensors",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "scheduler/scheduler_config.json",
    "safety_checker/model.safetensors",
    "safety_checker/config.json",
]
NAMES = [*REST, *UNET, *TEXT]


def test_only_what_is_loaded_is_wanted() -> None:
    assert set(layout.of_pipeline(INDEX, NAMES)) == {
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        *TEXT[:4],
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "scheduler/scheduler_config.json",
    }


def test_a_variant_replaces_the_plain_weights_where_there_is_one() -> None:
    wanted = layout.of_pipeline(INDEX, NAMES, "fp16")
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in wanted
    assert "unet/diffusion_pytorch_model.safetensors" not in wanted
    assert "text_encoder/model.fp16-00001-of-00001.safetensors" in wanted
    assert "text_encoder/model.safetensors.index.fp16.json" in wanted
    assert TEXT[1] not in wanted
    plain = [name for name in NAMES if ".fp16" not in name]
    assert "unet/diffusion_pytorch_model.safetensors" in layout.of_pipeline(INDEX, plain, "fp16")


def test_weights_in_pickles_only_are_refused_with_the_reason() -> None:
    with pytest.raises(ModelUnavailable, match="unet has its weights as pickle"):
        layout.of_pipeline(INDEX, [name for name in NAMES if not name.endswith(".safetensors")])


BLOCKS = [
    "modular_model_index.json",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "tokenizer/chat_template.jinja",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
]


def test_of_a_model_made_of_blocks_the_prompt_upsampler_is_never_wanted() -> None:
    index = tiny_models_flux3.index()
    assert layout.components(index).keys() == {"transformer", "text_encoder", "tokenizer", "vae"}
    wanted = layout.of_pipeline(index, [*BLOCKS, "README.md", "flux-3.safetensors", "example.png"])
    assert sorted(wanted) == sorted(BLOCKS)


def test_an_index_written_after_loading_tells_the_same() -> None:
    index = tiny_models_flux3.index()
    saved = {name: _saved(value) for name, value in index.items()}
    assert layout.components(saved) == layout.components(index)


def _saved(value: Any) -> Any:
    return [*value[2]["type_hint"], value[2]] if isinstance(value, list) else value


def test_a_part_in_another_repository_is_refused_with_its_name() -> None:
    index = tiny_models_flux3.index(text_encoder="someone/encoder")
    with pytest.raises(ModelUnavailable, match=r"text_encoder is not in it.* names someone/encoder"):
        layout.of_pipeline(index, [name for name in BLOCKS if not name.startswith("text_encoder")])
    assert sorted(layout.of_pipeline(index, BLOCKS)) == sorted(BLOCKS)  # a copy of it is there after all


@pytest.mark.parametrize(
    "odd", [[None, None, 5], [None, None, {}], [1, 2, 3, 4], [None, None, {"type_hint": [1]}]]
)
def test_what_an_index_says_strangely_is_no_part(odd: list[Any]) -> None:
    assert layout.components({"vae": odd}) == {}


def test_a_folder_of_blocks_is_complete_only_with_every_part(tmp_path: Path) -> None:
    folder = tiny_models_flux3.make(tmp_path / "model")
    assert layout.missing(folder) is None
    (folder / "vae" / "config.json").unlink()
    assert layout.missing(folder) == "vae"
    (folder / layout.MODULAR_INDEX).write_text("not json")
    assert layout.missing(folder) == layout.MODULAR_INDEX


def test_a_folder_of_another_repository_is_one_component() -> None:
    names = ["config.json", "diffusion_pytorch_model.safetensors", "images/a.png", "deeper/config.json"]
    assert layout.of_folder("", names) == names[:2]


def write(folder: Path, names: list[str], index: dict[str, object]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    (folder / layout.INDEX).write_text(json.dumps(index))
    shards = {"weight_map": {"a": Path(TEXT[1]).name, "b": Path(TEXT[2]).name}}
    (folder / TEXT[3]).write_text(json.dumps(shards))


def test_a_folder_is_complete_only_with_every_part_and_shard(tmp_path: Path) -> None:
    names = layout.of_pipeline(INDEX, NAMES)
    write(tmp_path, names, INDEX)
    assert layout.missing(tmp_path) is None
    for name in names:
        part = name.split("/")[0]
        if part in ("tokenizer", "model_index.json"):
            continue
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        assert layout.missing(tmp_path) == part, name
        (tmp_path / name).write_bytes(content)
    (tmp_path / layout.INDEX).write_text("not json")
    assert layout.missing(tmp_path) == layout.INDEX
    (tmp_path / layout.INDEX).write_text("[]")
    assert layout.missing(tmp_path) == layout.INDEX
    assert layout.missing(tmp_path / "nowhere") == layout.INDEX
