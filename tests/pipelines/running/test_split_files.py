"""Networks, text encoders and VAEs in files of their own make the pictures that their folder makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.torch import save_file

from pipelines.catalog import models_folder
from pipelines.catalog import split_files as recipes
from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.catalog.root_paths import RootPaths
from pipelines.disk import identify
from pipelines.errors import ModelUnavailable
from pipelines.events import ImageReady, WorkOrder
from pipelines.planning.complete import complete
from pipelines.request import GenerationRequest
from pipelines.running.runner import PipelineRunner
from tests import split_files
from tests.pipelines.disk.test_identify import write
from tests.pipelines.running.families.conftest import MAKERS


class Kind(NamedTuple):
    """A tiny model, the configuration that stands for its own, its repository, its network's file name."""

    tiny: str
    config: str
    repo: str
    name: str


KINDS = {
    "FLUX.1": Kind("tiny-flux1", "flux1-dev", "black-forest-labs/FLUX.1-schnell", "flux1-dev"),
    "FLUX.2": Kind("tiny-klein", "flux2-klein-4b", "black-forest-labs/FLUX.2-klein-4B", "flux-2-klein-4b"),
    "Qwen-Image": Kind("tiny-qwen-image", "qwen-image", "Qwen/Qwen-Image-2512", "qwen_image"),
    "Z-Image": Kind("tiny-z-turbo", "z-image-turbo", "Tongyi-MAI/Z-Image-Turbo", "z_image_turbo"),
}
NUMBERS = {
    "fp32": (split_files.plainly("float32"), 0.01),
    "bf16": (split_files.plainly("bfloat16"), 12.0),
    "fp16": (split_files.plainly("float16"), 4.0),
    "fp8": (split_files.fp8_scaled(".scale_weight", "scaled_fp8"), 40.0),
    "fp8, newer": (split_files.fp8_scaled(".weight_scale"), 40.0),
}
"""Kind of numbers → what writes them, and how far a picture of noise may be from that in 32 bits (of 255)."""


@pytest.fixture(autouse=True)
def tiny_shapes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tiny networks are told as the large ones, and nothing of this machine's own cache is seen."""
    monkeypatch.setitem(identify._CAPTIONS, 16, "z-image")
    monkeypatch.setattr(recipes, "CONFIGS", tmp_path / "configs")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, numbers: Any, **more: Any
) -> Catalog:
    """A catalogue with the tiny model as a folder (`whole`) and as files of ComfyUI."""
    whole = MAKERS[kind.tiny][1](tmp_path / "whole")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / kind.config).symlink_to(whole, target_is_directory=True)
    latents = {"FLUX.1": "flux1", "Z-Image": "flux1", "FLUX.2": "flux2"}
    monkeypatch.setitem(identify._VAE_BASE, 4, latents.get(label_of(kind), "sd"))
    monkeypatch.setattr(recipes, "_CLIP_TOKENIZER", str(whole / "tokenizer"))
    names = [name for name in split_files.index_of(whole) if name.startswith(("tokenizer", "processor"))]
    split_files.cached(tmp_path / "hub", kind.repo, {name: whole / name for name in names})
    split_files.write(whole, tmp_path / "ComfyUI" / "models", kind.name, numbers, **more)
    (tmp_path / "ComfyUI" / "models" / "checkpoints").mkdir()
    entry = MAKERS[kind.tiny][0].format(folder=whole)
    (tmp_path / "models.yaml").write_text(f"models:\n{entry}", "utf-8")
    return load_catalog(tmp_path / "models.yaml", None, RootPaths((tmp_path / "ComfyUI",)))


def label_of(kind: Kind) -> str:
    return next(label for label, each in KINDS.items() if each == kind)


def picture(catalog: Catalog, model: str) -> np.ndarray:
    request = GenerationRequest(
        model=model, prompt="a face", seed=5, num_inference_steps=2, width=64, height=64
    )
    whole = complete(request, catalog, {}, lambda: 0).request
    events: list[Any] = []
    PipelineRunner(catalog, "cpu").run(WorkOrder("job", whole, {}), events.append, lambda: False)
    made = next(event for event in events if isinstance(event, ImageReady))
    return np.frombuffer(made.rgb, np.uint8).astype(float)


def split_model(catalog: Catalog) -> str:
    (root,) = catalog.roots
    (network,) = root.found.networks
    return network.id


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("label", KINDS)
def test_split_files_make_the_picture_of_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str, numbers: str
) -> None:
    kind, (convert, apart) = KINDS[label], NUMBERS[numbers]
    catalog = planted(tmp_path, monkeypatch, kind, convert)
    model = split_model(catalog)
    assert catalog.get(model).label == kind.name
    own = {at for at in catalog.get(model).parts.values() if at.startswith(str(tmp_path / "ComfyUI"))}
    assert len(own) == len(list((tmp_path / "ComfyUI" / "models").glob("[tv]*/*")))
    far = np.abs(picture(catalog, model) - picture(catalog, kind.tiny)).mean()
    assert far <= apart


@pytest.mark.parametrize("label", KINDS)
def test_a_gguf_makes_nearly_the_picture_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    pytest.importorskip("gguf")
    kind = KINDS[label]
    catalog = planted(tmp_path, monkeypatch, kind, split_files.plainly("float32"), gguf=True)
    far = np.abs(picture(catalog, split_model(catalog)) - picture(catalog, kind.tiny)).mean()
    assert far <= 12.0


def test_t5_has_its_words_under_either_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS["FLUX.1"]
    catalog = planted(tmp_path, monkeypatch, kind, split_files.plainly("float32"))
    path = tmp_path / "ComfyUI" / "models" / "text_encoders" / f"{kind.name}-text_encoder_2.safetensors"
    tensors = split_files.read(path)
    names = {"shared.weight", "encoder.embed_tokens.weight"} & tensors.keys()
    assert len(names) == 1
    tensors["encoder.embed_tokens.weight"] = tensors.pop(names.pop())
    save_file(tensors, path)
    catalog.look_through()
    far = np.abs(picture(catalog, split_model(catalog)) - picture(catalog, kind.tiny)).mean()
    assert far <= 0.01


def test_names_as_comfyui_saves_them_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS["Qwen-Image"]
    catalog = planted(tmp_path, monkeypatch, kind, split_files.plainly("float32"))
    (path,) = (tmp_path / "ComfyUI" / "models" / "diffusion_models").iterdir()
    tensors = split_files.read(path)
    save_file({f"model.diffusion_model.{name}": tensor for name, tensor in tensors.items()}, path)
    catalog.look_through()
    far = np.abs(picture(catalog, split_model(catalog)) - picture(catalog, kind.tiny)).mean()
    assert far <= 0.01


def test_without_its_package_a_gguf_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.disk.gguf_headers.is_installed", lambda: False)
    catalog = planted(tmp_path, monkeypatch, KINDS["Z-Image"], split_files.plainly("float32"), gguf=True)
    (refused,) = catalog.roots[0].found.unusable
    assert 'pip install "likeness[gguf]"' in refused.reason


def test_parts_that_are_in_no_folder_come_from_the_hub_and_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS["Z-Image"]
    catalog = planted(tmp_path, monkeypatch, kind, split_files.plainly("float32"))
    for path in (tmp_path / "ComfyUI" / "models" / "text_encoders").iterdir():
        path.unlink()
    catalog.look_through()
    model = catalog.get(split_model(catalog))
    assert model.parts["text_encoder"] == "hub://Tongyi-MAI/Z-Image-Turbo/text_encoder"
    reason = catalog.unavailable_reason(model.id, model.modes[0])
    assert reason is not None
    assert "needs Tongyi-MAI/Z-Image-Turbo/text_encoder, which is not on this machine yet" in reason
    assert "Download it" in reason
    assert {catalog.unavailable_reason(model.id, mode) for mode in model.modes} == {reason}
    with pytest.raises(ModelUnavailable, match="Z-Image-Turbo/text_encoder"):
        PipelineRunner(catalog, "cpu").preload(model.id)


def test_of_two_encoders_the_fuller_one_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS["Z-Image"]
    catalog = planted(tmp_path, monkeypatch, kind, split_files.plainly("bfloat16"))
    place = tmp_path / "ComfyUI" / "models" / "text_encoders"
    eight = split_files.fp8_scaled(".scale_weight")(
        split_files.component(tmp_path / "whole" / "text_encoder")
    )
    save_file(eight, place / "a-first-one.safetensors")
    catalog.look_through()
    model = catalog.get(split_model(catalog))
    assert Path(model.parts["text_encoder"]).name == "z_image_turbo-text_encoder.safetensors"


@pytest.mark.parametrize("part", ["diffusion_models", "text_encoders"])
def test_a_file_that_lacks_a_tensor_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    catalog = planted(tmp_path, monkeypatch, KINDS["Z-Image"], split_files.plainly("float32"))
    (path,) = (tmp_path / "ComfyUI" / "models" / part).iterdir()
    tensors = split_files.read(path)
    lost = next(name for name in sorted(tensors, reverse=True) if "layers.1." in name)
    save_file({name: tensor for name, tensor in tensors.items() if name != lost}, path)
    catalog.look_through()
    with pytest.raises(ModelUnavailable, match="damaged or incomplete"):
        PipelineRunner(catalog, "cpu").preload(split_model(catalog))


def test_a_fingerprint_follows_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = planted(tmp_path, monkeypatch, KINDS["Z-Image"], split_files.plainly("float32"))
    runner = PipelineRunner(catalog, "cpu")
    model = catalog.get(split_model(catalog))
    before = runner.models.take(model).model.fingerprint
    (path,) = (tmp_path / "ComfyUI" / "models" / "text_encoders").iterdir()
    tensors = split_files.read(path)
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, path)
    runner.models.clear()
    assert runner.models.take(model).model.fingerprint != before


PACKED = {
    "blocks.0.attn.weight.absmax": "bitsandbytes",
    "blocks.0.attn.weight_scale_2": "NVFP4",
    "blocks.0.attn.wscales": "Nunchaku",
}


@pytest.mark.parametrize("sign", PACKED)
def test_numbers_that_nothing_reads_are_told_by_their_name(tmp_path: Path, sign: str) -> None:
    shapes = {"cap_embedder.0.weight": [2560], "layers.0.adaLN_modulation.0.weight": [15360, 256], sign: [1]}
    write(tmp_path / "z_image.safetensors", shapes)
    (refused,) = models_folder.look(tmp_path).unusable
    assert PACKED[sign] in refused.reason
    assert "bf16, fp16, fp8 or .gguf" in refused.reason


def test_the_network_of_flux2_dev_says_why_it_is_not_used(tmp_path: Path) -> None:
    shapes = {"single_stream_modulation.lin.weight": [18432, 6144], "txt_in.weight": [6144, 15360]}
    write(tmp_path / "flux2-dev.safetensors", shapes)
    (refused,) = models_folder.look(tmp_path).unusable
    assert "Mistral" in refused.reason


NAMES = {
    "z_image_bf16": ("z-image", "base"),
    "z_image_turbo_fp8": ("z-image-turbo", "turbo"),
    "my z-image mix": ("z-image-turbo", "turbo"),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_shapes_do_not_say_a_name_does(tmp_path: Path, name: str) -> None:
    shapes = {"cap_embedder.0.weight": [2560], "layers.0.adaLN_modulation.0.weight": [15360, 256]}
    write(tmp_path / f"{name}.safetensors", shapes)
    (network,) = models_folder.look(tmp_path).networks
    made = recipes.recipe(network)
    assert (made.config, made.options["checkpoint"]) == NAMES[name]
