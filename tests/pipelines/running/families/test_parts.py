"""VAEs, ControlNets and IP-Adapters of the models folder in a model's calls, at tiny size."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from pipelines.disk.labels import BASE_BY_CONTEXT
from pipelines.errors import RequestError
from pipelines.events import Started
from pipelines.request import Mode
from pipelines.running.contract import LoadSettings
from pipelines.running.families import load
from pipelines.running.single_file_parts import load_vae
from tests.pipelines.running.families.conftest import Tiny
from tests.pipelines.running.families.test_every_family import differ
from tests.pipelines.running.families.test_stable_diffusion import denoised
from tests.single_files import _vae as as_ldm

XL = "tiny-sdxl"
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def width_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """By it an adapter's model is told; the tiny one's is its own."""
    monkeypatch.setitem(BASE_BY_CONTEXT, 64, "sdxl")


def folder(tiny: Tiny) -> Path:
    tiny.add_ons.mkdir(exist_ok=True)
    return tiny.folder_of(XL)


def give_vae(tiny: Tiny, name: str, *, ldm: bool, seed: int = 5) -> str:
    """A VAE of the model's shape and other numbers, in diffusers' layout or the one of old checkpoints."""
    torch.manual_seed(seed)
    config: Any = AutoencoderKL.load_config(folder(tiny) / "vae")
    vae: Any = AutoencoderKL.from_config(config)
    tensors = as_ldm(vae) if ldm else vae.state_dict()
    save_file({k: v.contiguous() for k, v in tensors.items()}, tiny.add_ons / f"{name}.safetensors")
    return name


def give_controlnet(tiny: Tiny, name: str) -> str:
    """A ControlNet for one kind of lines, with no layer left at zero."""
    config: Any = UNet2DConditionModel.load_config(folder(tiny) / "unet")
    unet: Any = UNet2DConditionModel.from_config(config, in_channels=4)
    plain: Any = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 8, 8, 16))
    tensors = {k: v if v.any() else torch.randn_like(v) * 0.3 for k, v in plain.state_dict().items()}
    save_file(tensors, tiny.add_ons / f"{name}.safetensors")
    return name


def pipeline_of(outcome: Any) -> str:
    (started,) = outcome.of(Started)
    return started.provenance["pipeline"]


@pytest.mark.parametrize("ldm", [False, True])
def test_another_vae_decodes_and_goes_again(tiny: Tiny, ldm: bool) -> None:
    name = give_vae(tiny, "old-vae" if ldm else "soft-vae", ldm=ldm)
    plain = tiny.make(XL, "img2img", strength=0.5)
    other = tiny.make(XL, "img2img", strength=0.5, vae=name)
    assert differ(plain, other)
    assert not differ(other, tiny.make(XL, "img2img", strength=0.5, vae=name))
    assert not differ(plain, tiny.make(XL, "img2img", strength=0.5))


def test_a_union_network_of_the_models_folder_acts_as_the_models_own(tiny: Tiny) -> None:
    shutil.copy(folder(tiny) / "controlnet" / WEIGHTS, tiny.add_ons / "union.safetensors")
    control = {"kind": "soft_edge"}
    own = tiny.make(XL, "controlnet", control=control)
    brought = tiny.make(XL, "controlnet", control={**control, "network": "union"})
    assert pipeline_of(own) == pipeline_of(brought) == "StableDiffusionXLControlNetUnionPipeline"
    assert differ(own, tiny.make(XL, "text_to_image"))
    weak = tiny.make(XL, "controlnet", control={**control, "network": "union", "weight": 0.2})
    assert differ(brought, weak)


@pytest.mark.parametrize(
    ("mode", "more", "pipeline"),
    [
        ("controlnet", [], "StableDiffusionXLControlNetPipeline"),
        (
            "controlnet",
            [{"image_id": "other", "role": "source"}],
            "StableDiffusionXLControlNetImg2ImgPipeline",
        ),
        (
            "inpaint",
            [{"image_id": "other", "role": "structure"}],
            "StableDiffusionXLControlNetInpaintPipeline",
        ),
    ],
)
def test_a_network_for_one_kind_of_lines_runs_in_its_own_pipeline(
    tiny: Tiny, mode: str, more: list[Any], pipeline: str
) -> None:
    name = give_controlnet(tiny, "sketch")
    references = [r.model_dump() for r in tiny.ask(XL, mode).references] + more
    own = tiny.make(XL, mode, references=references)
    sketched = tiny.make(XL, mode, references=references, control={"network": name})
    assert differ(own, sketched)
    assert pipeline_of(sketched) == pipeline


def test_a_controlnet_beside_a_checkpoint_is_loaded_when_it_is_needed(tiny: Tiny) -> None:
    path = tiny.add_ons / f"{give_controlnet(tiny, 'beside')}.safetensors"
    spec = tiny.catalog.get(XL).model_copy(update={"options": {"controlnets": {"canny": str(path)}}})
    settings = LoadSettings(tiny.folder_of(XL), frozenset({Mode.CONTROLNET}), "cpu", torch.float32)
    loaded: Any = load(spec, settings)
    assert loaded.controlnets == {}
    call = tiny.prepare(loaded, XL, "controlnet")
    assert call.pipeline == "StableDiffusionXLControlNetPipeline"
    assert torch.isfinite(denoised(call)).all()


def test_another_ip_adapter_acts_for_the_modes_role_alone(tiny: Tiny) -> None:
    tensors = load_file(folder(tiny) / "ip_adapter" / "character.safetensors")
    save_file({k: v.flip(0).contiguous() for k, v in tensors.items()}, tiny.add_ons / "face.safetensors")
    both = [{"image_id": "face"}, {"image_id": "other", "role": "style"}]
    plain = tiny.make(XL, "character_reference", references=both)
    other = tiny.make(XL, "character_reference", references=both, ip_adapter="face")
    assert differ(plain, other)
    assert not differ(plain, tiny.make(XL, "character_reference", references=both))
    style = tiny.make(XL, "style_reference", ip_adapter="face")
    assert differ(style, tiny.make(XL, "style_reference"))


@pytest.mark.parametrize(
    ("kind", "mode", "field"),
    [
        ("vae", "text_to_image", "vae"),
        ("controlnet", "controlnet", "control"),
        ("ip", "character_reference", "ip_adapter"),
    ],
)
def test_a_part_of_another_model_is_refused_in_words(tiny: Tiny, kind: str, mode: str, field: str) -> None:
    tensors = {
        "vae": {
            "decoder.conv_in.weight": torch.zeros(4, 4, 3, 3),
            "decoder.mid_block.resnets.0.x": torch.zeros(1),
        },
        "controlnet": {"controlnet_cond_embedding.conv_in.weight": torch.zeros(4, 3, 3, 3)},
        "ip": {
            "image_proj.proj.weight": torch.zeros(8, 24),
            "ip_adapter.1.to_k_ip.weight": torch.zeros(4, 2048),
        },
    }[kind]
    folder(tiny)
    save_file(tensors, tiny.add_ons / f"wrong-{kind}.safetensors")
    plain = tiny.make(XL, mode)
    asked: dict[str, Any] = (
        {"control": {"network": "wrong-controlnet"}} if field == "control" else {field: f"wrong-{kind}"}
    )
    with pytest.raises(RequestError, match="does not fit Tiny XL") as refused:
        tiny.make(XL, mode, **asked)
    assert refused.value.field == field
    assert not differ(plain, tiny.make(XL, mode))


def test_an_image_encoder_of_the_models_folder_serves_an_adapter_made_for_it(tiny: Tiny) -> None:
    """The model's own summary is 24 wide; this adapter reads one of 40."""
    weights = load_file(folder(tiny) / "ip_adapter" / "character.safetensors")
    weights["image_proj.proj.weight"] = torch.randn(weights["image_proj.proj.weight"].shape[0], 40) * 0.3
    save_file(weights, tiny.add_ons / "wide.safetensors")
    torch.manual_seed(3)
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=40, num_hidden_layers=1, num_attention_heads=4, image_size=32,
        patch_size=8, projection_dim=40,
    )  # fmt: skip
    both = [{"image_id": "face"}, {"image_id": "other", "role": "style"}]
    with pytest.raises(RequestError, match=r"looks at pictures through .*as well"):
        tiny.make(XL, "character_reference", references=both, ip_adapter="wide")
    encoder = CLIPVisionModelWithProjection(config)
    save_file(encoder.state_dict(), tiny.add_ons / "eye.safetensors")
    plain = tiny.make(XL, "character_reference", references=both)
    wide = tiny.make(XL, "character_reference", references=both, ip_adapter="wide")
    (started,) = wide.of(Started)
    assert {"wide", "image encoder"} <= set(started.provenance["add_ons"])
    assert differ(plain, wide)
    other = [{"image_id": "tall"}, both[1]]
    assert differ(wide, tiny.make(XL, "character_reference", references=other, ip_adapter="wide"))
    assert not differ(plain, tiny.make(XL, "character_reference", references=both))


@pytest.mark.parametrize("model", ["tiny-flux1", "tiny-qwen-image", "tiny-z-image"])
def test_a_controlnet_from_one_file_acts_as_the_models_own(tiny: Tiny, model: str) -> None:
    tiny.add_ons.mkdir(exist_ok=True)
    name = f"lines-{model}"
    shutil.copy(tiny.folder_of(model) / "controlnet" / WEIGHTS, tiny.add_ons / f"{name}.safetensors")
    own = tiny.make(model, "controlnet")
    assert not differ(own, tiny.make(model, "controlnet", control={"network": name}))
    assert differ(own, tiny.make(model, "controlnet", control={"network": name, "weight": 0.1}))


def test_a_union_network_for_flux1_is_told_which_lines_it_gets(tiny: Tiny) -> None:
    tiny.add_ons.mkdir(exist_ok=True)
    weights = load_file(tiny.folder_of("tiny-flux1") / "controlnet" / WEIGHTS)
    weights["controlnet_mode_embedder.weight"] = torch.randn(7, weights["x_embedder.weight"].shape[0])
    save_file(weights, tiny.add_ons / "union-flux.safetensors")
    plain = tiny.make("tiny-flux1", "controlnet")
    assert differ(plain, tiny.make("tiny-flux1", "controlnet", control={"network": "union-flux"}))
    with pytest.raises(RequestError, match="knows no soft edges"):
        tiny.make("tiny-flux1", "controlnet", control={"network": "union-flux", "kind": "soft_edge"})


def test_an_ip_adapter_for_flux1_acts_and_one_that_does_not_fit_leaves_nothing(tiny: Tiny) -> None:
    tiny.add_ons.mkdir(exist_ok=True)
    weights = load_file(tiny.folder_of("tiny-flux1") / "character.safetensors")
    save_file({k: v.flip(0).contiguous() for k, v in weights.items()}, tiny.add_ons / "one.safetensors")
    less = {k: v for k, v in weights.items() if "_v_proj.bias" not in k}
    save_file(less, tiny.add_ons / "broken.safetensors")
    plain = tiny.make("tiny-flux1", "character_reference")
    assert differ(plain, tiny.make("tiny-flux1", "character_reference", ip_adapter="one"))
    with pytest.raises(RequestError, match="does not fit Tiny One"):
        tiny.make("tiny-flux1", "character_reference", ip_adapter="broken")
    assert not differ(plain, tiny.make("tiny-flux1", "character_reference"))


@pytest.mark.parametrize(
    ("model", "made_for"),
    [("tiny-flux1", "flux1"), ("tiny-z-image", "flux-1"), ("tiny-klein", "flux-2"), ("tiny-qwen-image", "")],
)
def test_another_vae_decodes_for_transformers(tiny: Tiny, model: str, made_for: str) -> None:
    tiny.add_ons.mkdir(exist_ok=True)
    weights = load_file(tiny.folder_of(model) / "vae" / WEIGHTS)
    weights["decoder.conv_in.bias"] = weights["decoder.conv_in.bias"] + 1
    words = {"modelspec.architecture": made_for}
    save_file(weights, tiny.add_ons / f"vae-{model}.safetensors", words)
    plain = tiny.make(model, "text_to_image")
    assert differ(plain, tiny.make(model, "text_to_image", vae=f"vae-{model}"))
    assert not differ(plain, tiny.make(model, "text_to_image"))


def as_film(tensors: dict[str, torch.Tensor], vae: Any) -> dict[str, torch.Tensor]:
    """Qwen-Image's autoencoder under the names of its makers: stages in one row, their parts numbered."""
    ups = {}
    for stage, block in enumerate(vae.decoder.up_blocks):
        for at in range(len(block.resnets) + len(block.upsamplers or ())):
            kind, inner = ("resnets", at) if at < len(block.resnets) else ("upsamplers", 0)
            ups[f"decoder.up_blocks.{stage}.{kind}.{inner}."] = f"decoder.upsamples.{len(ups)}."
    names = {
        **ups, "down_blocks.": "downsamples.", "mid_block.resnets.0": "middle.0",
        "mid_block.resnets.1": "middle.2", "mid_block.attentions.0": "middle.1",
        "norm_out.": "head.0.", "conv_out.": "head.2.",
        ".conv_in.": ".conv1.", "post_quant_conv.": "conv2.", "quant_conv.": "conv1.",
        "conv_shortcut": "shortcut",
    }  # fmt: skip
    parts = {".norm1.": ".residual.0.", ".norm2.": ".residual.3.", ".conv2.": ".residual.6."}
    found = {}
    for name, tensor in tensors.items():
        inside = any(block in name for block in ("resnets", "down_blocks"))
        for old, new in (parts | {".conv1.": ".residual.2."}).items() if inside else ():
            name = name.replace(old, new)
        for old, new in names.items():
            name = name.replace(old, new)
        found[name] = tensor
    return found


@pytest.mark.parametrize("prefix", ["", "vae."])
def test_a_vae_of_qwen_image_is_read_as_comfyui_passes_it_around(tmp_path: Path, prefix: str) -> None:
    from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage

    torch.manual_seed(3)
    own: Any = AutoencoderKLQwenImage(base_dim=4, z_dim=4, latents_mean=[0.1] * 4, latents_std=[1.2] * 4)
    other: Any = AutoencoderKLQwenImage.from_config(own.config)
    weights = as_film(other.state_dict(), other)
    assert "decoder.conv1.weight" in weights
    assert not any("blocks" in name for name in weights)
    save_file({f"{prefix}{k}": v.contiguous() for k, v in weights.items()}, tmp_path / "one.safetensors")
    loaded = load_vae(tmp_path / "one.safetensors", own)
    assert loaded.state_dict().keys() == own.state_dict().keys()
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in other.state_dict().items())


def test_a_vae_cut_out_of_a_whole_model_keeps_its_beginning(tmp_path: Path, tiny: Tiny) -> None:
    config: Any = AutoencoderKL.load_config(folder(tiny) / "vae")
    own: Any = AutoencoderKL.from_config(config)
    for name, tensors in (("plain", own.state_dict()), ("old", as_ldm(own))):
        for prefix in ("vae.", "first_stage_model."):
            path = tmp_path / f"{name}.safetensors"
            save_file({f"{prefix}{k}": v.contiguous() for k, v in tensors.items()}, path)
            assert load_vae(path, own).state_dict().keys() == own.state_dict().keys()
