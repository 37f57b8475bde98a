from __future__ import annotations

from typing import Any

import pytest
import torch

from pipelines.events import Started
from pipelines.request import Mode
from pipelines.running.contract import LoadSettings
from pipelines.running.families import load
from pipelines.running.families.sdxl import StableDiffusionXL
from tests.pipelines.running.families.conftest import Tiny
from tests.pipelines.running.families.test_stable_diffusion import denoised
from tests.tiny_models_sdxl import ENTRY


@pytest.fixture
def prepare(tiny: Tiny) -> Any:
    def prepared(mode: str, **changes: Any) -> Any:
        return tiny.prepare(tiny.load("tiny-sdxl"), "tiny-sdxl", mode, **changes)

    return prepared


def scales(call: Any) -> dict[str, list[float]]:
    """Per cross attention of the UNet in use, what each reference weighs there."""
    processors = call._pipeline.unet.attn_processors
    return {name: p.scale for name, p in processors.items() if hasattr(p, "scale")}


def test_style_acts_in_one_block_and_character_in_all(prepare: Any) -> None:
    both = [{"image_id": "face"}, {"image_id": "other", "role": "style", "weight": 0.5}]
    found = scales(prepare("character_reference", references=both))
    styled = {name for name, (_, style) in found.items() if style}
    assert styled == {name for name in found if "up_blocks.0.attentions.1." in name}
    assert {character for character, _ in found.values()} == {1.0}
    assert {found[name][1] for name in styled} == {0.5}


def test_words_are_encoded_as_diffusers_would_have(prepare: Any, tiny: Tiny) -> None:
    call = prepare("text_to_image", prompt="a stern face", negative_prompt="blur")
    ours = denoised(call)
    theirs = call._pipeline(
        "a stern face",
        negative_prompt="blur",
        num_inference_steps=2,
        guidance_scale=3.5,
        width=64,
        height=64,
        output_type="latent",
        generator=torch.Generator().manual_seed(5),
    ).images
    assert torch.equal(ours, theirs)


def test_contrast_is_kept_under_guidance_where_the_entry_says_so_and_the_pipeline_can(tiny: Tiny) -> None:
    model = tiny.load("tiny-sdxl")
    plain = tiny.prepare(model, "tiny-sdxl", "text_to_image")
    assert "guidance_rescale" not in plain.arguments
    model.options = model.options.model_copy(update={"guidance_rescale": 0.7})
    for mode in ("text_to_image", "img2img"):
        assert tiny.prepare(model, "tiny-sdxl", mode).arguments["guidance_rescale"] == 0.7
    assert "guidance_rescale" not in tiny.prepare(model, "tiny-sdxl", "controlnet").arguments
    kept = denoised(tiny.prepare(model, "tiny-sdxl", "text_to_image", guidance_scale=20.0))
    model.options = model.options.model_copy(update={"guidance_rescale": 0.0})
    assert kept.std() < denoised(tiny.prepare(model, "tiny-sdxl", "text_to_image", guidance_scale=20.0)).std()


def test_lines_go_to_the_union_networks_own_input(prepare: Any) -> None:
    types = {
        kind: prepare("controlnet", control={"kind": kind}).arguments["control_mode"]
        for kind in ("canny", "soft_edge")
    }
    assert types == {"canny": [3], "soft_edge": [2]}


@pytest.mark.parametrize(("mode", "role"), [("controlnet", "source"), ("inpaint", "structure")])
def test_a_union_network_takes_more_beside_it(tiny: Tiny, mode: str, role: str) -> None:
    usual = tiny.ask("tiny-sdxl", mode)
    more = [r.model_dump() for r in usual.references] + [{"image_id": "other", "role": role}]
    outcome = tiny.make("tiny-sdxl", mode, references=more)
    route = tiny.catalog.route("tiny-sdxl", Mode(mode))
    (started,) = outcome.of(Started)
    assert started.provenance["pipeline"] == route.pipelines[1]
    assert outcome.images[0].rgb != tiny.make("tiny-sdxl", mode).images[0].rgb


def test_a_lora_and_a_scheduler_belong_to_the_entry(tiny: Tiny, tmp_path: Any) -> None:
    from safetensors.torch import save_file

    from pipelines.catalog.catalog import load_catalog

    folder = tiny.folder_of("tiny-sdxl")
    name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    lora = {
        f"unet.{name}.lora_A.weight": torch.randn(2, 16),
        f"unet.{name}.lora_B.weight": torch.randn(16, 2),
    }
    save_file(lora, folder / "swift.safetensors")
    options = (
        "    options:\n      scheduler: LCMScheduler\n      loras: {swift.safetensors: 0.5}\n"
        "      edit_unet: true"
    )
    path = tmp_path / "models.yaml"
    path.write_text(
        "models:\n" + ENTRY.format(folder=folder).replace("    options:\n      edit_unet: true", options)
    )
    spec = load_catalog(path).get("tiny-sdxl")
    loaded = load(spec, LoadSettings(folder, frozenset({Mode.TEXT_TO_IMAGE}), "cpu", torch.float32))
    assert isinstance(loaded, StableDiffusionXL)
    woven = loaded.unet.get_parameter(f"{name}.weight")
    plain = load(
        tiny.catalog.get("tiny-sdxl"),
        LoadSettings(folder, frozenset({Mode.TEXT_TO_IMAGE}), "cpu", torch.float32),
    )
    assert isinstance(plain, StableDiffusionXL)
    added = 0.5 * lora[f"unet.{name}.lora_B.weight"] @ lora[f"unet.{name}.lora_A.weight"]
    assert torch.allclose(woven, plain.unet.get_parameter(f"{name}.weight") + added, atol=1e-5)
    assert type(loaded.stock("StableDiffusionXLPipeline").pipeline.scheduler).__name__ == "LCMScheduler"
