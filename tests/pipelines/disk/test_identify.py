"""Files told apart by header: the names and shapes are those of real files, the numbers are nothing."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog import models_folder
from pipelines.catalog.catalog import load_catalog
from pipelines.disk.identify import identify
from pipelines.errors import NotFound
from pipelines.request import Mode
from tests import tiny_models_flux3

UNET = "model.diffusion_model."
SD1 = {
    f"{UNET}input_blocks.0.0.weight": [320, 4, 3, 3],
    f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": [320, 768],
    "first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3],
    "cond_stage_model.transformer.text_model.embeddings.position_embedding.weight": [77, 768],
}
SDXL = {
    f"{UNET}input_blocks.0.0.weight": [320, 4, 3, 3],
    f"{UNET}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": [640, 2048],
    "first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3],
    "conditioner.embedders.1.model.text_projection": [1280, 1280],
}
LORA_XL = {
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": [8, 2048],
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": [640, 8],
}
KNOWN: dict[str, tuple[dict[str, list[int]], str, str | None]] = {
    "sd1": (SD1, "checkpoint", "sd1"),
    "sd2": (
        {**SD1, f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": [320, 1024]},
        "checkpoint",
        "sd2",
    ),
    "sdxl": (SDXL, "checkpoint", "sdxl"),
    "refiner": (
        {**SDXL, f"{UNET}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": [640, 1280]},
        "checkpoint",
        "sdxl-refiner",
    ),
    "unet alone": ({key: shape for key, shape in SDXL.items() if key.startswith(UNET)}, "network", "sdxl"),
    "flux1": (
        {"double_blocks.0.img_attn.norm.key_norm.scale": [128], "img_in.weight": [3072, 64]},
        "network",
        "flux1",
    ),
    "flux1 in comfy": ({f"{UNET}double_blocks.0.img_attn.norm.key_norm.scale": [128]}, "network", "flux1"),
    "flux2": (
        {
            "single_stream_modulation.lin.weight": [9216, 3072],
            "double_blocks.0.img_attn.norm.key_norm.scale": [128],
        },
        "network",
        "flux2",
    ),
    "z-image": (
        {"cap_embedder.0.weight": [2560], "layers.0.adaLN_modulation.0.weight": [15360, 256]},
        "network",
        "z-image",
    ),
    "qwen": (
        {"txt_norm.weight": [3584], "transformer_blocks.0.img_mod.1.weight": [18432, 3072]},
        "network",
        "qwen-image",
    ),
    "sd3": ({"joint_blocks.0.x_block.attn.qkv.weight": [4608, 1536]}, "network", "sd3"),
    "lora xl": (LORA_XL, "lora", "sdxl"),
    "lora sd1": (
        {
            "lora_unet_x_attn2_to_k.lora_down.weight": [8, 768],
            "lora_unet_x_attn2_to_k.lora_up.weight": [320, 8],
        },
        "lora",
        "sd1",
    ),
    "lora peft": (
        {
            "unet.down_blocks.0.attn2.to_k.lora_A.weight": [8, 768],
            "unet.down_blocks.0.attn2.to_k.lora_B.weight": [320, 8],
        },
        "lora",
        "sd1",
    ),
    "lora flux1": (
        {"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": [16, 3072]},
        "lora",
        "flux1",
    ),
    "lora flux2": (
        {"transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj.lora_A.weight": [16, 3072]},
        "lora",
        "flux2",
    ),
    "lora qwen": (
        {f"transformer_blocks.{number}.attn.add_q_proj.lora_A.weight": [16, 3072] for number in (0, 59)},
        "lora",
        "qwen-image",
    ),
    "lora z-image": (
        {"diffusion_model.layers.0.attention.to_q.lora_A.weight": [16, 3840]},
        "lora",
        "z-image",
    ),
    "controlnet": (
        {
            "controlnet_cond_embedding.conv_in.weight": [16, 3, 3, 3],
            "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": [320, 768],
        },
        "controlnet",
        "sd1",
    ),
    "ip-adapter": (
        {"image_proj.proj.weight": [3072, 1024], "ip_adapter.1.to_k_ip.weight": [320, 768]},
        "ip_adapter",
        "sd1",
    ),
    "vae": (
        {"encoder.conv_in.weight": [128, 3, 3, 3], "decoder.conv_in.weight": [512, 4, 3, 3]},
        "vae",
        "sd",
    ),
    "vae flux1": ({"decoder.conv_in.weight": [512, 16, 3, 3]}, "vae", "flux1"),
    "vae qwen": ({"decoder.conv_in.weight": [384, 16, 3, 3, 3]}, "vae", "qwen-image"),
    "controlnet flux1": (
        {"controlnet_x_embedder.weight": [3072, 64], "transformer_blocks.0.attn.to_q.weight": [3072, 3072]},
        "controlnet",
        "flux1",
    ),
    "controlnet qwen": (
        {"controlnet_x_embedder.weight": [3072, 64], "txt_norm.weight": [3584]},
        "controlnet",
        "qwen-image",
    ),
    "controlnet z-image": ({"control_all_x_embedder.2-1.weight": [3840, 64]}, "controlnet", "z-image"),
    "controlnet xlabs": (
        {"controlnet_blocks.0.weight": [3072, 3072], "double_blocks.0.img_attn.norm.key_norm.scale": [128]},
        "foreign",
        "flux1",
    ),
    "ip-adapter flux1": (
        {
            "ip_adapter_proj_model.proj.weight": [65536, 768],
            "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight": [3072, 4096],
        },
        "ip_adapter",
        "flux1",
    ),
    "image encoder": (
        {"vision_model.embeddings.class_embedding": [1280], "visual_projection.weight": [1024, 1280]},
        "image_encoder",
        None,
    ),
    "lora xlabs": ({"double_blocks.0.processor.qkv_lora1.down.weight": [16, 3072]}, "lora", "flux1"),
    "something else": ({"weight": [3]}, "unknown", None),
}


def write(path: Path, shapes: dict[str, list[int]], words: dict[str, str] | None = None) -> Path:
    """A whole safetensors file that says it holds such tensors, each of a single byte."""
    tensors = {
        name: {"dtype": "U8", "shape": shape, "data_offsets": [index, index + 1]}
        for index, (name, shape) in enumerate(shapes.items())
    }
    header = json.dumps({**tensors, **({"__metadata__": words} if words else {})}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(len(shapes)))
    return path


@pytest.mark.parametrize("name", KNOWN)
def test_a_file_is_known_by_its_tensors(tmp_path: Path, name: str) -> None:
    shapes, kind, base = KNOWN[name]
    found = identify(write(tmp_path / "file.safetensors", shapes))
    assert (found.kind, found.base) == (kind, base)


@pytest.mark.parametrize(
    ("adapter", "widths", "label"),
    [
        ({"image_proj.proj.weight": [3072, 1024]}, (None, 1024), "CLIP ViT-H"),
        ({"image_proj.proj.weight": [8192, 1280]}, (None, 1280), "CLIP ViT-bigG"),
        ({"image_proj.proj_in.weight": [768, 1280]}, (1280, None), "CLIP ViT-H"),
        ({"ip_adapter_proj_model.proj.weight": [65536, 768]}, (None, 768), "CLIP ViT-L"),
    ],
)
def test_an_adapter_says_through_which_encoder_it_looks(
    tmp_path: Path, adapter: dict[str, list[int]], widths: tuple[int | None, ...], label: str
) -> None:
    wanted = identify(write(tmp_path / "adapter.safetensors", adapter)).encoder_widths
    own = identify(write(tmp_path / "encoder.safetensors", KNOWN["image encoder"][0])).encoder_widths
    assert wanted is not None
    assert own is not None
    assert (wanted.widths, wanted.label, own.label) == (widths, label, "CLIP ViT-H")
    assert own.serves(wanted) == (label == "CLIP ViT-H")


def test_the_channels_of_an_edit_checkpoint_are_seen(tmp_path: Path) -> None:
    shapes = {**SD1, f"{UNET}input_blocks.0.0.weight": [320, 8, 3, 3]}
    assert identify(write(tmp_path / "edit.safetensors", shapes)).channels == 8


@pytest.mark.parametrize(
    ("words", "base", "triggers"),
    [
        (
            {"modelspec.architecture": "flux-1-dev/lora", "modelspec.trigger_phrase": "ink style"},
            "flux1",
            ("ink style",),
        ),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl", ()),
        ({"ss_tag_frequency": '{"5_ink": {"inkstyle": 40, "a tree": 3}}'}, "sdxl", ("inkstyle",)),
        ({"ss_tag_frequency": "no json"}, "sdxl", ()),
    ],
)
def test_what_a_loras_maker_wrote_is_read(
    tmp_path: Path, words: dict[str, str], base: str, triggers: tuple[str, ...]
) -> None:
    found = identify(write(tmp_path / "lora.safetensors", LORA_XL, words))
    assert (found.base, found.triggers, found.weight) == (base, triggers, 1.0)


def test_notes_beside_a_lora_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "lora.safetensors", LORA_XL, {"modelspec.trigger_phrase": "other"})
    path.with_suffix(".json").write_text('{"activation text": "ink, wash", "preferred weight": 0.7}')
    found = identify(path)
    assert (found.triggers, found.weight) == (("ink", "wash"), 0.7)
    path.with_suffix(".json").write_text("[")
    assert identify(path).triggers == ("other",)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a zip", b"\xff" * 64, struct.pack("<Q", 9) + b"not json!"]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="odd"):
        identify(path)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "half.safetensors", SD1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off"):
        identify(path)


YAML = (
    "models:\n  - {id: one, label: One, family: sdxl, source: here, licence: none, modes: [text_to_image]}\n"
)


def test_the_models_folder_becomes_entries_add_ons_and_reasons(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (tmp_path / "models.yaml").write_text(YAML)
    catalog = load_catalog(tmp_path / "models.yaml", folder)
    assert [spec.id for spec in catalog.specs] == ["one"]
    write(folder / "My Ink.safetensors", SD1)
    write(folder / "big" / "photo_XL.v2.safetensors", SDXL)
    write(folder / "loras" / "line.safetensors", LORA_XL)
    write(folder / "flux.safetensors", KNOWN["flux1"][0])
    write(folder / "xlabs.safetensors", KNOWN["controlnet xlabs"][0])
    (folder / "old.ckpt").write_bytes(b"pickle")
    (folder / "cut.safetensors").write_bytes(b"\x08")
    catalog.look_through()
    assert {"One", "My Ink", "photo_XL.v2"} <= {spec.label for spec in catalog.specs}
    ink = catalog.get("file-my-ink")  # as records of earlier versions name it
    assert ink.id.startswith("file-my-ink-")
    assert (ink.label, ink.family, ink.resolution) == ("My Ink", "stable-diffusion", 512)
    assert {Mode.TEXT_TO_IMAGE, Mode.IMG2IMG} <= set(ink.modes)
    assert Mode.CONTROLNET not in ink.modes
    assert catalog.availability(ink) == "ready"
    assert catalog.folder(ink) == folder / "My Ink.safetensors"
    assert catalog.get("file-big-photo_xl.v2").family == "sdxl"
    assert [each.name for each in catalog.dropped.add_ons] == ["line"]
    assert catalog.add_on("loras-line").identified.base == "sdxl"
    reasons = {each.path.name: each.reason for each in catalog.dropped.unusable}
    assert "pickle" in reasons["old.ckpt"]
    assert "part of a network" in reasons["flux.safetensors"]
    assert "ControlNet for FLUX.1 in a layout" in reasons["xlabs.safetensors"]
    assert "not a whole" in reasons["cut.safetensors"]
    with pytest.raises(NotFound):
        catalog.add_on("nothing")


def test_a_diffusers_folder_becomes_an_entry_and_an_incomplete_one_says_what_is_missing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    assert "unet" in models_folder.look(tmp_path / "models").unusable[0].reason
    write(folder / "unet" / "diffusion_pytorch_model.safetensors", {"conv_in.weight": [1]})
    (folder / "unet" / "config.json").write_text("{}")
    (spec,) = models_folder.look(tmp_path / "models").specs
    assert (spec.id, spec.label, spec.source) == ("file-mine", "mine", str(folder))
    (folder / "model_index.json").write_text('{"_class_name": "OtherPipeline"}')
    assert "OtherPipeline" in models_folder.look(tmp_path / "models").unusable[0].reason


def test_a_folder_of_blocks_becomes_an_entry_and_others_say_why_not(tmp_path: Path) -> None:
    folder = tiny_models_flux3.make(tmp_path / "models" / "klein")
    (spec,) = models_folder.look(tmp_path / "models").specs
    assert (spec.id, spec.family, spec.source) == ("file-klein", "flux3", str(folder))
    assert Mode.SMART_EDIT in spec.modes
    assert Mode.IMG2IMG not in spec.modes
    index = {**tiny_models_flux3.index(), "_class_name": "Flux3ModularPipeline"}
    (folder / "modular_model_index.json").write_text(json.dumps(index))
    (problem,) = models_folder.look(tmp_path / "models").unusable
    assert "Flux3ModularPipeline, which the studio has no family for" in problem.reason
    (folder / "modular_model_index.json").write_text("[]")
    (problem,) = models_folder.look(tmp_path / "models").unusable
    assert problem.reason == "Its modular_model_index.json cannot be read."


def test_the_network_of_flux3_alone_is_refused_in_words(tmp_path: Path) -> None:
    write(tmp_path / "klein.safetensors", {"early_stream_modulations.image.lin.weight": [9216, 3072]})
    (problem,) = models_folder.look(tmp_path).unusable
    assert problem.reason.startswith("It holds the FLUX.3 network alone, without text encoder and VAE")


@pytest.mark.parametrize("index", [{}, {"unet": 5, "vae": [], "text_encoder": [1, 2]}])
def test_a_diffusers_folder_without_parts_is_refused(tmp_path: Path, index: dict[str, Any]) -> None:
    (tmp_path / "sd").mkdir()
    said = {"_class_name": "StableDiffusionPipeline", **index}
    (tmp_path / "sd" / "model_index.json").write_text(json.dumps(said))
    found = models_folder.look(tmp_path)
    assert [each.reason for each in found.unusable] == ["Its model_index.json names no parts."]
    assert found.specs == ()


def test_a_network_of_nobody_is_told_in_a_sentence(tmp_path: Path) -> None:
    write(tmp_path / "odd.safetensors", {f"{UNET}input_blocks.0.0.weight": []})
    found = models_folder.look(tmp_path)
    assert [each.reason for each in found.unusable] == ["Its tensors are of no kind the studio knows."]


def test_a_model_that_came_later_is_found_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(YAML)
    catalog = load_catalog(tmp_path / "models.yaml", tmp_path / "models")
    write(tmp_path / "models" / "late.safetensors", SD1)
    assert catalog.get("file-late").label == "late"
    assert catalog.route("file-late", Mode.TEXT_TO_IMAGE).pipeline == "StableDiffusionPipeline"
